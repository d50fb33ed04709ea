import { t } from "@lingui/core/macro";
import { type ReactNode, useState } from "react";

import type { AssociationRow } from "../../../backend/bindings/AssociationRow";
import type { MappingDetail } from "../../../backend/bindings/MappingDetail";
import { Section } from "../../../parts/Page";
import { SegmentedChoice } from "../../../parts/SegmentedChoice";
import { AssociationPanel } from "./AssociationPanel";
import { ConditionField } from "./ConditionField";
import { CorrelationPart } from "./CorrelationPart";
import { type Condition, type Doc, isObject, isScript, linkQualifiersOf, queryFilterOf, type Script, scriptText, withKey } from "./document";
import { useEditor, useErrors } from "./EditorContext";
import { FilterField } from "./FilterField";
import { ManualAssociation } from "./ManualAssociation";
import { NamesField } from "./NamesField";
import { ScriptField } from "./ScriptField";
import { filterOfScript, scriptOfFilter, withoutFilter } from "./validity";

/** Which records take part, and how a record finds its other half. */
export function AssociationTab({ detail }: { detail: MappingDetail }) {
  const [opened, setOpened] = useState<{ row: AssociationRow; qualifier: string } | null>(null);
  return (
    <div className="relative flex min-h-0 flex-1">
      <div className="min-w-0 flex-1 overflow-y-auto px-6 py-5">
        <Rules />
        <div className="mt-8 max-w-5xl">
          <ManualAssociation opened={opened?.row.source.id ?? null} onOpen={(row, qualifier) => setOpened({ row, qualifier })} />
        </div>
      </div>
      {opened && <AssociationPanel key={`${opened.row.source.id} ${opened.qualifier}`} detail={detail} row={opened.row} qualifier={opened.qualifier} onClose={() => setOpened(null)} />}
    </div>
  );
}

function Rules() {
  const { doc, draft, source, target } = useEditor();
  const put = (key: string, label: string) => (value: unknown) => draft.edit(key, label, (old) => withKey(old, key, value));
  return (
    <div className="max-w-3xl">
      <Section title={t`How a record finds its other half`}>
        <Explained>{t`A record without a link is compared with the records of ${target.title}. One match is linked; several are left for a person; none makes a new record.`}</Explained>
        <CorrelationPart />
      </Section>
      <Section title={t`Records that take part`}>
        <div className="flex flex-col gap-5">
          <QueryField name="sourceQuery" label={t`Read from ${source.title}`} help={t`Others are never looked at. A linked record outside counts as gone only after it was read by its id.`} attributes="source" />
          <ConditionField label={t`Only records where`} none={t`All`} value={doc["sourceCondition"] as Condition | undefined} variable="source" attributes={source.suggestions} variables={["source", "linkQualifier"]} errors={useErrors("sourceCondition")} onChange={put("sourceCondition", t`source condition`)} />
          <Validity name="validSource" label={t`A record of the source qualifies`} side="source" />
          <QueryField name="targetQuery" label={t`Read from ${target.title}`} help={t`Which records of the target are looked at.`} attributes="target" />
          <Validity name="validTarget" label={t`A record of the target qualifies`} side="target" />
        </div>
      </Section>
      <Section title={t`Accounts of one record`}>
        <LinkQualifiers />
      </Section>
    </div>
  );
}

export function Explained({ children }: { children: ReactNode }) {
  return <p className="mb-3 text-soft">{children}</p>;
}

/** `sourceQuery` or `targetQuery`: everything, or what a filter lets through. */
function QueryField({ name, label, help, attributes }: { name: "sourceQuery" | "targetQuery"; label: string; help: string; attributes: "source" | "target" }) {
  const editor = useEditor();
  const errors = useErrors(name);
  const stored = queryFilterOf(editor.doc, name);
  const [narrowed, setNarrowed] = useState(stored !== "" && stored !== "true");
  const put = (value: Doc | undefined) => editor.draft.edit(name, label, (old) => withKey(old, name, value));
  const shown = narrowed || (stored !== "" && stored !== "true");
  return (
    <div className="flex flex-col gap-2">
      <SegmentedChoice
        label={label}
        value={shown ? "filter" : "all"}
        options={[
          { value: "all", label: t`All` },
          { value: "filter", label: t`Filter` },
        ]}
        onChange={(value) => {
          setNarrowed(value === "filter");
          if (value === "all") put(undefined);
        }}
      />
      {shown && (
        <>
          <FilterField
            label={label}
            value={stored === "true" ? "" : stored}
            variable=""
            attributes={editor[attributes].suggestions}
            errors={errors}
            onChange={(text) => {
              const old = editor.doc[name];
              put(text === "" ? undefined : { ...(isObject(old) ? withKey(withKey(old, "_queryId", undefined), "_queryExpression", undefined) : {}), _queryFilter: text });
            }}
          />
          <p className="text-sm text-soft">{help}</p>
        </>
      )}
    </div>
  );
}

