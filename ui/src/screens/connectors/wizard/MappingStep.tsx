import { plural, t } from "@lingui/core/macro";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "../../../backend";
import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import type { ReadyMapping } from "../../../backend/bindings/ReadyMapping";
import type { ReadyParameter } from "../../../backend/bindings/ReadyParameter";
import { ask, refresh } from "../../../backend/query";
import { announce } from "../../../parts/Announcer";
import { Button } from "../../../parts/Button";
import { Field, TextField } from "../../../parts/Field";
import { GoButton } from "../../../parts/GoButton";
import { intoView } from "../../../parts/intoView";
import { Nothing, Section, Skeleton } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { SearchBox } from "../../../parts/SearchBox";
import { useSeekFault } from "../../../parts/useSeekFault";
import { NAME } from "../../../words/attributes";
import { errorWords } from "../../../words/error";
import { cellText } from "../../../words/value";
import { firstToSee, type Pair, pairsOf, toAdd } from "./pairs";
import { WizardFoot, WizardFrame } from "./WizardFrame";

const FORM = "ready-parameters";

/** A mapping that comes along, and a preview of it: the first plan, on the person's own data, with nothing written yet. */
export function MappingStep({ detail, consent }: { detail: ConnectorDetail; consent: boolean }) {
  const { name, provider } = detail.summary;
  const ready = useQuery(ask("ready_mappings_of", { name }));
  const pairs = pairsOf(ready.data ?? []);
  const open = pairs.filter(({ there, problem }) => !there && problem === null);
  const [picked, setPicked] = useState<string | null>(null);
  const [left, setLeft] = useState<Set<string>>(new Set());
  const [parameters, setParameters] = useState<Record<string, string>>({});
  const [tried, setTried] = useState(false);
  const begin = useFirstPreview();
  const seek = useSeekFault(FORM);
  const pair = open.find(({ id }) => id === picked) ?? open[0];
  const wanted = new Set((pair?.members ?? []).map((member) => member.name).filter((member) => !left.has(member)));
  const adding = pair ? toAdd(pair, wanted) : [];
  const asked = adding.flatMap((member) => member.parameters);
  const gaps = asked.filter((parameter) => parameter.required && (parameters[parameter.name] ?? parameter.default ?? "").trim() === "");
  const place = (step: string) => ({ to: "/connectors/new", search: { system: provider, name, step } }) as const;

  function submit() {
    setTried(true);
    if (gaps.length > 0) seek();
    if (gaps.length > 0 || adding.length === 0) return;
    const given = Object.fromEntries(asked.map((parameter) => [parameter.name, parameters[parameter.name] ?? parameter.default ?? ""]));
    begin.mutate({ connector: name, names: adding.map((member) => member.name), parameters: given, first: firstToSee(adding) });
  }

  return (
    <WizardFrame
      at="mapping"
      consent={consent}
      foot={
        <WizardFoot said={adding.length > 0 ? t`A preview only reads. Nothing is written before you reconcile.` : undefined}>
          <GoButton go={place("data")}>{t`Back`}</GoButton>
          <GoButton go={{ to: "/connectors/$name", params: { name } }}>{t`Later`}</GoButton>
          <Button look="primary" disabled={adding.length === 0} busy={begin.isPending} onClick={submit}>
            {adding.length === 0 ? t`Add and preview` : t`Add ${plural(adding.length, { one: "# mapping", other: "# mappings" })} and preview`}
          </Button>
        </WizardFoot>
      }
    >
      <Section title={t`What is to become what?`}>
        {ready.error ? (
          <Problem error={ready.error} />
        ) : !ready.data ? (
          <Skeleton rows={6} />
        ) : open.length === 0 ? (
          <Nothing action={<GoButton go={{ to: "/mappings/new" }}>{t`New mapping`}</GoButton>}>
            {pairs.length === 0 ? t`No mapping comes along for this system. Make one from two of its resources.` : t`Every mapping that comes along for this connector is there already, or needs an object type that it does not offer.`}
          </Nothing>
        ) : (
          <fieldset className="flex flex-col gap-3">
            <legend className="mb-3 text-soft">{t`Each is an ordinary mapping that you can change afterwards. Choose one to begin with.`}</legend>
            {open.map((choice) => (
              <Choice key={choice.id} pair={choice} picked={choice === pair} onPick={() => setPicked(choice.id)} left={left} onLeft={setLeft} />
            ))}
          </fieldset>
        )}
      </Section>
      {asked.length > 0 && (
        <Section title={t`What it has to be told`}>
          <div id={FORM} className="flex max-w-100 flex-col gap-4">
            {asked.map((parameter) => (
              <Parameter
                key={parameter.name}
                connector={name}
                parameter={parameter}
                value={parameters[parameter.name] ?? parameter.default ?? ""}
                missing={tried && gaps.includes(parameter)}
                onChange={(value) => setParameters((before) => ({ ...before, [parameter.name]: value }))}
              />
            ))}
          </div>
        </Section>
      )}
      {begin.error && (
        <div ref={intoView}>
          <Problem error={begin.error} />
        </div>
      )}
    </WizardFrame>
  );
}

