import { t } from "@lingui/core/macro";
import { useState } from "react";

import { Button, IconButton } from "../../../parts/Button";
import { SegmentedChoice } from "../../../parts/SegmentedChoice";
import { groupOf, type Rule, ruleOf, treeOf, withRule } from "./correlation";
import { linkQualifiersOf, plain, propertiesOf, removed, replaced, type Tree } from "./document";
import { useEditor, useErrors } from "./EditorContext";
import { Matches } from "./Matches";
import { ScriptField } from "./ScriptField";

/** Correlation: none, an expression of mapped attributes, or a script; for each link qualifier its own. */
export function CorrelationPart() {
  const { doc, draft } = useEditor();
  const names = linkQualifiersOf(doc).names;
  const [picked, setPicked] = useState("default");
  const qualifier = names.length === 0 || names.includes(picked) ? (names.length === 0 ? "default" : picked) : (names[0] ?? "default");
  const rule = ruleOf(doc, qualifier);
  const errors = [...useErrors("correlationQuery"), ...useErrors("correlationScript"), ...useErrors("correlation")];
  const mapped = [...new Set(propertiesOf(doc).map((property) => plain(property.target)).filter(Boolean))];
  const write = (next: Rule) => draft.edit(`correlation ${qualifier}`, t`correlation`, (old) => withRule(old, qualifier, next));
  const first = mapped.includes("mail") ? "mail" : mapped.includes("email") ? "email" : (mapped[0] ?? "");

  function choose(kind: Rule["kind"]) {
    if (kind === "none") write({ kind });
    else if (kind === "tree") write({ kind, tree: { all: [first] } });
    else if (kind === "query") write({ kind, script: { type: "text/javascript", source: `({ _queryFilter: '${first || "mail"} eq "' + source.${first || "mail"} + '"' })` } });
    else write({ kind, script: { type: "text/javascript", source: "[]" } });
  }

  return (
    <div className="flex flex-col gap-3">
      {names.length > 1 && (
        <label className="flex items-center gap-2 text-soft">
          {t`Link qualifier`}
          <select className="field w-auto!" value={qualifier} onChange={(event) => setPicked(event.target.value)}>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <SegmentedChoice<Rule["kind"]>
        label={t`Match by`}
        value={rule.kind}
        options={[
          { value: "none", label: t`Nothing` },
          { value: "tree", label: t`Attributes` },
          { value: "query", label: t`A query script` },
          { value: "ids", label: t`An id script` },
        ]}
        onChange={choose}
      />
      {rule.kind === "none" && <p className="text-soft">{t`No record matches by itself: every record without a link makes a new one.`}</p>}
      {rule.kind === "tree" && <Group tree={rule.tree} mapped={mapped} place="" onChange={(tree) => write({ kind: "tree", tree })} />}
      {rule.kind === "query" && <ScriptField label={t`Correlation query: script`} value={rule.script} variables={["source", "linkQualifier"]} errors={errors} help={t`Gives a query on the target, such as ${QUERY}.`} onChange={(next) => write({ kind: "query", script: next })} />}
      {rule.kind === "ids" && <ScriptField label={t`Correlation script`} value={rule.script} variables={["source", "linkQualifier"]} errors={errors} help={t`Gives a list of records of the target, each with its _id.`} onChange={(next) => write({ kind: "ids", script: next })} />}
      {errors.length > 0 && (rule.kind === "tree" || rule.kind === "none") && (
        <p role="alert" className="text-sm text-needs">
          {errors.join(" ")}
        </p>
      )}
      <Matches qualifier={names.length > 0 ? qualifier : null} />
    </div>
  );
}

const QUERY = "({ _queryFilter: 'mail eq \"ann@example.org\"' })";

/** Any or all of some attributes and groups. */
function Group({ tree, mapped, place, onChange, onRemove }: { tree: Tree; mapped: string[]; place: string; onChange: (tree: Tree) => void; onRemove?: () => void }) {
  const { join, parts } = groupOf(tree);
  const write = (next: Tree[]) => onChange(treeOf(join, next));
  const unused = mapped.find((name) => !parts.includes(name)) ?? mapped[0] ?? "";
  return (
    <fieldset className="flex flex-col gap-1.5 rounded-md border border-line p-3">
      <legend className="sr-only">{place === "" ? t`Rule` : t`Group`}</legend>
      <div className="flex items-center gap-2">
        <select className="field w-auto!" aria-label={place === "" ? t`Which must be the same` : t`Which of group ${place} must be the same`} value={join} onChange={(event) => onChange(treeOf(event.target.value === "any" ? "any" : "all", parts))}>
          <option value="all">{t`All of`}</option>
          <option value="any">{t`Any of`}</option>
        </select>
        <span className="text-soft">{t`these are the same on both sides`}</span>
        {onRemove && <IconButton icon="close" label={t`Remove group`} className="ml-auto" onClick={onRemove} />}
      </div>
      {parts.map((part, index) =>
        typeof part === "string" ? (
          // oxlint-disable-next-line react/no-array-index-key
          <div key={index} className="flex items-center gap-1.5 pl-4">
            <select className="field max-w-80 font-mono text-sm!" aria-label={place === "" ? t`Attribute ${index + 1} of rule` : t`Attribute ${index + 1} of ${place}`} value={part} onChange={(event) => write(replaced<Tree>(parts, index, event.target.value))}>
              {(mapped.includes(part) ? mapped : [part, ...mapped]).map((name) => (
                <option key={name} value={name}>
                  {name || t`choose`}
                </option>
              ))}
            </select>
            <IconButton icon="close" label={place === "" ? t`Remove ${part || t`attribute`} from rule` : t`Remove ${part || t`attribute`} from ${place}`} disabled={parts.length === 1} onClick={() => write(removed(parts, index))} />
          </div>
        ) : (
          // oxlint-disable-next-line react/no-array-index-key
          <div key={index} className="pl-4">
            <Group tree={part} mapped={mapped} place={`${place === "" ? "" : `${place}.`}${index + 1}`} onChange={(next) => write(replaced(parts, index, next))} onRemove={() => write(removed(parts, index))} />
          </div>
        ),
      )}
      <div className="-ml-0.5 flex pl-2">
        <Button look="quiet" icon="plus" disabled={mapped.length === 0} onClick={() => write([...parts, unused])}>
          {t`Add attribute`}
        </Button>
        <Button look="quiet" icon="plus" disabled={mapped.length === 0} onClick={() => write([...parts, treeOf(join === "all" ? "any" : "all", [unused])])}>
          {t`Add group`}
        </Button>
      </div>
      {place === "" && <p className="text-sm text-soft">{t`Attributes of the target that a property maps; what is compared is the mapped value. Case does not count.`}</p>}
    </fieldset>
  );
}
