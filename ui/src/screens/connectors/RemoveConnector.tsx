import { useNavigate } from "@tanstack/react-router";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { count } from "../../words/numbers";
import { useRemoveConnector } from "./queries";

export function RemoveConnector({ connector }: { connector: ConnectorSummary }) {
  const asking = useOpen();
  const remove = useRemoveConnector();
  const navigate = useNavigate();
  const mappings = connector.mappings.length;
  return (
    <>
      <Button onClick={asking.show}>Remove</Button>
      <Confirm
        title={`Remove ${connector.title}?`}
        action={mappings === 0 ? "Remove 1 connector" : `Remove 1 connector and ${count(mappings, "mapping")}`}
        open={asking.open}
        busy={remove.isPending}
        onClose={asking.hide}
        onConfirm={() =>
          remove.mutate({ name: connector.name, mappings: connector.mappings }, {
            onSuccess: () => {
              announce(`${connector.title} was removed`);
              void navigate({ to: "/connectors", ignoreBlocker: true });
            },
          })
        }
      >
        <p>Its settings and keys are deleted here. Nothing is changed at {connector.host}.</p>
        {mappings > 0 && (
          <div>
            <p className="text-ink">{count(mappings, "mapping")} cannot work without it and {mappings === 1 ? "is" : "are"} removed too:</p>
            <ul className="list-disc pl-5">
              {connector.mappings.map((mapping) => (
                <li key={mapping}>
                  <bdi>{mapping}</bdi>
                </li>
              ))}
            </ul>
          </div>
        )}
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  );
}
