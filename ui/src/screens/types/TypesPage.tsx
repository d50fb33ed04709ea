import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { GoButton } from "../../parts/GoButton";
import { Outside } from "../../parts/Outside";
import { Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { number } from "../../words/numbers";
import { listPlace } from "../users/kind";
import { managedTypes } from "./queries";

export function TypesPage() {
  const types = useQuery(managedTypes);
  return (
    <Page
      title={t`Managed Objects`}
      actions={
        <GoButton look="primary" icon="plus" go={{ to: "/types/new" }}>
          {t`New type`}
        </GoButton>
      }
    >
      {types.error ? (
        <Problem error={types.error} />
      ) : !types.data ? (
        <Skeleton rows={3} />
      ) : (
        <table className="rows inset" aria-label={t`Managed types`}>
          <thead>
            <tr>
              <th scope="col">{t`Type`}</th>
              <th scope="col">{t`Name`}</th>
              <th scope="col" className="number w-24">{t`Objects`}</th>
              <th scope="col" className="number w-24">{t`Properties`}</th>
              <th scope="col" className="w-32">{t`In mappings`}</th>
              <th scope="col">{t`State`}</th>
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
                  <Link {...listPlace(type.name)} className="rounded-sm text-accent hover:underline" aria-label={t`Objects of ${type.title || type.name}`}>
                    {number(type.objects)}
                  </Link>
                </td>
                <td className="number">{number(type.properties)}</td>
                <td title={type.mappings.join(", ")}>{type.mappings.length === 0 ? <span className="text-soft">{t`in none`}</span> : plural(type.mappings.length, { one: "# mapping", other: "# mappings" })}</td>
                <td>{type.indexing.length > 0 ? <State tone="busy">{t`indexing ${type.indexing.join(", ")}`}</State> : <State tone="fine">{t`ready`}</State>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Page>
  );
}
