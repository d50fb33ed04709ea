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
          <WizardFoot said="tested and switched on">
            <GoButton go={{ to: "/connectors/$name", params: { name } }}>Open connector</GoButton>
            <GoButton look="primary" go={place("types")}>
              Next: object types
            </GoButton>
          </WizardFoot>
        ) : (
          <WizardFoot said="switched off until a test succeeds">
            <DiscardConnector connector={detail.summary} />
            {consent && <GoButton go={place("authorize")}>Authorize again</GoButton>}
            <GoButton go={place("keys")}>Back to the keys</GoButton>
            <Button look="primary" busy={test.isPending} onClick={() => mutate(name)}>
              Test again
            </Button>
          </WizardFoot>
        )
      }
    >
      <Section title="Test">
        {test.isPending || test.isIdle ? (
          <p role="status" className="text-soft">
            Asking {host}
            {"\u2026"}
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
