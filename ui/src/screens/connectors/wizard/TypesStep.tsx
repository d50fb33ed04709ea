import { plural, t } from "@lingui/core/macro";
import { useMutation, useQueries } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { call } from "../../../backend";
import { toApiError } from "../../../backend/error";
import { ask } from "../../../backend/query";
import { Button } from "../../../parts/Button";
import { TextField } from "../../../parts/Field";
import { GoButton } from "../../../parts/GoButton";
import { LeaveGuard } from "../../../parts/LeaveGuard";
import { Section } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { useSeekFault } from "../../../parts/useSeekFault";
import { errorWords } from "../../../words/error";
import { number } from "../../../words/numbers";
import { draftOf, formOf } from "../draft";
import { useSaveConnector, useTestAndEnable } from "../queries";
import { tellingAttributes } from "../tellingAttributes";
import { WizardFoot, WizardFrame } from "./WizardFrame";

/** The setting of connectors whose object types are chosen. */
const CHOSEN = "supportedObjectTypes";
const FORM = "other-types";

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
  const seek = useSeekFault(FORM);
  // Each is asked for before it is saved: a connector that is in use holds no type that is not there.
  const look = useMutation({
    mutationFn: async (types: string[]) => {
      const asked = await Promise.all(types.map((objectType) => call("connector_schema", { name, objectType }).then(() => null, toApiError)));
      const elsewhere = asked.find((error) => error !== null && error.code !== "invalid");
      if (elsewhere) throw elsewhere;
      return { unknown: types.filter((_, index) => asked[index] !== null) };
    },
  });
  const unknown = look.data?.unknown.filter((type) => added.includes(type)) ?? [];
  const busy = look.isPending || save.isPending || test.isPending;

  function next() {
    if (!changed) {
      void navigate({ ...place("data"), ignoreBlocker: true });
      return;
    }
    look.mutate(added, { onSuccess: (found) => (found.unknown.length > 0 ? seek() : keep()) });
  }

  function keep() {
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
        {(look.error ?? save.error) && (
          <div className="mb-3">
            <Problem error={toApiError(look.error ?? save.error)} />
          </div>
        )}
        <table className="rows inset" aria-label={t`Object types`}>
          <thead>
            <tr>
              <th scope="col" className="w-[30%]">{t`Object type`}</th>
              <th scope="col" className="number w-24 max-[1100px]:w-20">{t`Attributes`}</th>
              <th scope="col" className="number w-28 max-[1100px]:w-20">{t`Required`}</th>
              <th scope="col">{t`Such as`}</th>
            </tr>
          </thead>
          <tbody>
            {all.map((type, index) => {
              const schema = schemas[index];
              const attributes = schema?.data?.attributes;
              const telling = attributes && tellingAttributes(attributes).map(({ label, name: attribute }) => label || attribute).join(", ");
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
                        <span className="min-w-0 truncate" title={type}>
                          {type}
                        </span>
                      </label>
                    ) : (
                      <span className="block truncate" title={type}>
                        {type}
                      </span>
                    )}
                  </th>
                  <td className="number">{attributes ? number(attributes.length) : schema?.error ? "\u2013" : "\u2026"}</td>
                  <td className="number">{attributes ? number(attributes.filter(({ required }) => required).length) : ""}</td>
                  <td className={schema?.error ? "text-needs" : "text-soft"} title={schema?.error ? errorWords(schema.error) : telling}>
                    {schema?.error ? errorWords(schema.error) : telling}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {choosable && (
          <div id={FORM} className="mt-4 max-w-100">
            <LeaveGuard changes={added.length} saving={busy} />
            <TextField
              label={t`Others, by their API names`}
              mono
              placeholder="Order__c"
              value={other}
              onChange={setOther}
              errors={unknown.map((type) => t`There is no object type ${type}, or the account that Concord uses does not see it.`)}
            />
          </div>
        )}
      </Section>
    </WizardFrame>
  );
}
