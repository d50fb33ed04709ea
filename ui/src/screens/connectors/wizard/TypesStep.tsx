import { plural, t } from "@lingui/core/macro";
import { useQueries } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { ask } from "../../../backend/query";
import { Button } from "../../../parts/Button";
import { TextField } from "../../../parts/Field";
import { GoButton } from "../../../parts/GoButton";
import { LeaveGuard } from "../../../parts/LeaveGuard";
import { Section } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { errorWords } from "../../../words/error";
import { number } from "../../../words/numbers";
import { draftOf, formOf } from "../draft";
import { useSaveConnector, useTestAndEnable } from "../queries";
import { tellingAttributes } from "../tellingAttributes";
import { WizardFoot, WizardFrame } from "./WizardFrame";

/** The setting of connectors whose object types are chosen. */
const CHOSEN = "supportedObjectTypes";

/** What the system has: its object types with what was found of each, and which of them Concord is to use. */
export function TypesStep({ detail, consent }: { detail: ConnectorDetail; consent: boolean }) {
  const { name, provider, objectTypes } = detail.summary;
  const navigate = useNavigate();
  const save = useSaveConnector();
  const test = useTestAndEnable();
  const choosable = detail.properties.some((property) => property.name === CHOSEN);
  const [chosen, setChosen] = useState(() => new Set(objectTypes));
  const [other, setOther] = useState("");
  const [all] = useState(objectTypes);
  const schemas = useQueries({ queries: all.map((objectType) => ({ ...ask("connector_schema", { name, objectType }), refetchOnWindowFocus: false })) });
  const place = (step: string) => ({ to: "/connectors/new", search: { system: provider, name, step } }) as const;
  const added = other.split(/[\s,]+/).filter(Boolean);
  const wanted = [...all.filter((type) => chosen.has(type)), ...added];
  const changed = choosable && (added.length > 0 || wanted.length !== all.length);
  const busy = save.isPending || test.isPending;

  function next() {
    if (!changed) {
      void navigate({ ...place("data"), ignoreBlocker: true });
      return;
    }
    const form = formOf(detail);
    save.mutate(draftOf(detail, { ...form, values: { ...form.values, [CHOSEN]: wanted } }, false), {
      // A changed connector is an untested one: it is tested again before the way goes on.
      onSuccess: () => test.mutate(name, { onSuccess: ({ ok }) => void navigate({ ...place(ok ? "data" : "test"), ignoreBlocker: true }) }),
    });
  }

  return (
    <WizardFrame
      at="types"
      consent={consent}
      foot={
        <WizardFoot said={choosable ? t`${plural(wanted.length, { one: "# object type", other: "# object types" })} chosen` : plural(all.length, { one: "# object type", other: "# object types" })}>
          <GoButton go={place("test")}>{t`Back`}</GoButton>
          <Button look="primary" busy={busy} disabled={wanted.length === 0} onClick={next}>
            {t`Next: your data`}
          </Button>
        </WizardFoot>
      }
    >
      <Section title={t`Object types`}>
        <p className="mb-3 text-soft">
          {choosable ? t`Tick what Concord is to see. It can be changed later, and mappings decide what is really read.` : t`This is what the system offers. Mappings decide what is really read.`}
        </p>
        {save.error && (
          <div className="mb-3">
            <Problem error={save.error} />
          </div>
        )}
        <table className="rows inset" aria-label={t`Object types`}>
          <thead>
            <tr>
              <th scope="col" className="w-[30%]">{t`Object type`}</th>
              <th scope="col" className="number w-24">{t`Attributes`}</th>
              <th scope="col" className="number w-28">{t`Required`}</th>
              <th scope="col">{t`Such as`}</th>
            </tr>
          </thead>
          <tbody>
            {all.map((type, index) => {
              const schema = schemas[index];
              const attributes = schema?.data?.attributes;
              return (
                <tr key={type}>
                  <th scope="row">
                    {choosable ? (
                      <label className="flex items-center gap-2">
                        <input
                          type="checkbox"
                          className="size-3.5 accent-accent-fill"
                          checked={chosen.has(type)}
                          onChange={(event) => {
                            const next = new Set(chosen);
                            if (event.target.checked) next.add(type);
                            else next.delete(type);
                            setChosen(next);
                          }}
                        />
                        {type}
                      </label>
                    ) : (
                      type
                    )}
                  </th>
                  <td className="number">{attributes ? number(attributes.length) : schema?.error ? "\u2013" : "\u2026"}</td>
                  <td className="number">{attributes ? number(attributes.filter(({ required }) => required).length) : ""}</td>
                  <td className={schema?.error ? "text-needs" : "text-soft"} title={schema?.error ? errorWords(schema.error) : undefined}>
                    {schema?.error
                      ? errorWords(schema.error)
                      : attributes &&
                        tellingAttributes(attributes)
                          .map(({ label, name: attribute }) => label || attribute)
                          .join(", ")}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {choosable && (
          <div className="mt-4 max-w-100">
            <LeaveGuard changes={added.length} saving={busy} />
            <TextField label={t`Others, by their API names`} mono placeholder="Order__c" value={other} onChange={setOther} />
          </div>
        )}
      </Section>
    </WizardFrame>
  );
}
