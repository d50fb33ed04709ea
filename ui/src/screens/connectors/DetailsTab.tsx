import { t } from "@lingui/core/macro";

import type { useTestConnector } from "./queries";
import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { TextField } from "../../parts/Field";
import { Section } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { AuthorizePart } from "./AuthorizePart";
import { BudgetLines } from "./BudgetLine";
import { CredentialsPart } from "./CredentialsPart";
import { hasChoice, isSalesforce, isScim, needsConsent, otherProperties, type FormPart } from "./draft";
import { PropertyFields } from "./PropertyField";
import { SalesforcePart } from "./SalesforcePart";
import { ScimPart } from "./ScimPart";
import { TestResult } from "./TestResult";

/** Name, keys and address on the left; how it stands on the right. */
export function DetailsTab({ unsaved, test, ...parts }: FormPart & { unsaved: boolean; test: ReturnType<typeof useTestConnector> }) {
  const { detail, form, errors, onChange } = parts;
  const plain = otherProperties(detail, form).filter((property) => !property.advanced);
  const Credentials = isSalesforce(detail) ? SalesforcePart : isScim(detail) ? ScimPart : CredentialsPart;
  return (
    <div className="grid max-w-5xl grid-cols-1 gap-x-10 min-[1000px]:grid-cols-[minmax(0,1fr)_340px]">
      <div className="min-w-0">
        <Section title={t`Basics`}>
          <div className="grid grid-cols-2 gap-4">
            <TextField label={t`Name`} mono value={form.name} errors={errors("name")} />
            <TextField label={t`Title`} value={form.title} errors={errors("displayName")} onChange={(title) => onChange({ title })} />
          </div>
        </Section>
        {(hasChoice(detail) || isSalesforce(detail) || isScim(detail)) && (
          <Section title={t`Credentials`}>
            <Credentials {...parts} />
          </Section>
        )}
        {plain.length > 0 && (
          <Section title={t`Connection`}>
            <PropertyFields {...parts} properties={plain} />
          </Section>
        )}
      </div>
      <div className="min-w-0">
        <Health detail={detail} test={test} />
        <Section title={t`API budget`}>
          <BudgetLines connector={detail.summary} />
        </Section>
        {needsConsent(detail, form) && (
          <Section title={t`Authorization`}>
            <AuthorizePart detail={detail} unsaved={unsaved} />
          </Section>
        )}
      </div>
    </div>
  );
}

function Health({ detail, test }: { detail: ConnectorDetail; test: ReturnType<typeof useTestConnector> }) {
  const { summary } = detail;
  const now = useNow();
  return (
    <Section
      title={t`Health`}
      aside={
        summary.testedAt && (
          <span className="text-sm text-soft" title={fullTime(summary.testedAt)}>
            {t`tested ${ago(summary.testedAt, now)}`}
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
        <TestResult test={test.data} />
      ) : (
        <p className={summary.message ? "text-needs" : "text-soft"}>
          <bdi>
            {summary.message ??
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
