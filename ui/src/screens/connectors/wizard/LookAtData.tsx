import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ask } from "../../../backend/query";
import { SelectField } from "../../../parts/Field";
import { Outside } from "../../../parts/Outside";
import { Nothing, Section, Skeleton } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { cellText } from "../../../words/value";
import { tellingAttributes } from "../tellingAttributes";

const RECORDS = 8;

/** The first records of the system that was just connected, with what people know them by. */
export function LookAtData({ name, objectTypes }: { name: string; objectTypes: string[] }) {
  const [objectType, setObjectType] = useState(objectTypes[0] ?? "");
  const schema = useQuery({ ...ask("connector_schema", { name, objectType }), enabled: objectType !== "" });
  const columns = tellingAttributes(schema.data?.attributes ?? []);
  const records = useQuery({
    ...ask("records_sample", { resource: `system/${name}/${objectType}`, search: null, attributes: columns.map((column) => column.name), limit: RECORDS }),
    enabled: columns.length > 0,
  });
  const error = schema.error ?? records.error;
  return (
    <Section
      title={t`Your data`}
      aside={objectTypes.length > 1 && <SelectField label={t`Object type`} hideLabel value={objectType} options={objectTypes} onChange={setObjectType} />}
    >
      {error ? (
        <Problem error={error} />
      ) : !records.data ? (
        <Skeleton rows={RECORDS} />
      ) : records.data.records.length === 0 ? (
        <Nothing>{t`There is no ${objectType} yet, or none that this connector may see.`}</Nothing>
      ) : (
        <table className="rows inset" aria-label={t`First records of ${objectType}`}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col" title={column.name}>
                  <bdi>{column.label || column.name}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {records.data.records.map((record) => (
              <tr key={record.id}>
                {columns.map((column) => {
                  const text = cellText(record.attributes[column.name]);
                  return <td key={column.name}>{text === "" ? <span className="text-soft">{"\u2013"}</span> : <Outside text={text} />}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
