import { t } from "@lingui/core/macro";

import type { TypeProblem } from "../../backend/bindings/TypeProblem";
import { IconButton } from "../../parts/Button";
import { SelectField, Switch, TextField } from "../../parts/Field";
import { Notice } from "../../parts/Problem";
import { cellText, yesNo } from "../../words/value";
import { PolicyList } from "./PolicyList";
import { Problems } from "./Problems";
import { isRequired, isUnique, kindOf, policiesOf, propertyOf, protectionOf, type TypeDocument, withPolicies, withProperty, withProtection, withRequired, withUnique } from "./schema";

const PROTECTIONS: Record<string, string> = { "": t`no`, hash: t`hashed, for good`, seal: t`encrypted with a key of the vault` };
const NESTED = new Set(["array", "object", "relationship"]);

/** Everything about one property that has no column of its own. */
export function PropertyPanel({ doc, name, known, problems, onChange, onClose }: {
  doc: TypeDocument;
  name: string;
  /** The policies that are checked. */
  known: string[];
  problems: TypeProblem[];
  onChange: (doc: TypeDocument) => void;
  onClose: () => void;
}) {
  const property = propertyOf(doc, name);
  const { kind, nullable } = kindOf(property);
  const text = (key: string) => (typeof property[key] === "string" ? property[key] : "");
  return (
    // Keys that its fields do not take for themselves come up to it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <aside
      aria-label={t`Property ${name}`}
      className="flex w-[340px] shrink-0 flex-col overflow-y-auto border-l border-line"
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className="sticky top-0 z-10 flex items-center gap-2 border-b border-line bg-surface px-4 py-2">
        <h2 className="min-w-0 flex-1 truncate font-semibold">
          <bdi>{text("title") || name}</bdi> <code className="font-mono text-sm font-normal text-soft">{name}</code>
        </h2>
        <IconButton icon="close" label={t`Close`} onClick={onClose} />
      </div>
      <div className="flex flex-col gap-4 px-4 py-3">
        <Problems problems={problems} />
        {NESTED.has(kind) && (
          <Notice tone="off">
            {kind === "relationship" ? t`A reference to another object is kept as it is given; nothing here follows it or keeps its other end in step.` : t`No list can be sorted or searched by values of type ${kind}. The form edits them: what is declared in an object as fields, lists of texts and numbers value by value, everything else as JSON text.`}
          </Notice>
        )}
        <TextField label={t`Title`} value={text("title")} onChange={(title) => onChange(withProperty(doc, name, { title }))} />
        <Switch label={t`Required`} help={t`also when people make an account of their own`} checked={isRequired(doc, name)} onChange={(on) => onChange(withRequired(doc, name, on))} />
        <Switch label={t`Searchable`} help={t`has an index, and is found by its words`} checked={property["searchable"] === true} onChange={(searchable) => onChange(withProperty(doc, name, { searchable }))} />
        <Switch label={t`Unique`} help={t`no two objects may have the same value`} checked={isUnique(property)} onChange={(on) => onChange(withUnique(doc, name, on))} />
        <TextField label={t`Description`} value={text("description")} onChange={(description) => onChange(withProperty(doc, name, { description: description || undefined }))} />
        <DefaultField kind={kind} value={property["default"]} onChange={(value) => onChange(withProperty(doc, name, { default: value }))} />
        <Switch label={t`May be null`} checked={nullable} onChange={(on) => onChange(withProperty(doc, name, { type: on ? [kind, "null"] : kind }))} />
        <Switch label={t`Shown in the form`} help={t`also in people's own profiles; WSO2 calls it supported`} checked={property["viewable"] !== false} onChange={(viewable) => onChange(withProperty(doc, name, { viewable }))} />
        <Switch label={t`Edited by its owner`} help={t`people may change it in their own profile; without it, it is what WSO2 calls read-only`} checked={property["userEditable"] === true} onChange={(userEditable) => onChange(withProperty(doc, name, { userEditable }))} />
        <Switch label={t`Private`} help={t`stored and never shown`} checked={property["scope"] === "private"} onChange={(on) => onChange(withProperty(doc, name, { scope: on ? "private" : undefined }))} />
        {kind === "string" && (
          <SelectField
            label={t`Protected`}
            help={t`A protected value goes in and never comes out: not in lists, runs, histories or exports, and no mapping reads or writes it.`}
            value={protectionOf(name, property)}
            options={name === "password" ? ["hash", "seal"] : ["", "hash", "seal"]}
            words={PROTECTIONS}
            onChange={(chosen) => onChange(withProtection(doc, name, chosen === "hash" || chosen === "seal" ? chosen : ""))}
          />
        )}
        <section aria-label={t`Policies of this property`}>
          <h3 className="mb-2 font-semibold">{t`Policies`}</h3>
          <PolicyList policies={policiesOf(property)} known={known} onChange={(policies) => onChange(withPolicies(doc, name, policies))} />
        </section>
      </div>
    </aside>
  );
}

function DefaultField({ kind, value, onChange }: { kind: string; value: unknown; onChange: (value: unknown) => void }) {
  if (kind === "boolean") {
    return <SelectField label={t`Default`} value={value === undefined || value === null ? "" : cellText(value)} options={["", yesNo(true), yesNo(false)]} onChange={(chosen) => onChange(chosen === "" ? undefined : chosen === yesNo(true))} />;
  }
  if (kind === "array" || kind === "object" || kind === "relationship" || (typeof value === "object" && value !== null)) {
    return <TextField label={t`Default`} mono value={cellText(value)} help={t`A default of this type is kept as it is.`} />;
  }
  const numeric = kind === "number" || kind === "integer";
  return (
    <TextField
      label={t`Default`}
      inputMode={numeric ? "decimal" : undefined}
      value={cellText(value)}
      help={t`What a new object gets when nothing is given.`}
      onChange={(typed) => onChange(typed === "" ? undefined : numeric && Number.isFinite(Number(typed)) ? Number(typed) : typed)}
    />
  );
}
