import { t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { GoButton } from "../../../parts/GoButton";
import { Section } from "../../../parts/Page";
import { AuthorizePart } from "../AuthorizePart";
import { providerName } from "../state";
import { DiscardConnector } from "./DiscardConnector";
import { WizardFoot, WizardFrame } from "./WizardFrame";

/** A person signs in at the provider and agrees; the way on opens by itself when they did. */
export function AuthorizeStep({ detail }: { detail: ConnectorDetail }) {
  const navigate = useNavigate();
  const { name, provider } = detail.summary;
  const place = (step: string) => ({ to: "/connectors/new", search: { system: provider, name, step } }) as const;
  return (
    <WizardFrame
      at="authorize"
      foot={
        <WizardFoot said={t`switched off until a test succeeds`}>
          <DiscardConnector connector={detail.summary} />
          <GoButton go={place("keys")}>{t`Back`}</GoButton>
          <GoButton look={detail.authorized ? "primary" : "plain"} disabled={!detail.authorized} title={detail.authorized ? undefined : t`Authorize first`} go={place("test")}>
            {t`Next: test`}
          </GoButton>
        </WizardFoot>
      }
    >
      <div className="max-w-2xl">
        <Section title={t`Authorize`}>
          <p className="mb-3 text-soft">
            {t`Sign in at ${providerName(provider)} as a user who may see and change what you want to keep in sync. Concord gets a token for this app, never your password.`}
          </p>
          <AuthorizePart detail={detail} unsaved={false} onAuthorized={() => void navigate(place("test"))} />
        </Section>
      </div>
    </WizardFrame>
  );
}
