import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import type { ConnectorDependents } from "../../backend/bindings/ConnectorDependents";
import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { count, number } from "../../words/numbers";
import { connectorDependents, useRemoveConnector } from "./queries";

export function RemoveConnector({ connector }: { connector: ConnectorSummary }) {
  const asking = useOpen();
  const remove = useRemoveConnector();
  const navigate = useNavigate();
  const dependents = useQuery({ ...connectorDependents(connector.name), enabled: asking.open, staleTime: 0 });
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
        {dependents.error && <Problem error={dependents.error} />}
        {dependents.data && <Goes what={dependents.data} />}
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  );
}

/** What is lost with it, with the numbers. */
function Goes({ what }: { what: ConnectorDependents }) {
  const { mappings, secrets, records, authorized } = what;
  return (
    <>
      <ul className="list-disc pl-5">
        <li>
          {secrets === 0 ? "no stored key" : count(secrets, "stored key")}
          {authorized && ", and the authorization, which is given back to the provider"}
        </li>
        {records > 0 && <li>the copies of {count(records, "record")} that were last seen</li>}
      </ul>
      {mappings.length > 0 && (
        <table className="rows inset" aria-label="Mappings that are removed too">
          <thead>
            <tr>
              <th scope="col">{count(mappings.length, "mapping")} cannot work without it</th>
              <th scope="col" className="number w-20">Links</th>
              <th scope="col" className="number w-20">Waiting</th>
            </tr>
          </thead>
          <tbody>
            {mappings.map(({ name, links, queued }) => (
              <tr key={name}>
                <th scope="row" title={name}>
                  <bdi>{name}</bdi>
                </th>
                <td className="number">{number(links)}</td>
                <td className="number">{number(queued)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
