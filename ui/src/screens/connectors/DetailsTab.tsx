import { t } from "@lingui/core/macro";
import { useEffect, useRef } from "react";

import type { useTestConnector } from "./queries";
import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { TextField } from "../../parts/Field";
import { Section } from "../../parts/Page";
import { Notice, Problem } from "../../parts/Problem";
import { useNow } from "../../words/useNow";
import { AuthorizePart } from "./AuthorizePart";
import { BudgetLines } from "./BudgetLine";
import { CredentialsPart } from "./CredentialsPart";
import { hasChoice, isSalesforce, isScim, needsConsent, otherProperties, type FormPart } from "./draft";
import { PropertyFields } from "./PropertyField";
import { SalesforcePart } from "./SalesforcePart";
import { ScimPart } from "./ScimPart";
import { stateSince, stateWords } from "./state";
import { TestResult } from "./TestResult";
import { TroubleButtons } from "./TroubleButtons";

/** Name, keys and address on the left; how it stands on the right. */
export function DetailsTab({ unsaved, test, at, ...parts }: FormPart & {
  unsaved: boolean;
  test: ReturnType<typeof useTestConnector>;
  /** The part that somebody was sent to. */
  at: string | undefined;
}) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (at !== undefined) focusPart(frame.current, at);
  }, [at]);
  const { detail, form, errors, onChange } = parts;
  const plain = otherProperties(detail, form).filter((property) => !property.advanced);
  const Credentials = isSalesforce(detail) ? SalesforcePart : isScim(detail) ? ScimPart : CredentialsPart;
  return (
    <div ref={frame} className="grid max-w-5xl grid-cols-1 gap-x-10 min-[1000px]:grid-cols-[minmax(0,1fr)_340px]">
      <div className="min-w-0">
        <Section title={t`Basics`}>
          <div className="grid grid-cols-2 gap-4">
            <TextField label={t`Name`} mono value={form.name} errors={errors("name")} />
            <TextField label={t`Title`} value={form.title} errors={errors("displayName")} onChange={(title) => onChange({ title })} />
          </div>
        </Section>
        {(hasChoice(detail) || isSalesforce(detail) || isScim(detail)) && (
          <div data-at="keys" className="mb-8 last:mb-0">
            <Section title={t`Credentials`}>
              <Credentials {...parts} />
            </Section>
          </div>
        )}
        {plain.length > 0 && (
          <div data-at="settings">
            <Section title={t`Connection`}>
              <PropertyFields {...parts} properties={plain} />
            </Section>
          </div>
        )}
      </div>
      {/* In a narrow window what is wrong stands above the form, not below it. */}
      <div className={`min-w-0 ${detail.summary.message === null ? "" : "max-[1000px]:order-first max-[1000px]:mb-8"}`}>
        <Health detail={detail} test={test} />
        <Section title={t`API budget`}>
          <BudgetLines connector={detail.summary} />
        </Section>
        {needsConsent(detail, form) && (
          <div data-at="authorize">
            <Section title={t`Authorization`}>
              <AuthorizePart detail={detail} unsaved={unsaved} />
            </Section>
          </div>
        )}
      </div>
    </div>
  );
}

/** Where the way to each part begins: its button, or the field that is to be filled in. */
const FIRST: Record<string, string> = { authorize: "button:not(:disabled)", keys: "[role=group] button, input[type=password], input:not([type=radio])", settings: "input" };

function focusPart(frame: HTMLElement | null, at: string) {
  const part = [...(frame?.querySelectorAll<HTMLElement>("[data-at]") ?? [])].find(({ dataset }) => dataset["at"] === at);
  part?.querySelector<HTMLElement>(FIRST[at] ?? "button")?.focus();
}

function Health({ detail, test }: { detail: ConnectorDetail; test: ReturnType<typeof useTestConnector> }) {
  const { summary } = detail;
  const since = stateSince(summary, useNow());
  const wrong = stateWords(summary);
  return (
    <Section
      title={t`Health`}
      aside={
        since && (
          <span className="text-sm text-soft" title={since.title}>
            {since.text}
          </span>
        )
      }
    >
      {test.isPending ? (
        <p role="status" className="text-soft">
          {t`Asking ${summary.host}\u2026`}
        </p>
      ) : test.error ? (
        <Problem error={test.error} />
      ) : test.data ? (
        <TestResult test={test.data} action={test.data.trouble && <TroubleButtons connector={summary.name} trouble={test.data.trouble} />} />
      ) : wrong !== null && summary.trouble !== null ? (
        <div className="flex flex-col gap-2">
          <Notice tone="needs">
            <bdi>{wrong}</bdi>
          </Notice>
          <div className="flex flex-wrap gap-2 empty:hidden">
            <TroubleButtons connector={summary.name} trouble={summary.trouble} />
          </div>
        </div>
      ) : (
        <p className={wrong ? "text-needs" : "text-soft"}>
          <bdi>
            {wrong ??
              (summary.state === "active"
                ? t`The last test found nothing wrong.`
                : summary.state === "disabled"
                  ? t`It is switched off: no run uses it, and changes for it wait in the queue.`
                  : t`Test asks the system whether the keys and their scopes will do.`)}
          </bdi>
        </p>
      )}
    </Section>
  );
}