/** `validSource` or `validTarget`: every record, those that a filter lets through, or what a script says. */
function Validity({ name, label, side }: { name: "validSource" | "validTarget"; label: string; side: "source" | "target" }) {
  const editor = useEditor();
  const errors = useErrors(name);
  const value = editor.doc[name];
  const filter = filterOfScript(value, side);
  const stored = filter !== null ? "filter" : isScript(value) ? "script" : "none";
  // A filter that says nothing yet is none in the document.
  const [chosen, setChosen] = useState<"none" | "filter" | "script">(stored);
  const [refused, setRefused] = useState("");
  const kind = stored === "none" ? chosen : stored;
  const put = (next: Script | undefined) => editor.draft.edit(name, name, (old) => withKey(old, name, next));
  return (
    <div className="flex flex-col gap-2">
      <SegmentedChoice
        label={label}
        value={kind}
        options={[
          { value: "none", label: t`Always` },
          { value: "filter", label: t`Filter` },
          { value: "script", label: t`Script` },
        ]}
        onChange={(next) => {
          setChosen(next);
          setRefused("");
          // A filter goes on as the script that it is.
          if (next === "script") put(isScript(value) ? { ...value, source: withoutFilter(scriptText(value)) } : { type: "text/javascript", source: "true" });
          else put(undefined);
        }}
      />
      {kind === "filter" && (
        <FilterField
          label={label}
          value={refused || (filter ?? "")}
          variable=""
          attributes={editor[side].suggestions}
          errors={refused ? [t`This is more than comparisons that are joined by and, or by or. Write it as a script.`, ...errors] : errors}
          onChange={(text) => {
            const made = scriptOfFilter(text, side);
            setRefused(made || text === "" ? "" : text);
            if (made || text === "") put(made ?? undefined);
          }}
        />
      )}
      {kind === "script" && <ScriptField label={t`${label}: script`} value={isScript(value) ? value : undefined} variables={[side, "linkQualifier"]} errors={errors} help={t`Gives true or false; anything else is an error.`} lines={3} onChange={put} />}
    </div>
  );
}

/** One account, several by name, or what a script says. */
function LinkQualifiers() {
  const { doc, draft } = useEditor();
  const errors = useErrors("linkQualifiers");
  const qualifiers = linkQualifiersOf(doc);
  const put = (value: unknown) => draft.edit("linkQualifiers", t`link qualifiers`, (old) => withKey(old, "linkQualifiers", value));
  const script = doc["linkQualifiers"];
  return (
    <div className="flex flex-col gap-2">
      <SegmentedChoice
        label={t`A record of the source has in the target`}
        value={qualifiers.kind}
        options={[
          { value: "none", label: t`One account` },
          { value: "list", label: t`Several, by name` },
          { value: "script", label: t`What a script says` },
        ]}
        onChange={(kind) => put(kind === "none" ? undefined : kind === "list" ? ["default"] : { type: "text/javascript", source: "returnAll ? ['default'] : ['default']" })}
      />
      {qualifiers.kind === "list" && <NamesField of="qualifier" values={qualifiers.names} errors={errors} help={t`Each has a link of its own; conditions and scripts see it as linkQualifier.`} onChange={(names) => put(names)} />}
      {qualifiers.kind === "script" && (
        <ScriptField label={t`Link qualifiers: script`} value={isScript(script) ? script : undefined} variables={["mapping", "object", "oldValue", "returnAll"]} errors={errors} help={t`Gives a list of names.`} lines={4} onChange={put} />
      )}
    </div>
  );
}
