import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";

import type { ConnectorTest } from "../../backend/bindings/ConnectorTest";
import { Icon } from "../../parts/Icon";
import { Notice } from "../../parts/Problem";
import { sentence } from "../../words/error";

/** What a test looked at, or what stopped it. */
export function TestResult({ test, action }: {
  test: ConnectorTest;
  /** What can be done when it did not succeed. */
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col gap-2">
      {test.ok ? (
        <Notice tone="fine" live="status">
          {test.account ? <Trans>Connected to <bdi>{test.account}</bdi>.</Trans> : t`Connected.`}
        </Notice>
      ) : (
        <>
          <Notice tone="needs" live="alert">
            <bdi>{test.error ? sentence(test.error) : t`The test did not succeed.`}</bdi>
          </Notice>
          {action && <div className="flex flex-wrap gap-2 empty:hidden">{action}</div>}
        </>
      )}
      {test.checked.length > 0 && (
        <ul aria-label={t`Checked`} className="flex flex-col gap-1 px-3">
          {test.checked.map((line) => (
            <li key={line} className="flex items-center gap-2">
              <span className="text-fine">
                <Icon name="check" size={14} />
              </span>
              <bdi>{line}</bdi>
            </li>
          ))}
        </ul>
      )}
      {test.missingScopes.length > 0 && (
        <Notice tone="waits">
          <Trans>Missing scopes: <code className="font-mono text-sm">{test.missingScopes.join(", ")}</code>. Add them at the provider, then test again.</Trans>
        </Notice>
      )}
    </div>
  );
}
