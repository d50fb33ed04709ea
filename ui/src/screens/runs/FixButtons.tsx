import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { type NavigateOptions, useNavigate } from "@tanstack/react-router";

import type { Fix } from "../../backend/bindings/Fix";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import type { Trouble } from "../../backend/bindings/Trouble";
import { ask } from "../../backend/query";
import { Button } from "../../parts/Button";
import { GoButton } from "../../parts/GoButton";
import { errorWords } from "../../words/error";
import { leadsToInbox, situationOf, waitsUntil } from "../../words/fix";
import { fullTime, until } from "../../words/time";
import { useNow } from "../../words/useNow";
import { TroubleButtons } from "../connectors/TroubleButtons";
import { useRunUnfinished } from "./queries";

const MANAGED = "managed/";

/** A way to another screen, and what the button there says. */
interface Way {
  text: string;
  go: NavigateOptions;
}

const INBOX: Way = { text: t`Decide in the inbox`, go: { to: "/inbox" } };

/**
 * The screens on which a fix is made, the likeliest first. `target` is the resource that the mapping writes; `asked` whether
 * the inbox has its question already, which a plan that is not carried out has not put there.
 */
export function waysOf(fix: Fix, mapping: string, target: string, asked = true): Way[] {
  const editor = (search: { tab?: string; property?: string; situation?: string }): NavigateOptions => ({ to: "/mappings/$name", params: { name: mapping }, search });
  const situation = situationOf(fix);
  if (situation !== null) return [...(asked && leadsToInbox(fix) ? [INBOX] : []), { text: t`Edit policy`, go: editor({ tab: "behaviors", situation }) }];
  switch (fix.kind) {
    case "correctAttribute":
      return [{ text: t`Edit property`, go: editor({ property: fix.attribute }) }];
    case "meetPolicy": {
      const property: Way = { text: t`Edit property`, go: editor({ property: fix.attribute }) };
      return target.startsWith(MANAGED) ? [property, { text: t`Open policy`, go: { to: "/types/$name", params: { name: target.slice(MANAGED.length) }, search: { property: fix.attribute.split("/")[0] || undefined } } }] : [property];
    }
    case "correctMapping":
      return [{ text: t`Open mapping`, go: editor({}) }];
    case "linkByHand":
    case "linkToMatch":
      return asked ? [INBOX] : [{ text: t`Link by hand`, go: editor({ tab: "association" }) }];
    case "decideConflict":
    case "decideOther":
      return asked ? [INBOX] : [];
    case "removeLink":
    case "removeLinkOrKey":
      return [...(asked ? [INBOX] : []), { text: t`Look at the links`, go: editor({ tab: "association" }) }];
    default:
      return [];
  }
}

/** Whether another look at the record is what mends it. */
function looksAgain(fix: Fix): boolean {
  return fix.kind.startsWith("runAgain") || fix.kind === "clearFailures";
}

/** `system/hubspot/contact` is of the connector `hubspot`. */
export function connectorOf(resource: string): string | null {
  const [kind, name] = resource.split("/");
  return kind === "system" && name ? name : null;
}

/** The buttons that do what a remedy asks for. `about` tells those of several causes apart for people who do not see them. */
export function FixButtons({ fix, trouble = null, mapping, about, asked = true, run, failedAt, onRun }: {
  fix: Fix | null;
  /** What the target's system asks for before anything else. */
  trouble?: Trouble | null;
  mapping: string;
  about: string;
  /** Whether the inbox has its question, where it is one. */
  asked?: boolean;
  /** The run whose failed records can be planned anew; without it that button stands elsewhere. */
  run?: string;
  /** When it failed, for providers that ask to wait. */
  failedAt?: string | null;
  onRun?: (run: RunSummary) => void;
}) {
  const mappings = useQuery(ask("mappings_list", {}));
  const navigate = useNavigate();
  const now = useNow();
  const again = useRunUnfinished();
  const target = mappings.data?.find(({ name }) => name === mapping)?.target ?? "";
  const waits = fix && waitsUntil(fix, failedAt ?? null, now);
  const show = onRun ?? ((next: RunSummary) => void navigate({ to: "/mappings/$name", params: { name: mapping }, search: { tab: "run", run: next.id } }));
  // Consent is given again, or a key entered: its connector knows which.
  const asks = fix?.kind === "authorize" ? "authorize" : trouble;
  const connector = connectorOf(target);
  return (
    <>
      {asks !== null && connector !== null && <TroubleButtons connector={connector} trouble={asks} />}
      {fix && waysOf(fix, mapping, target, asked).map(({ text, go }) => (
        <GoButton key={text} go={go} aria-label={t`${text}: ${about}`}>
          {text}
        </GoButton>
      ))}
      {fix && looksAgain(fix) && run !== undefined && (
        <>
          {waits !== null && (
            <span className="shrink-0 self-center text-soft" title={fullTime(waits)}>
              {t`to be tried again ${until(waits, now)}`}
            </span>
          )}
          <Button icon="retry" busy={again.isPending} disabled={waits !== null} aria-label={t`Run again: ${about}`} title={t`Plans the records again that this run left. Nothing is written before you have seen the plan.`} onClick={() => again.mutate(run, { onSuccess: show })}>
            {t`Run again`}
          </Button>
        </>
      )}
      {again.error && (
        <span role="alert" className="min-w-0 self-center text-needs">
          <bdi>{errorWords(again.error)}</bdi>
        </span>
      )}
    </>
  );
}
