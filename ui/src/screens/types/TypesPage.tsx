import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { GoButton } from "../../parts/GoButton";
import { Outside } from "../../parts/Outside";
import { Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { count, number } from "../../words/numbers";
import { listPlace } from "../users/kind";
import { managedTypes } from "./queries";

export function TypesPage() {
  const types = useQuery(managedTypes);
  return (
    <Page
      title="Managed Objects"
      actions={
        <GoButton look="primary" icon="plus" go={{ to: "/types/new" }}>
          New type
        </GoButton>
      }
    >
      {types.error ? (
        <Problem error={types.error} />
      ) : !types.data ? (
        <Skeleton rows={3} />
      ) : (
        <table className="rows inset" aria-label="Managed types">
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th scope="col">Name</th>
              <th scope="col" className="number w-24">Objects</th>
              <th scope="col" className="number w-24">Properties</th>
              <th scope="col" className="w-32">In mappings</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {types.data.map((type) => (
              <tr key={type.name} className="hover:bg-hover">
                <th scope="row">
                  <Link to="/types/$name" params={{ name: type.name }} className="block truncate rounded-sm font-medium hover:underline">
                    <Outside text={type.title || type.name} />
                  </Link>
                </th>
                <td>
                  <code className="font-mono text-sm text-soft">{type.name}</code>
                </td>
                <td className="number">
                  <Link {...listPlace(type.name)} className="rounded-sm text-accent hover:underline" aria-label={`Objects of ${type.title || type.name}`}>
                    {number(type.objects)}
                  </Link>
                </td>
                <td className="number">{number(type.properties)}</td>
                <td title={type.mappings.join(", ")}>{type.mappings.length === 0 ? <span className="text-soft">in none</span> : count(type.mappings.length, "mapping")}</td>
                <td>{type.indexing.length > 0 ? <State tone="busy">{`indexing ${type.indexing.join(", ")}`}</State> : <State tone="fine">ready</State>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Page>
  );
}
