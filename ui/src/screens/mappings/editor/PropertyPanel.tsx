import { t } from "@lingui/core/macro";
import { type ReactNode, useEffect, useRef } from "react";

import type { AttributeStats } from "../../../backend/bindings/AttributeStats";
import type { TrialRow } from "../../../backend/bindings/TrialRow";
import { Button, IconButton } from "../../../parts/Button";
import { Field } from "../../../parts/Field";
import { SidePanel } from "../../../parts/SidePanel";
import { Suggest } from "../../../parts/Suggest";
import { quoted, sentence } from "../../../words/error";
import { number } from "../../../words/numbers";
import { valueText } from "../../../words/value";
import { ConditionField } from "./ConditionField";
import { plain, type Property, sourceAttributes, targetAttributes, withKey, withSource, withTransform } from "./document";
import { type End, useEditor } from "./EditorContext";
import { TransformField, ValueField } from "./TransformField";
import { filledShare, filledWords, useStats } from "./useStats";

const WHEN_EMPTY: [string, string][] = [
  ["", t`as usual: the default if there is one, else leave`],
  ["leave", t`leave the target's value alone`],
  ["clear", t`clear the target's value`],
  ["default", t`set the default`],
];
const SET_ON: [string, string][] = [
  ["", t`always`],
  ["create", t`only when the target is created`],
  ["blank", t`only while the target has no value`],
];
const CONFLICT: [string, string][] = [
  ["", t`as the mapping says`],
  ["source", t`the source wins`],
  ["target", t`the target wins`],
  ["sourceUnlessBlank", t`the source, unless it is blank`],
  ["newest", t`the side that was changed last`],
  ["ask", t`ask a person`],
];

