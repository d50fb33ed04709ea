import { t } from "@lingui/core/macro";
import { useEffect, useRef } from "react";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { Button } from "../../../parts/Button";
import { GoButton } from "../../../parts/GoButton";
import { Section } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { useTestAndEnable } from "../queries";
import { TestResult } from "../TestResult";
import { DiscardConnector } from "./DiscardConnector";
import { WizardFoot, WizardFrame } from "./WizardFrame";

/** The test runs by itself; a connector that passes is switched on, any other stays off. */
export function TestStep({ detail, consent }: { detail: ConnectorDetail; consent: boolean }) {
  const test = useTestAndEnable();
  const { name, provider, host } = detail.summary;
  const { mutate } = test;
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    mutate(name);
  }, [mutate, name]);
  const works = test.data?.ok === true && !test.isPending;
  const place = (step: string) => ({ to: "/connectors/new", search: { system: provider, name, step } }) as const;
  return (
    <WizardFrame
      at="test"
      consent={consent}
      foot={
        works ? (
          <WizardFoot said={t`tested and switched on`}>
            <GoButton go={{ to: "/connectors/$name", params: { name } }}>{t`Open connector`}</GoButton>
            <GoButton look="primary" go={place("types")}>
              {t`Next: object types`}
            </GoButton>
          </WizardFoot>
        ) : (
          <WizardFoot said={t`switched off until a test succeeds`}>
            <DiscardConnector connector={detail.summary} />
            {consent && <GoButton go={place("authorize")}>{t`Authorize again`}</GoButton>}
            <GoButton go={place("keys")}>{t`Back to the keys`}</GoButton>
            <Button look="primary" busy={test.isPending} onClick={() => mutate(name)}>
              {t`Test again`}
            </Button>
          </WizardFoot>
        )
      }
    >
      <Section title={t`Test`}>
        {test.isPending || test.isIdle ? (
          <p role="status" className="text-soft">
            {t`Asking ${host}\u2026`}
          </p>
        ) : test.error ? (
          <Problem error={test.error} />
        ) : (
          <TestResult test={test.data} />
        )}
      </Section>
    </WizardFrame>
  );
}
