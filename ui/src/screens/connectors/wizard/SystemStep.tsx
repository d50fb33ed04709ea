import { t } from "@lingui/core/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { call } from "../../../backend";
import type { ConnectorKind } from "../../../backend/bindings/ConnectorKind";
import { ask, refresh } from "../../../backend/query";
import { Button } from "../../../parts/Button";
import { Section, Skeleton } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import type { Environment } from "../salesforce";
import { WizardFrame } from "./WizardFrame";

const ENVIRONMENTS: { id: Environment; title: string }[] = [
  { id: "sandbox", title: t`Sandbox org` },
  { id: "custom", title: t`Custom domain` },
];

const MADE_UP = [
  { provider: "hubspot", title: t`HubSpot sandbox`, text: t`250 made-up contacts and their companies.` },
  { provider: "salesforce", title: t`Salesforce sandbox`, text: t`250 made-up users, contacts, leads and accounts.` },
];

/** Which system: a real one, or one of the two that this computer can make up. */
export function SystemStep() {
  const kinds = useQuery(ask("connector_kinds", {}));
  const navigate = useNavigate();
  const client = useQueryClient();
  const sandbox = useMutation({
    mutationFn: (provider: string) => call("sandbox_connect", { provider }),
    onSuccess: async ({ summary }) => {
      await refresh(client, "connectors_list", "app_status", "sandbox_list");
      await navigate({ to: "/connectors/new", search: { system: summary.provider, name: summary.name, step: "test" } });
    },
  });
  return (
    <WizardFrame at="system">
      <div className="max-w-3xl">
        <Section title={t`Which system?`}>
          {kinds.error ? (
            <Problem error={kinds.error} />
          ) : !kinds.data ? (
            <Skeleton rows={4} />
          ) : (
            <ul aria-label={t`Systems`} className="flex flex-col rounded-lg border border-line">
              {kinds.data.map((kind) => (
                <System key={kind.provider} kind={kind} />
              ))}
            </ul>
          )}
        </Section>
        <Section title={t`No account at hand?`}>
          <p className="mb-3 text-soft">{t`Concord can run a made-up one on this computer. Nothing leaves it, and nothing in it is real.`}</p>
          <ul aria-label={t`Sandboxes`} className="flex flex-col rounded-lg border border-line">
            {MADE_UP.map(({ provider, title, text }) => (
              <li key={provider} className="flex items-center gap-3 border-b border-line px-4 py-2 last:border-0">
                <span className="min-w-0 flex-1">
                  {title} <span className="text-soft">{"\u2013"} {text}</span>
                </span>
                <Button busy={sandbox.isPending && sandbox.variables === provider} disabled={sandbox.isPending} onClick={() => sandbox.mutate(provider)} aria-label={t`Use the ${title}`}>
                  {t`Use it`}
                </Button>
              </li>
            ))}
          </ul>
          {sandbox.error && (
            <div className="mt-3">
              <Problem error={sandbox.error} />
            </div>
          )}
        </Section>
      </div>
    </WizardFrame>
  );
}

function System({ kind: { provider, title, text } }: { kind: ConnectorKind }) {
  const navigate = useNavigate();
  const go = (environment?: Environment) => void navigate({ to: "/connectors/new", search: { system: provider, ...(environment ? { at: environment } : {}) } });
  return (
    <li className="flex items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3 last:border-0 max-[1100px]:flex-wrap">
      <div className="min-w-0 flex-1 max-[1100px]:min-w-[min(20rem,100%)]">
        <h3 className="font-semibold">{title}</h3>
        <p className="text-soft">{text}</p>
      </div>
      <div className="ml-auto flex shrink-0 items-center gap-2 max-[1100px]:shrink max-[1100px]:flex-wrap max-[1100px]:justify-end">
        {provider === "salesforce" &&
          ENVIRONMENTS.map((environment) => (
            <Button key={environment.id} onClick={() => go(environment.id)}>
              {environment.title}
            </Button>
          ))}
        <Button look="primary" onClick={() => go()}>
          {t`Connect ${title}`}
        </Button>
      </div>
    </li>
  );
}
