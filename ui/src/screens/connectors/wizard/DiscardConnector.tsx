import { t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";

import type { ConnectorSummary } from "../../../backend/bindings/ConnectorSummary";
import { announce } from "../../../parts/Announcer";
import { Button } from "../../../parts/Button";
import { errorWords } from "../../../words/error";
import { useRemoveConnector } from "../queries";

/** Gives up a connector that never worked: nothing hangs on it, so nothing is asked. */
export function DiscardConnector({ connector }: { connector: ConnectorSummary }) {
  const remove = useRemoveConnector();
  const navigate = useNavigate();
  if (connector.enabled || connector.mappings.length > 0) return null;
  return (
    <Button
      busy={remove.isPending}
      title={remove.error ? errorWords(remove.error) : t`Removes the connector and its keys from here`}
      onClick={() =>
        remove.mutate({ name: connector.name, mappings: [] }, {
          onSuccess: () => {
            announce(t`${connector.title} was discarded`);
            void navigate({ to: "/connectors", ignoreBlocker: true });
          },
          onError: (error) => announce(errorWords(error)),
        })
      }
    >
      {t`Discard`}
    </Button>
  );
}