/** One property, opened to the side of the grid. */
export function PropertyPanel({ property, index, count: total, result, errors, onChange, onMove, onRemove, onClose }: {
  property: Property;
  index: number;
  count: number;
  result: TrialRow | undefined;
  errors: string[];
  onChange: (key: string, change: (property: Property) => Property) => void;
  onMove: (to: number) => void;
  onRemove: () => void;
  onClose: () => void;
}) {
  const { doc, source, target, draft } = useEditor();
  const name = plain(property.target);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // A new property is there to be filled in.
    if (property.target === "") panel.current?.querySelector("input")?.focus();
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const put = (key: string) => (value: unknown) => onChange(key, (old) => withKey(old, key, value));
  const choose = (key: string, label: string, choices: [string, string][]) => (
    <Field label={label}>
      {(props) => (
        <select className="field" value={String(property[key] ?? "")} onChange={(event) => put(key)(event.target.value === "" ? undefined : event.target.value)} {...props}>
          {choices.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  return (
    // Why comes a moment after each edit; above what is edited it would move the next button away from the pointer.
    <SidePanel ref={panel} label={name ? t`Property ${name}` : t`Property without a target`} footer={result && <Why result={result} />} onClose={onClose}>
      <div className="flex items-center gap-1">
        <h2 className="min-w-0 flex-1 truncate text-lg font-semibold">
          <bdi>{name || t`New property`}</bdi>
        </h2>
        <IconButton icon="up" label={t`Move up`} disabled={index === 0} onClick={() => onMove(index - 1)} />
        <IconButton icon="down" label={t`Move down`} disabled={index === total - 1} onClick={() => onMove(index + 1)} />
        <IconButton icon="close" label={t`Close property`} onClick={onClose} />
      </div>
      <Suggest label={t`Source`} value={plain(property.source ?? "")} options={source.suggestions} help={property.source ? undefined : t`Empty: the whole record goes to the transform, or the default is always set.`} onChange={(text) => onChange("source", (old) => withSource(old, text))} onLeave={draft.seal} />
      <Suggest label={t`Target`} required value={name} options={target.suggestions} errors={name === "" ? [t`Choose where the value goes.`] : errors.filter(() => property.transform === undefined && property.condition === undefined)} onChange={put("target")} onLeave={draft.seal} />
      <Part title={t`On its way`}>
        <TransformField value={property.transform} whole={plain(property.source ?? "") === ""} errors={errors} onChange={(value) => onChange("transform", (old) => withTransform(old, value))} />
      </Part>
      <Part title={t`Applies`}>
        <ConditionField label={t`When`} none={t`Always`} value={property.condition} variable="object" attributes={source.suggestions} variables={["object", "target", "linkQualifier"]} errors={property.condition === undefined ? [] : errors} onChange={put("condition")} />
        {choose("setOn", t`Set`, SET_ON)}
      </Part>
      <Part title={t`An empty source`}>
        <ValueField label={t`Default`} value={property.default} onChange={put("default")} help={t`For a source without a value; true, false and numbers are what they look like.`} />
        {choose("whenEmpty", t`When the source is empty`, WHEN_EMPTY)}
        {choose("conflictRule", t`When both sides changed`, CONFLICT)}
      </Part>
      <Statistics end={source} side={t`Source`} mapped={sourceAttributes(doc)} attribute={plain(property.source ?? "").split("/")[0] ?? ""} />
      <Statistics end={target} side={t`Target`} mapped={targetAttributes(doc)} attribute={name.split("/")[0] ?? ""} />
      <div>
        <Button icon="trash" onClick={onRemove}>
          {t`Remove property`}
        </Button>
      </div>
    </SidePanel>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="flex flex-col gap-2 border-t border-line pt-3">
      <h3 className="font-medium">{title}</h3>
      {children}
    </section>
  );
}

/** How the sample's value came out so, step by step. */
function Why({ result }: { result: TrialRow }) {
  const title = t`Why, for the sample`;
  return (
    // It scrolls, so the keyboard has to reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section aria-label={title} tabIndex={0} className="flex max-h-[40%] shrink-0 flex-col gap-2 overflow-y-auto border-t border-line p-4">
      <h3 className="font-medium">{title}</h3>
      <p className={`break-words ${result.outcome === "failed" ? "text-needs" : ""}`}>
        <bdi>{sentence(result.why)}</bdi>
      </p>
      {result.steps.length > 0 && (
        <ol className="flex flex-col gap-1">
          {result.steps.map((step) => (
            <li key={`${step.name} ${step.text}`} className="grid grid-cols-[76px_minmax(0,1fr)] gap-x-2">
              <span className="text-soft">{step.name}</span>
              <span className="min-w-0 break-words">
                <bdi>{quoted(step.text)}</bdi>
                {step.value !== null && (
                  <>
                    {": "}
                    <bdi className="text-soft">{shortened(valueText(step.value))}</bdi>
                  </>
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
      <dl className="grid grid-cols-[76px_minmax(0,1fr)] gap-x-2 gap-y-1">
        <dt className="text-soft">{t`Before`}</dt>
        <dd className="min-w-0 break-words">
          <bdi>{shortened(valueText(result.before))}</bdi>
        </dd>
        <dt className="text-soft">{t`After`}</dt>
        <dd className="min-w-0 font-medium break-words">
          <bdi>{shortened(valueText(result.after))}</bdi>
        </dd>
      </dl>
    </section>
  );
}

/** A whole record would be longer than everything around it. */
function shortened(text: string): string {
  return text.length > 160 ? `${text.slice(0, 160)}\u2026` : text;
}

/** How often an attribute has a value in a sample of the resource, and which values are common. */
function Statistics({ end, side, mapped, attribute }: { end: End; side: string; mapped: string[]; attribute: string }) {
  const stats = useStats(end, mapped);
  const found = stats?.of(attribute);
  if (!stats || !found) return null;
  return (
    <Part title={t`${side} values`}>
      <Filled stats={found} looked={stats.looked} more={stats.more} />
      {found.top.length > 0 && found.distinct < found.filled && (
        <ul className="flex flex-col gap-0.5" aria-label={t`Commonest values of ${attribute}`}>
          {found.top.slice(0, 5).map((top) => (
            <li key={top.value} className="flex gap-2">
              <bdi className="min-w-0 flex-1 truncate" title={top.value}>
                {top.value}
              </bdi>
              <span className="shrink-0 text-soft">{number(top.count)}</span>
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}

function Filled({ stats, looked, more }: { stats: AttributeStats; looked: number; more: boolean }) {
  const share = filledShare(stats, looked);
  return (
    <div className="flex flex-col gap-1">
      <div aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-line">
        <div className="h-full bg-bar-update" style={{ width: `${share}%` }} />
      </div>
      <p className="text-sm text-soft">
        {filledWords(stats, looked, more)}
      </p>
    </div>
  );
}
