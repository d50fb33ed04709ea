import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import type { ConnectorDependents } from "../../backend/bindings/ConnectorDependents";
import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { number } from "../../words/numbers";
import { connectorDependents, useRemoveConnector } from "./queries";

export function RemoveConnector({ connector }: { connector: ConnectorSummary }) {
  const asking = useOpen();
  const remove = useRemoveConnector();
  const navigate = useNavigate();
  const dependents = useQuery({ ...connectorDependents(connector.name), enabled: asking.open, staleTime: 0 });
  const mappings = connector.mappings.length;
  return (
    <>
      <Button onClick={asking.show}>{t`Remove`}</Button>
      <Confirm
        title={t`Remove ${connector.title}?`}
        action={mappings === 0 ? t`Remove 1 connector` : t`Remove 1 connector and ${plural(mappings, { one: "# mapping", other: "# mappings" })}`}
        open={asking.open}
        busy={remove.isPending}
        onClose={asking.hide}
        onConfirm={() =>
          remove.mutate({ name: connector.name, mappings: connector.mappings }, {
            onSuccess: ({ grantKept }) => {
              if (grantKept === null) announce(t`${connector.title} was removed`);
              else announce(t`${connector.title} was removed, but its authorization could not be given back: ${grantKept}. Take the app's access away at ${connector.host}.`, { toDo: true });
              void navigate({ to: "/connectors", ignoreBlocker: true });
            },
          })
        }
      >
        <p>{t`Its settings and keys are deleted here. Nothing is changed at ${connector.host}.`}</p>
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
          {secrets === 0 ? t`no stored key` : plural(secrets, { one: "# stored key", other: "# stored keys" })}
          {authorized && t`, and the authorization, which is given back to the provider`}
        </li>
        {records > 0 && <li>{t`the copies of ${plural(records, { one: "# record", other: "# records" })} that were last seen`}</li>}
      </ul>
      {mappings.length > 0 && (
        <table className="rows inset" aria-label={t`Mappings that are removed too`}>
          <thead>
            <tr>
              <th scope="col">{t`${plural(mappings.length, { one: "# mapping", other: "# mappings" })} cannot work without it`}</th>
              <th scope="col" className="number w-20">{t`Links`}</th>
              <th scope="col" className="number w-20">{t`Waiting`}</th>
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
