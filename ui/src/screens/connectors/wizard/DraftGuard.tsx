import { t } from "@lingui/core/macro";
import { useBlocker } from "@tanstack/react-router";

import type { ConnectorSummary } from "../../../backend/bindings/ConnectorSummary";
import { announce } from "../../../parts/Announcer";
import { Button } from "../../../parts/Button";
import { Dialog } from "../../../parts/Dialog";
import { Problem } from "../../../parts/Problem";
import { useRemoveConnector } from "../queries";

/** Nobody walks away from a connector that never passed its test without saying what is to become of it. */
export function DraftGuard({ connector }: { connector: ConnectorSummary }) {
  const remove = useRemoveConnector();
  const draft = !connector.enabled && connector.mappings.length === 0;
  const blocker = useBlocker({
    shouldBlockFn: ({ next }) => draft && !remove.isPending && !remove.isSuccess && (next.pathname !== "/connectors/new" || !("name" in next.search) || next.search.name !== connector.name),
    enableBeforeUnload: false,
    withResolver: true,
  });
  return (
    <Dialog title={t`${connector.title} has not passed a test yet`} open={blocker.status === "blocked"} onClose={() => blocker.reset?.()}>
      <p className="text-soft">
        {t`It is saved and switched off, so nothing uses it. Keep it that way and go on later under Connectors, or remove it with its keys.`}
      </p>
      {remove.error && <Problem error={remove.error} />}
      <div className="mt-2 flex justify-end gap-2">
        <Button onClick={() => blocker.reset?.()}>{t`Stay here`}</Button>
        <Button
          look="danger"
          busy={remove.isPending}
          onClick={() =>
            remove.mutate({ name: connector.name, mappings: [] }, {
              onSuccess: () => {
                announce(t`${connector.title} was removed`);
                blocker.proceed?.();
              },
            })
          }
        >
          {t`Remove it`}
        </Button>
        <Button look="primary" onClick={() => blocker.proceed?.()}>
          {t`Keep it switched off`}
        </Button>
      </div>
    </Dialog>
  );
}