/** Adds the mappings and starts the preview of one; it ends on its plan. */
function useFirstPreview() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: async ({ first, ...request }: { connector: string; names: string[]; parameters: Record<string, string>; first: string }) => {
      const added = await call("ready_mappings_add", request);
      const run = await call("run_start", { mapping: first, mode: "preview", ids: [], allowDeletes: null, incremental: false });
      return { added, first, run };
    },
    onSuccess: async ({ added, first, run }) => {
      announce(t`${plural(added.length, { one: "# mapping", other: "# mappings" })} added`);
      await navigate({ to: "/mappings/$name", params: { name: first }, search: { tab: "run", run: run.id } });
    },
    onSettled: () => refresh(client, "mappings_list", "connectors_list", "connector_get", "resources_list", "ready_mappings_of", "app_status", "runs_list"),
  });
}

function Choice({ pair, picked, onPick, left, onLeft }: { pair: Pair; picked: boolean; onPick: () => void; left: Set<string>; onLeft: (left: Set<string>) => void }) {
  return (
    <div className={`rounded-md border px-4 py-3 ${picked ? "border-accent" : "border-line"}`}>
      <label className="flex items-center gap-2 font-medium">
        <input type="radio" name="pair" className="size-3.5 accent-accent-fill" checked={picked} onChange={onPick} />
        <bdi>{pair.title}</bdi>
      </label>
      <ul className="mt-2 flex flex-col gap-2 pl-5.5">
        {pair.members.map((member, index) => (
          <Member
            key={member.name}
            member={member}
            alone={pair.members.length === 1}
            optional={picked && index > 0}
            wanted={!left.has(member.name)}
            onWanted={(wanted) => {
              const next = new Set(left);
              if (wanted) next.delete(member.name);
              else next.add(member.name);
              onLeft(next);
            }}
          />
        ))}
      </ul>
    </div>
  );
}

function Member({ member, alone, optional, wanted, onWanted }: { member: ReadyMapping; alone: boolean; optional: boolean; wanted: boolean; onWanted: (wanted: boolean) => void }) {
  const way = `${member.sourceTitle} \u2192 ${member.targetTitle}`;
  return (
    <li>
      {optional ? (
        <label className="inline-flex items-center gap-2">
          <input type="checkbox" className="size-3.5 accent-accent-fill" checked={wanted} onChange={(event) => onWanted(event.target.checked)} />
          <bdi>{way}</bdi>
        </label>
      ) : (
        // The choice's own title says it already.
        !alone && <bdi>{way}</bdi>
      )}
      <p className="text-soft">
        <bdi>{member.text}</bdi> {member.correlation && <bdi>{t`Records with the ${member.correlation} belong together.`}</bdi>}{" "}
        <span title={member.properties.map(({ source, target }) => `${source || t`constant`} \u2192 ${target}`).join("\n")}>{plural(member.properties.length, { one: "# attribute", other: "# attributes" })}.</span>
      </p>
    </li>
  );
}

function Parameter({ connector, parameter, value, missing, onChange }: { connector: string; parameter: ReadyParameter; value: string; missing: boolean; onChange: (value: string) => void }) {
  const { label, help, objectType, required } = parameter;
  const errors = missing ? [t`${label} is missing.`] : [];
  const [search, setSearch] = useState("");
  const records = useQuery({
    ...ask("connector_records", { name: connector, objectType: objectType ?? "", search: search.trim() || null, attributes: [NAME], after: null, limit: MOST_LISTED }),
    placeholderData: keepPreviousData,
    enabled: objectType !== null,
    refetchOnWindowFocus: false,
  });
  if (objectType === null || records.error) {
    return (
      <TextField
        label={records.error ? t`${label} id` : label}
        help={records.error ? t`${help} Its list could not be read, so enter the id. ${errorWords(records.error)}` : help}
        required={required}
        errors={errors}
        value={value}
        onChange={onChange}
      />
    );
  }
  const more = search !== "" || (records.data?.next ?? null) !== null;
  const listed = records.data?.records ?? [];
  return (
    <>
    <Field label={label} help={help} required={required} errors={errors}>
      {(props) => (
        <select className="field" value={value} disabled={!records.data} onChange={(event) => onChange(event.target.value)} {...props}>
          <option value="">{records.data ? t`Choose` : t`Reading\u2026`}</option>
          {value !== "" && !listed.some(({ id }) => id === value) && <option value={value}>{value}</option>}
          {listed.map(({ id, attributes }) => (
            <option key={id} value={id}>
              {cellText(attributes[NAME]) || id}
            </option>
          ))}
        </select>
      )}
    </Field>
    {more && (
      <div className="flex items-center gap-3">
        <SearchBox label={t`Search ${label}`} value={search} onChange={setSearch} />
        {records.data?.next && <span className="text-sm text-soft">{t`The first ${MOST_LISTED} are listed.`}</span>}
      </div>
    )}
    </>
  );
}

const MOST_LISTED = 200;
