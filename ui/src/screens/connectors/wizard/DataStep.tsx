import { t } from "@lingui/core/macro";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { GoButton } from "../../../parts/GoButton";
import { LookAtData } from "./LookAtData";
import { WizardFoot, WizardFrame } from "./WizardFrame";

/** The person's own records, so that they know the right system is on the other end. */
export function DataStep({ detail, consent }: { detail: ConnectorDetail; consent: boolean }) {
  const { name, provider, objectTypes } = detail.summary;
  const place = (step: string) => ({ to: "/connectors/new", search: { system: provider, name, step } }) as const;
  return (
    <WizardFrame
      at="data"
      consent={consent}
      foot={
        <WizardFoot said={t`read only; nothing is changed`}>
          <GoButton go={place("types")}>{t`Back`}</GoButton>
          <GoButton look="primary" go={place("mapping")}>
            {t`Next: a first mapping`}
          </GoButton>
        </WizardFoot>
      }
    >
      <LookAtData name={name} objectTypes={objectTypes} />
    </WizardFrame>
  );
}
