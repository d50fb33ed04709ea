import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";

import type { ApiError } from "../../../backend/bindings/ApiError";
import type { MappingSummary } from "../../../backend/bindings/MappingSummary";
import type { SampleRecord } from "../../../backend/bindings/SampleRecord";
import type { Trial } from "../../../backend/bindings/Trial";
import { refresh } from "../../../backend/query";
import { announce } from "../../../parts/Announcer";
import { Button, IconButton } from "../../../parts/Button";
import { Icon } from "../../../parts/Icon";
import { Nothing } from "../../../parts/Page";
import { Notice } from "../../../parts/Problem";
import { State } from "../../../parts/State";
import { useReorder } from "../../../parts/useReorder";
import { actionWords } from "../../../words/actions";
import { errorWords, saidBy, sentence } from "../../../words/error";
import { situationWords } from "../../../words/situations";
import { fixWords } from "../../../words/fix";
import { number } from "../../../words/numbers";
import { cellText } from "../../../words/value";
import { useTroubled } from "../../connectors/FailedTests";
import { useStartRun } from "../../runs/queries";
import { complaintOf } from "./complaint";
import { missingRequired, moved, plain, propertiesOf, type Property, removed, replaced, sourceAttributes, targetAttributes, withProperties, withSource } from "./document";
import { useEditor } from "./EditorContext";
import { PropertyPanel } from "./PropertyPanel";
import { SamplePicker, useSamples } from "./SamplePicker";
import { transformText } from "./transforms";
import { filledShare, filledWords, type Stats, useStats } from "./useStats";
import { useTrial } from "./useTrial";

const ADDED = t`property added`;

