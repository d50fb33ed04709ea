import { t } from "@lingui/core/macro";
import { useState } from "react";

import type { AuthorizeMethod } from "../../backend/bindings/AuthorizeMethod";
import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { Button } from "../../parts/Button";
import { Choice } from "../../parts/Field";
import { Notice, Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { sentence } from "../../words/error";
import { useAuthorize, useCancelAuthorize } from "./queries";
import { providerName } from "./state";

const METHODS: { value: AuthorizeMethod; label: string; help: string }[] = [
  { value: "window", label: t`In a window`, help: t`opens here and closes by itself` },
  { value: "browser", label: t`In my browser`, help: t`for passkeys, security keys and single sign-on` },
];

const MISSING = {
  hubspot: t`Enter Client ID and Client secret and save, then authorize.`,
  salesforce: t`Enter the consumer key and save, then authorize.`,
};

/** The provider passes on that a person said no; the person is who did not agree, not the provider. */
function consentWords(message: string): string {
  const [, provider, why] = /^(.+?) did not give consent \(([^]*?)\)\. /.exec(message) ?? [];
  return provider === undefined ? sentence(message) : t`No access was granted at ${provider} (${why ?? ""}). Press Authorize to try again, as a user who may grant it.`;
}

export function AuthorizePart({ detail, unsaved, onAuthorized }: {
  detail: ConnectorDetail;
  unsaved: boolean;
  /** The provider gave consent and the test after it succeeded. */
  onAuthorized?: () => void;
}) {
  const [method, setMethod] = useState<AuthorizeMethod>("window");
  const authorize = useAuthorize();
  const cancel = useCancelAuthorize();
  const { name, provider } = detail.summary;
  const blocked = unsaved ? t`Save the changes first, then authorize.` : detail.canAuthorize ? null : MISSING[provider === "salesforce" ? "salesforce" : "hubspot"];
  return (
    <div className="flex flex-col gap-3">
      <State tone={detail.authorized ? "fine" : "waits"}>{detail.authorized ? t`Authorized` : t`Not authorized yet`}</State>
      {authorize.isPending ? (
        <div role="status" className="flex items-center gap-3 rounded-md bg-sunken px-3 py-2">
          <span className="flex-1">
            {method === "window" ? t`Waiting for ${providerName(provider)}. Sign in and grant access in the window that opened.` : t`Waiting for ${providerName(provider)}. Sign in and grant access in your browser.`}
          </span>
          <Button busy={cancel.isPending} onClick={() => cancel.mutate(name)}>
            {t`Cancel`}
          </Button>
        </div>
      ) : (
        <>
          <Choice legend={t`Where`} name="method" value={method} options={METHODS} onChange={setMethod} />
          <div className="flex items-center gap-3">
            <Button look={detail.authorized ? "plain" : "primary"} disabled={blocked !== null} onClick={() => authorize.mutate({ name, method }, { onSuccess: ({ ok }) => ok && onAuthorized?.() })}>
              {t`Authorize`}
            </Button>
            {blocked && <span className="text-soft">{blocked}</span>}
          </div>
        </>
      )}
      {authorize.data && (
        <Notice tone={authorize.data.ok ? "fine" : "waits"} live="status">
          <bdi>{consentWords(authorize.data.message)}</bdi>
        </Notice>
      )}
      {authorize.error && <Problem error={authorize.error} />}
      {cancel.error && <Problem error={cancel.error} />}
    </div>
  );
}
