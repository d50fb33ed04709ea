import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";

import type { SandboxState } from "../../backend/bindings/SandboxState";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { CopyButton } from "../../parts/Outside";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { sandboxes, useSwitchSandbox } from "./queries";

/** The made-up systems that this program can run, for trying things out. */
export function SandboxPart() {
  const list = useQuery(sandboxes);
  const change = useSwitchSandbox();
  if (list.error) return <Problem error={list.error} />;
  if (!list.data) return <Skeleton rows={3} />;
  return (
    <>
      <p className="mb-3 text-soft">{t`Made-up accounts on this computer. Open an address in a browser to look at the records and to change them by hand.`}</p>
      <ul aria-label={t`Sandboxes`} className="flex flex-col rounded-md border border-line">
        {list.data.map((sandbox) => (
          <Row
            key={sandbox.provider}
            sandbox={sandbox}
            busy={change.isPending && change.variables.provider === sandbox.provider}
            onSwitch={(on) => change.mutate({ provider: sandbox.provider, on }, { onSuccess: () => announce(on ? t`The ${sandbox.title} sandbox was started` : t`The ${sandbox.title} sandbox was stopped`) })}
          />
        ))}
      </ul>
      {change.error && (
        <div className="mt-3">
          <Problem error={change.error} />
        </div>
      )}
    </>
  );
}

function Row({ sandbox, busy, onSwitch }: { sandbox: SandboxState; busy: boolean; onSwitch: (on: boolean) => void }) {
  const { title, url, records, kept } = sandbox;
  return (
    <li className="grid min-h-14 grid-cols-[110px_130px_minmax(0,1fr)_auto] items-center gap-4 border-b border-line px-4 py-2 last:border-0">
      <span className="font-medium">{title}</span>
      <span className="flex">
        <State tone={url ? "fine" : "off"}>{url ? t`Running` : t`Stopped`}</State>
      </span>
      <div className="min-w-0">
        {url ? (
          <>
            <span className="flex items-center gap-1">
              <code className="truncate font-mono text-sm" title={url}>
                {url}
              </code>
              <CopyButton text={url} label={t`Copy the address of the ${title} sandbox`} />
            </span>
            <span className="text-sm text-soft">{plural(records, { one: "# record", other: "# records" })}</span>
          </>
        ) : (
          <span className="text-sm text-soft">{kept ? t`keeps its records when stopped` : t`begins with fresh records each time`}</span>
        )}
      </div>
      <Button busy={busy} aria-label={url ? t`Stop the ${title} sandbox` : t`Start the ${title} sandbox`} onClick={() => onSwitch(!url)}>
        {url ? t`Stop` : t`Start`}
      </Button>
    </li>
  );
}