/** Which attribute goes where, with the values of a record on both sides. */
export function PropertiesTab({ summary }: { summary: MappingSummary }) {
  const { doc, draft, source, target, complaint, gone } = useEditor();
  const properties = propertiesOf(doc);
  const { property: asked } = useSearch({ from: "/mappings/$name" });
  // Whoever was sent here because of an attribute finds its property open.
  const [opened, setOpened] = useState(() => indexOf(properties, asked));
  const [before, setBefore] = useState(asked);
  if (asked !== before) {
    setBefore(asked);
    if (asked !== undefined) setOpened(indexOf(properties, asked));
  }
  const [picked, setPicked] = useState<SampleRecord | null>(null);
  const [qualifier, setQualifier] = useState<string | null>(null);
  const adding = useRef<HTMLButtonElement>(null);
  const first = useSamples("");
  const sample = picked ?? first.data?.records[0] ?? null;
  const trial = useTrial(sample, qualifier);
  const missing = useMemo(() => missingRequired(doc, target.attributes), [doc, target.attributes]);
  const troubled = useTroubled(summary);
  const complained = complaint ?? (trial.error ? complaintOf(trial.error.message) : null);
  // The head of the screen says what a connector in trouble answers; who reads it again and again sees less of the mapping.
  const said = gone || (complaint === null && complained?.place === "" && troubled.length > 0) ? null : complained;
  const unread = sample === null && first.isError;
  const unknown = [source, target].filter((end) => end.problem);
  const told = troubled.length > 0 || unread || trial.isError;
  useLookAtConnectors(unread || trial.isError || unknown.length > 0);
  const open = opened !== null && opened < properties.length ? opened : null;
  const row = open === null ? undefined : properties[open];

  function add(names: string[]) {
    const sources = new Map(source.attributes.map(({ name }) => [name.toLowerCase(), name]));
    draft.edit("add", names.length > 1 ? t`${plural(names.length, { one: "# property", other: "# properties" })} added` : ADDED, (old) =>
      withProperties(old, (list) => [...list, ...names.map((name): Property => withSource({ target: name }, sources.get(name.toLowerCase()) ?? ""))]),
    );
    draft.seal();
    setOpened(properties.length);
  }

  function move(from: number, to: number) {
    draft.edit(`move ${from}`, t`order`, (old) => withProperties(old, (list) => moved(list, from, to)));
    draft.seal();
    if (opened === from) setOpened(to);
    else setOpened(null);
    announce(t`${properties[from]?.target ?? ""} is number ${to + 1} of ${properties.length}`);
  }

  function remove(index: number) {
    draft.edit(`remove ${index}`, t`${properties[index]?.target || t`property`} removed`, (old) => withProperties(old, (list) => removed(list, index)));
    draft.seal();
    setOpened(null);
  }

  /** Closes the panel. A property in which nothing was entered is taken back: whoever left it changed their mind. */
  function close() {
    if (open !== null && row && row.target === "" && Object.entries(row).every(([key, value]) => key === "target" || value === undefined)) {
      if (draft.last === ADDED) draft.undo();
      else remove(open);
      adding.current?.focus();
    }
    setOpened(null);
  }

  return (
    <div className="relative flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col overflow-y-auto">
        <div className="sticky top-0 z-10 flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line bg-surface px-6 py-2.5">
          <SamplePicker sample={sample} picked={picked} onPick={setPicked} />
          {trial.data && trial.data.qualifiers.length > 1 && (
            <label className="flex items-center gap-2 text-soft">
              <Trans>Link qualifier
              <select className="field w-auto!" value={qualifier ?? trial.data.qualifiers[0]} onChange={(event) => setQualifier(event.target.value)}>
                {trial.data.qualifiers.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select></Trans>
            </label>
          )}
          <div className="ml-auto flex items-center gap-2">
            {missing.length > 0 && (
              <Button icon="plus" title={missing.join(", ")} onClick={() => add(missing)}>
                {t`Add missing required (${missing.length})`}
              </Button>
            )}
            <Button ref={adding} icon="plus" onClick={() => add([""])}>
              {t`Add property`}
            </Button>
          </div>
          <div className="flex w-full min-w-0 items-center gap-2">
            {!gone && (
              <Outcome
                trial={trial.data}
                sample={sample}
                pending={trial.isFetching || first.isPending}
                trouble={troubled.map(({ title }) => title).join(", ")}
                unread={first.error}
                unknown={told ? unknown.map(({ title }) => title) : []}
                onRead={() => void first.refetch()}
                reading={first.isFetching}
              />
            )}
            {sample && !gone && <PreviewRecord id={sample.id} />}
          </div>
        </div>
        {!told && unknown.map((end) => (
          <div key={end.path} className="px-6 pt-3 last-of-type:pb-3">
            <Notice tone="waits">
              <Trans>The attributes of <bdi>{end.title}</bdi> are not known: <bdi>{saidBy(end.problem ?? "")}</bdi></Trans>
            </Notice>
          </div>
        ))}
        {said && said.place === "" && (
          <div className="px-6 py-3">
            <Notice tone="needs" live="alert">
              <bdi>{said.text}</bdi>
            </Notice>
          </div>
        )}
        {properties.length === 0 ? (
          <div className="px-6 py-5">
            <Nothing action={<Button icon="plus" onClick={() => add(missing.length > 0 ? missing : [""])}>{missing.length > 0 ? t`Add missing required (${missing.length})` : t`Add property`}</Button>}>
              {t`No property yet. A property says which attribute of the source becomes which attribute of the target.`}
            </Nothing>
          </div>
        ) : (
          <Grid properties={properties} opened={open} trial={trial.data} sample={sample} broken={said?.place ?? ""} onOpen={setOpened} onMove={move} onRemove={remove} />
        )}
      </div>
      {open !== null && row && (
        <PropertyPanel
          key={open}
          property={row}
          index={open}
          count={properties.length}
          result={trial.data?.properties[open]}
          errors={said && said.place === `property ${plain(row.target)}` ? [said.text] : said?.place === `property ${row.target}` ? [said.text] : []}
          onChange={(key, change) => draft.edit(`property ${open} ${key}`, `${row.target || t`property`}: ${key}`, (old) => withProperties(old, (list) => replaced(list, open, change(list[open] ?? row))))}
          onMove={(to) => move(open, to)}
          onRemove={() => remove(open)}
          onClose={close}
        />
      )}
    </div>
  );
}

function indexOf(properties: Property[], attribute: string | undefined): number | null {
  const index = attribute === undefined ? -1 : properties.findIndex(({ target }) => plain(target) === plain(attribute));
  return index < 0 ? null : index;
}

/** A system that has just refused an answer may be in trouble by now: the head of the screen says so as soon as that is known. */
function useLookAtConnectors(refused: boolean) {
  const client = useQueryClient();
  useEffect(() => {
    if (refused) void refresh(client, "connectors_list");
  }, [client, refused]);
}

/** What the mapping would do with the sample, in a line. */
function Outcome({ trial, sample, pending, trouble, unread, unknown, reading, onRead }: {
  trial: Trial | undefined;
  sample: SampleRecord | null;
  pending: boolean;
  /** The connectors that are in trouble; why stands in the head of the screen. */
  trouble: string;
  /** Why the records of the source could not be read. */
  unread: ApiError | null;
  /** The sides whose attributes are not known either, for a reason that is told already. */
  unknown: string[];
  reading: boolean;
  onRead: () => void;
}) {
  const names = unknown.length > 0 && <bdi className="block w-full">{t`The attributes of ${unknown.join(", ")} are not known now; names can still be typed.`}</bdi>;
  if (!sample && unread) {
    return (
      <p className="flex min-w-0 flex-1 flex-wrap items-center gap-x-2 text-soft">
        {t`The source could not be read, so there is nothing to try this with.`}
        {trouble === "" && (
          <bdi role="alert" className="break-words">
            {saidBy(unread.message)}
          </bdi>
        )}
        <Button look="quiet" icon="retry" busy={reading} onClick={onRead}>
          {t`Read again`}
        </Button>
        {names}
      </p>
    );
  }
  if (!trial || !sample) {
    const tried = trouble === "" ? t`As it stands the mapping cannot be tried; what is wrong is marked below.` : t`It cannot be tried while ${trouble} is in trouble; why stands above.`;
    return (
      <p className="min-w-0 flex-1 text-soft">
        {pending ? t`Looking at a record\u2026` : sample ? tried : t`There is no record of the source to try this with.`} {!pending && names}
      </p>
    );
  }
  const words = situationWords(trial.situation);
  const why = sentence(trial.why);
  const set = trial.properties.filter(({ outcome }) => outcome === "written" || outcome === "cleared").length;
  const failed = trial.properties.filter(({ outcome }) => outcome === "failed").length;
  const writes = trial.outcome === "planned" && (trial.action === "CREATE" || trial.action === "UPDATE");
  const byScripts = trial.byScripts.map(({ attribute }) => attribute.replace(/^\//, ""));
  return (
    <div role="status" className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-2">
      <State tone={trial.outcome === "failed" ? "needs" : (words?.tone ?? "off")}>{trial.situation || t`not looked at`}</State>
      <span className="shrink-0">
        {trial.action !== "" && actionWords(trial.action).label}
        {writes && set > 0 && t`, ${plural(set, { one: "# attribute", other: "# attributes" })} would be set`}
        {trial.outcome === "inSync" && t`, nothing to set`}
        {byScripts.length > 0 && <span title={byScripts.join(", ")}>{t`, ${plural(byScripts.length, { one: "# attribute", other: "# attributes" })} by scripts`}</span>}
        {failed > 0 && <span className="text-needs">{t`, ${plural(failed, { one: "# property fails", other: "# properties fail" })}`}</span>}
      </span>
      <bdi className="min-w-0 flex-1 truncate text-soft" title={why}>
        {why}
      </bdi>
      {trial.outcome === "failed" && (
        <bdi className="w-full break-words text-needs">
          {trial.remedy ? t`It would fail: ${sentence(trial.reason)} ${trial.fix ? fixWords(trial.fix) : sentence(trial.remedy)}` : t`It would fail: ${sentence(trial.reason)}`}
        </bdi>
      )}
    </div>
  );
}

/** A run for the sample alone, stopped before it writes; its plan can then be carried out. */
function PreviewRecord({ id }: { id: string }) {
  const { name, draft } = useEditor();
  const start = useStartRun();
  const navigate = useNavigate();
  return (
    <>
      {start.error && (
        <span role="alert" className="min-w-0 truncate text-needs" title={errorWords(start.error)}>
          {errorWords(start.error)}
        </span>
      )}
      <Button
        data-once=""
        look="quiet"
        busy={start.isPending}
        disabled={draft.changes > 0}
        title={draft.changes > 0 ? t`Save the mapping first: a run goes by what is saved` : undefined}
        onClick={() => start.mutate({ mapping: name, mode: "preview", ids: [id] }, { onSuccess: (run) => void navigate({ to: "/mappings/$name", params: { name }, search: { tab: "run", run: run.id } }) })}
      >
        {t`Preview this record`}
      </Button>
    </>
  );
}

const OUTCOME_LOOK: Record<string, string> = { written: "text-accent", cleared: "text-accent", unchanged: "", notApplied: "text-soft", kept: "text-waits", asked: "text-waits", failed: "text-needs" };

function Grid({ properties, opened, trial, sample, broken, onOpen, onMove, onRemove }: {
  properties: Property[];
  opened: number | null;
  trial: Trial | undefined;
  sample: SampleRecord | null;
  broken: string;
  onOpen: (index: number) => void;
  onMove: (from: number, to: number) => void;
  onRemove: (index: number) => void;
}) {
  const { doc, target, source } = useEditor();
  const reorder = useReorder(properties.length, onMove);
  const sourceStats = useStats(source, sourceAttributes(doc));
  const targetStats = useStats(target, targetAttributes(doc));
  // Beside an open property there is no room, and the panel says it of that one.
  const filled = opened === null;
  const required = new Set(target.attributes.filter((attribute) => attribute.required).map(({ name }) => name));
  const known = new Set(target.attributes.map(({ name }) => name));
  const readable = new Set(source.attributes.map(({ name }) => name));
  return (
    <table className="rows" aria-label={t`Properties`}>
      <thead>
        <tr>
          <th scope="col" className="w-11 pr-0! pl-6!">
            <span className="sr-only">{t`Order`}</span>
          </th>
          <th scope="col">{t`Source`}</th>
          {filled && <FilledHead side={t`of the source`} />}
          <th scope="col" className="w-6 px-0!">
            <span className="sr-only">{t`becomes`}</span>
          </th>
          <th scope="col">{t`Target`}</th>
          {filled && <FilledHead side={t`of the target`} />}
          <th scope="col" className="w-[24%]">{t`How`}</th>
          <th scope="col" className="w-16">
            <span className="sr-only">{t`Remove`}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {properties.map((property, index) => {
          const name = plain(property.target);
          const row = trial?.properties[index];
          const wrong = broken === `property ${name}`;
          const strange = name !== "" && known.size > 0 && !known.has(name.split("/")[0] ?? "");
          const from = plain(property.source ?? "");
          const unread = from !== "" && readable.size > 0 && !readable.has(from.split("/")[0] ?? "") && from !== "_id" && !from.startsWith("__");
          const edge = reorder.gap === index ? "shadow-[inset_0_2px_0_var(--accent)]" : reorder.gap === properties.length && index === properties.length - 1 ? "shadow-[inset_0_-2px_0_var(--accent)]" : "";
          return (
            // A property has no name of its own: two may write one attribute. Its place is what it is.
            // oxlint-disable-next-line react/no-array-index-key
            <tr key={index} ref={reorder.row(index)} className={`group ${opened === index ? "bg-picked" : "hover:bg-hover"} ${reorder.dragged === index ? "opacity-50" : ""} ${edge}`} onClick={() => onOpen(index)}>
              <td className="pr-0! pl-5!">
                <button
                  type="button"
                  aria-label={t`Move ${name || t`property`}, number ${index + 1} of ${properties.length}`}
                  title={t`Drag, or press the arrow keys`}
                  className="flex size-6 touch-none items-center justify-center rounded-sm text-soft hover:bg-hover hover:text-ink"
                  onClick={(event) => event.stopPropagation()}
                  {...reorder.handle(index)}
                >
                  <Icon name="grip" size={14} />
                </button>
              </td>
              <td>
                <Side name={from} fallback={property.source === undefined ? t`no source` : t`whole record`} value={row ? row.source : sample && from ? sample.attributes[from] : undefined} look="text-soft" shown={sample !== null && from !== ""} mark={unread ? t`The source has no such attribute.` : undefined} />
              </td>
              {filled && <FilledCell stats={sourceStats} attribute={from.split("/")[0] ?? ""} />}
              <td aria-hidden="true" className="px-0! text-soft">
                {"\u2192"}
              </td>
              <th scope="row">
                <button type="button" aria-current={opened === index || undefined} aria-label={name ? t`Edit ${name}` : t`Edit property without a target`} className="block w-full rounded-sm text-left" onClick={() => onOpen(index)}>
                  <Side
                    name={name}
                    fallback={t`choose a target`}
                    required={required.has(name)}
                    value={row?.after}
                    look={OUTCOME_LOOK[row?.outcome ?? ""] ?? "text-soft"}
                    shown={row !== undefined}
                    title={row && sentence(row.why)}
                    mark={wrong ? t`Something is wrong with this property; open it to see what.` : strange ? t`The target has no such attribute.` : undefined}
                    loud={wrong || name === ""}
                  />
                </button>
              </th>
              {filled && <FilledCell stats={targetStats} attribute={name.split("/")[0] ?? ""} />}
              <td>
                <How property={property} />
              </td>
              <td className="pl-0!">
                <IconButton
                  icon="close"
                  label={t`Remove ${name || t`property`}`}
                  className="opacity-60 group-hover:opacity-100 focus-visible:opacity-100"
                  onClick={(event) => {
                    event.stopPropagation();
                    onRemove(index);
                  }}
                />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function FilledHead({ side }: { side: string }) {
  return (
    <th scope="col" className="number w-16 max-[1100px]:hidden" title={t`How many records have a value in this attribute`}>
      {t`Filled`} <span className="sr-only">{side}</span>
    </th>
  );
}

/** How many records have a value, quietly; which ones are common is said on hover and in the panel of the property. */
function FilledCell({ stats, attribute }: { stats: Stats | null; attribute: string }) {
  const found = stats?.of(attribute);
  if (!stats || !found || stats.looked === 0) return <td className="max-[1100px]:hidden" />;
  const common = found.distinct < found.filled ? found.top.slice(0, 5).map(({ value, count }) => `${value} (${number(count)})`) : [];
  const share = filledShare(found, stats.looked);
  return (
    <td className={`number text-sm max-[1100px]:hidden ${share === 0 ? "text-waits" : "text-soft"}`} title={[filledWords(found, stats.looked, stats.more), ...common].join("\n")}>
      {t`${share}%`}
    </td>
  );
}

/** An attribute and the sample's value in it. */
function Side({ name, fallback, value, shown, look, required = false, title, mark, loud = false }: { name: string; fallback: string; value: unknown; shown: boolean; look: string; required?: boolean; title?: string; mark?: string; loud?: boolean }) {
  const text = cellText(value);
  return (
    <span className="flex min-w-0 items-baseline gap-2" title={[mark, title].filter(Boolean).join("\n") || undefined}>
      <span className={`max-w-[60%] shrink-0 truncate ${name === "" ? (loud ? "text-needs" : "text-soft") : `font-mono text-sm ${loud ? "text-needs" : ""}`}`}>
        <bdi>{name || fallback}</bdi>
        {required && (
          <span className="text-needs" aria-label={t`required`} role="img">
            *
          </span>
        )}
      </span>
      {mark && (
        <span className={`shrink-0 self-center ${loud ? "text-needs" : "text-waits"}`} role="img" aria-label={mark}>
          <Icon name="warning" size={13} />
        </span>
      )}
      {shown && <bdi className={`min-w-0 truncate ${text === "" ? "text-soft" : look}`}>{text === "" ? "\u2013" : text}</bdi>}
    </span>
  );
}

/** Transform, condition, default and the rest of a property in a few words. */
function How({ property }: { property: Property }) {
  const parts = [
    transformText(property.transform),
    property.condition === undefined ? "" : typeof property.condition === "string" ? t`if ${property.condition}` : t`if a script says so`,
    property.default === undefined ? "" : property.source ? t`else ${JSON.stringify(property.default)}` : t`always ${JSON.stringify(property.default)}`,
    property.whenEmpty === "clear" ? t`clears when empty` : property.whenEmpty === "leave" && property.default !== undefined ? t`leaves when empty` : "",
    property.setOn === "create" ? t`on create only` : property.setOn === "blank" ? t`while blank only` : "",
  ].filter(Boolean);
  const text = parts.join("; ");
  return (
    <bdi className="text-sm text-soft" title={text}>
      {text}
    </bdi>
  );
}
