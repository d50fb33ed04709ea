import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useSearch } from "@tanstack/react-router";
import { type ReactNode, useId, useState } from "react";

import { announce } from "../../../parts/Announcer";
import { Button, IconButton } from "../../../parts/Button";
import { Field } from "../../../parts/Field";
import { Section } from "../../../parts/Page";
import { Notice } from "../../../parts/Problem";
import { SegmentedChoice } from "../../../parts/SegmentedChoice";
import { SidePanel } from "../../../parts/SidePanel";
import { actionWords } from "../../../words/actions";
import { ACTION_HELP, situationWords } from "../../../words/situations";
import { Explained } from "./AssociationTab";
import { ConditionField } from "./ConditionField";
import { type Doc, isScript, moved, policiesOf, type Policy, removed, replaced, type Script, withKey, withPolicies } from "./document";
import { useEditor, useErrors } from "./EditorContext";
import { bySituation, conditionText, isUnreachable, patternOf, PATTERNS, type SituationPolicies, withNewPolicy, withPattern } from "./policies";
import { ScriptField } from "./ScriptField";

/** The policy of a situation: the mapping's own by its number, or the default by its situation. */
function policyFor(doc: Doc, situation: string | undefined): number | string | null {
  if (situation === undefined || !situationWords(situation)) return null;
  const own = policiesOf(doc).findIndex((policy) => policy.situation === situation);
  return own < 0 ? situation : own;
}

/** What is done in each situation, and the scripts that run on the way. */
export function BehaviorsTab() {
  const { doc, draft } = useEditor();
  const { situation: asked } = useSearch({ from: "/mappings/$name" });
  // Whoever was sent here because of a situation finds its policy open: the mapping's own, or the default.
  const [opened, setOpened] = useState(() => policyFor(doc, asked));
  const [before, setBefore] = useState(asked);
  if (asked !== before) {
    setBefore(asked);
    if (asked !== undefined) setOpened(policyFor(doc, asked));
  }
  const rows = bySituation(doc);
  const errors = useErrors("policy");
  const policies = policiesOf(doc);
  const openPolicy = typeof opened === "number" ? policies[opened] : typeof opened === "string" ? { situation: opened, action: situationWords(opened)?.standard ?? "IGNORE" } : undefined;

  function change(key: string, next: (policy: Policy) => Policy) {
    if (opened === null || !openPolicy) return;
    if (typeof opened === "number") {
      draft.edit(`policy ${opened} ${key}`, `${openPolicy.situation}: ${key}`, (old) => withPolicies(old, (list) => replaced(list, opened, next(list[opened] ?? openPolicy))));
    } else {
      // The default was opened; what is changed of it becomes a policy of the mapping's own.
      const made = withNewPolicy(doc, next(openPolicy));
      draft.edit(`policy ${made.index} ${key}`, `${openPolicy.situation}: ${key}`, () => made.doc);
      setOpened(made.index);
    }
  }

  function add(situation: string) {
    const made = withNewPolicy(doc, { situation, action: situationWords(situation)?.standard ?? "IGNORE" });
    draft.edit("add policy", t`${situation}: policy added`, () => made.doc);
    draft.seal();
    setOpened(made.index);
  }

  function remove(index: number) {
    draft.edit(`remove policy ${index}`, t`${policies[index]?.situation ?? ""}: policy removed`, (old) => withPolicies(old, (list) => removed(list, index)));
    draft.seal();
    setOpened(null);
  }

  return (
    <div className="relative flex min-h-0 flex-1">
      <div className="min-w-0 flex-1 overflow-y-auto px-6 py-5">
        <Section title={t`Situations`} aside={<PatternSelect onDone={() => setOpened(null)} />}>
          <PatternHelp />
          {errors.length > 0 && (
            <div className="mb-2">
              <Notice tone="needs" live="alert">
                {errors.join(" ")}
              </Notice>
            </div>
          )}
          <table className="rows inset" aria-label={t`Situations`}>
            <thead>
              <tr>
                <th scope="col" className="w-[204px]">{t`Situation`}</th>
                <th scope="col">{t`Condition`}</th>
                <th scope="col" className="w-[30%]">{t`Action`}</th>
                <th scope="col" className="w-22">{t`On complete`}</th>
                <th scope="col" className="w-8">
                  <span className="sr-only">{t`Add`}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Situation key={row.situation} row={row} opened={opened} onOpen={setOpened} onAdd={() => add(row.situation)} />
              ))}
            </tbody>
          </table>
          <p className="mt-2 text-sm text-soft">{t`\u2605 is what IDM does by default, \u2606 another action that makes sense there. Of several policies the first whose condition holds counts.`}</p>
        </Section>
        <Section title={t`Scripts`}>
          <Explained>{t`They run around each record of a run or an implicit sync. What onCreate and onUpdate set on target is written with the properties.`}</Explained>
          <Scripts />
        </Section>
      </div>
      {opened !== null && openPolicy && (
        <PolicyPanel
          key={opened}
          policy={openPolicy}
          stored={typeof opened === "number"}
          siblings={rows.find(({ situation }) => situation === openPolicy.situation.toUpperCase())}
          index={typeof opened === "number" ? opened : -1}
          onChange={change}
          onMove={(to) => {
            if (typeof opened !== "number") return;
            draft.edit("policy order", t`${openPolicy.situation}: order`, (old) => withPolicies(old, (list) => moved(list, opened, to)));
            draft.seal();
            setOpened(to);
          }}
          onRemove={() => typeof opened === "number" && remove(opened)}
          onClose={() => setOpened(null)}
        />
      )}
    </div>
  );
}

function PatternSelect({ onDone }: { onDone: () => void }) {
  const { doc, draft } = useEditor();
  const pattern = patternOf(doc);
  return (
    <label className="flex items-center gap-2 text-soft">
      {t`Pattern`}
      <select
        className="field w-auto!"
        value={pattern}
        aria-describedby="pattern-help"
        onChange={(event) => {
          const next = PATTERNS.find(({ id }) => id === event.target.value);
          if (!next) return;
          draft.edit("pattern", t`pattern ${next.label}`, (old) => withPattern(old, next.id));
          draft.seal();
          announce(`${next.label}: ${next.help}`);
          onDone();
        }}
      >
        {PATTERNS.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
        <option value="custom" disabled={pattern !== "custom"}>
          {t`Custom`}
        </option>
      </select>
    </label>
  );
}

function PatternHelp() {
  const { doc } = useEditor();
  const words = PATTERNS.find(({ id }) => id === patternOf(doc));
  return (
    <p id="pattern-help" className="mb-2 text-sm text-soft">
      {words ? words.help : t`These policies follow no pattern; choosing one replaces all of them.`}
    </p>
  );
}

const DOT: Record<string, string> = { needs: "bg-needs", waits: "bg-waits", fine: "bg-fine", off: "bg-off", busy: "bg-accent" };

function Situation({ row, opened, onOpen, onAdd }: { row: SituationPolicies; opened: number | string | null; onOpen: (which: number | string) => void; onAdd: () => void }) {
  const words = situationWords(row.situation);
  const shown = row.policies.length > 0 ? row.policies : [{ policy: { situation: row.situation, action: words?.standard ?? "" } as Policy, index: -1 }];
  return shown.map(({ policy, index }, position) => {
    const which = index < 0 ? row.situation : index;
    const lost = isUnreachable(row, position);
    const action = isScript(policy.action) ? t`a script` : policy.action.toUpperCase();
    const label = isScript(policy.action) ? t`What a script says` : actionWords(action).label;
    return (
      <tr key={which} className={opened === which ? "bg-picked" : "hover:bg-hover"} onClick={() => onOpen(which)}>
        <th scope="row">
          {position === 0 ? (
            <span className="flex items-center gap-2" title={words?.meaning}>
              <span aria-hidden="true" className={`size-2 shrink-0 rounded-full ${DOT[words?.tone ?? "off"]}`} />
              <code className="truncate font-mono text-sm">{row.situation}</code>
              <span className="sr-only">: {words?.meaning}</span>
            </span>
          ) : (
            <span className="pl-4 text-soft">
              <Trans>else<span className="sr-only"> in {row.situation}</span></Trans>
            </span>
          )}
        </th>
        <td title={lost ? t`Never reached: a policy above it always applies.` : conditionText(policy) || words?.meaning}>
          {lost ? <span className="text-waits">{t`never reached`}</span> : conditionText(policy) ? <bdi className="font-mono text-sm">{conditionText(policy)}</bdi> : position === 0 ? <span className="text-soft">{words?.meaning}</span> : <span className="text-soft">{t`always`}</span>}
        </td>
        <td>
          <button type="button" aria-current={opened === which || undefined} aria-label={position > 0 ? t`Edit ${row.situation}, policy ${position + 1}: ${label}` : t`Edit ${row.situation}: ${label}`} className="inline-flex max-w-full items-center gap-1.5 rounded-sm" onClick={() => onOpen(which)}>
            <span aria-hidden="true" className={`size-2 shrink-0 rounded-[2px] ${isScript(policy.action) ? "bg-bar-skip" : actionWords(action).fill}`} />
            <span className="truncate">{label}</span>
            {!isScript(policy.action) && <code className="font-mono text-xs text-soft">{action}</code>}
            <Star action={action} situation={row.situation} />
          </button>
        </td>
        <td className="text-soft">{policy.postAction ? t`script` : "\u2013"}</td>
        <td className="pr-0! pl-2!">
          {position === 0 && (
            <IconButton
              icon="plus"
              label={t`Add a policy for ${row.situation}`}
              onClick={(event) => {
                event.stopPropagation();
                onAdd();
              }}
            />
          )}
        </td>
      </tr>
    );
  });
}

/** Filled for the default action, hollow for one that makes sense, nothing for the rest. */
function Star({ action, situation }: { action: string; situation: string }) {
  const words = situationWords(situation);
  if (!words) return null;
  const filled = words.standard === action;
  if (!filled && !words.permitted.includes(action)) return null;
  return (
    <span role="img" aria-label={filled ? t`default` : t`permitted`} title={filled ? t`The default action` : t`Makes sense here`} className={filled ? "text-accent" : "text-soft"}>
      {filled ? "\u2605" : "\u2606"}
    </span>
  );
}

/** One policy, opened to the side. */
function PolicyPanel({ policy, stored, siblings, index, onChange, onMove, onRemove, onClose }: {
  policy: Policy;
  stored: boolean;
  siblings: SituationPolicies | undefined;
  index: number;
  onChange: (key: string, change: (policy: Policy) => Policy) => void;
  onMove: (to: number) => void;
  onRemove: () => void;
  onClose: () => void;
}) {
  const { source } = useEditor();
  const errors = useErrors(`policy ${policy.situation}`);
  const group = useId();
  const words = situationWords(policy.situation);
  const scripted = isScript(policy.action);
  const known = words ? [words.standard, ...words.permitted] : [];
  const current = isScript(policy.action) ? "" : policy.action.toUpperCase();
  const others = Object.keys(ACTION_HELP).filter((action) => !known.includes(action));
  const position = siblings?.policies.findIndex((sibling) => sibling.index === index) ?? -1;
  const before = siblings?.policies[position - 1]?.index;
  const after = siblings?.policies[position + 1]?.index;
  return (
    <SidePanel label={t`Policy for ${policy.situation}`} onClose={onClose}>
      <div className="flex items-center gap-1">
        <h2 className="min-w-0 flex-1 truncate font-mono font-semibold">{policy.situation}</h2>
        {before !== undefined && <IconButton icon="up" label={t`Move up`} onClick={() => onMove(before)} />}
        {after !== undefined && <IconButton icon="down" label={t`Move down`} onClick={() => onMove(after)} />}
        <IconButton icon="close" label={t`Close policy`} onClick={onClose} />
      </div>
      <p className="text-soft">{words?.meaning}.</p>
      {!stored && <p className="text-soft">{t`The mapping has no policy for it, so the default counts.`}</p>}
      <ConditionField label={t`When`} none={t`Always`} value={policy.condition} variable="object" attributes={source.suggestions} variables={["object", "linkQualifier"]} errors={policy.condition === undefined ? [] : errors} onChange={(value) => onChange("condition", (old) => withKey(old, "condition", value))} />
      <fieldset className="flex flex-col gap-1 border-t border-line pt-3">
        <legend className="float-left mb-1 font-medium">{t`Action`}</legend>
        <div className="clear-both flex flex-col gap-1">
          {[...known, ...(others.includes(current) ? [current] : [])].map((action) => (
            <label key={action} className="flex items-baseline gap-2">
              <input type="radio" name={group} className="relative top-0.5 size-3.5 shrink-0 accent-accent-fill" checked={!scripted && current === action} onChange={() => onChange("action", (old) => ({ ...old, action }))} />
              <span>
                <code className="font-mono text-sm">{action}</code> <Star action={action} situation={policy.situation} />
                <span className="block text-sm text-soft">{ACTION_HELP[action]}</span>
              </span>
            </label>
          ))}
          <label className="flex items-baseline gap-2">
            <input type="radio" name={group} className="relative top-0.5 size-3.5 shrink-0 accent-accent-fill" checked={scripted} onChange={() => onChange("action", (old) => ({ ...old, action: { type: "text/javascript", source: `"${current || "IGNORE"}"` } }))} />
            <span>{t`What a script says`}</span>
          </label>
        </div>
        {!scripted && (
          <Field label={t`Another action`} help={t`Possible, though it seldom makes sense here.`}>
            {(props) => (
              <select className="field" value={others.includes(current) ? current : ""} onChange={(event) => event.target.value && onChange("action", (old) => ({ ...old, action: event.target.value }))} {...props}>
                <option value="">{"\u2013"}</option>
                {others.map((action) => (
                  <option key={action}>{action}</option>
                ))}
              </select>
            )}
          </Field>
        )}
      </fieldset>
      {isScript(policy.action) && <ScriptField label={t`Action script`} value={policy.action} variables={["source", "target", "sourceAction", "linkQualifier", "recon"]} errors={errors} help={t`Gives the name of an action.`} lines={4} onChange={(action) => onChange(t`action script`, (old) => ({ ...old, action }))} />}
      <OnComplete policy={policy} errors={errors} onChange={onChange} />
      {stored && (
        <div>
          <Button icon="trash" onClick={onRemove}>
            {t`Remove policy`}
          </Button>
        </div>
      )}
    </SidePanel>
  );
}

function OnComplete({ policy, errors, onChange }: { policy: Policy; errors: string[]; onChange: (key: string, change: (policy: Policy) => Policy) => void }) {
  return (
    <div className="flex flex-col gap-2 border-t border-line pt-3">
      <SegmentedChoice
        label={t`On complete`}
        value={policy.postAction ? "script" : "none"}
        options={[
          { value: "none", label: t`Nothing` },
          { value: "script", label: t`Script` },
        ]}
        onChange={(kind) => onChange(t`on complete`, (old) => withKey(old, "postAction", kind === "script" ? { type: "text/javascript", source: "" } : undefined))}
      />
      {policy.postAction && <ScriptField label={t`On complete: script`} value={policy.postAction} variables={["source", "target", "action", "sourceAction", "linkQualifier", "reconId", "situation", "recon"]} errors={errors} help={t`Runs after the action.`} lines={4} onChange={(next) => onChange(t`on complete script`, (old) => ({ ...old, postAction: next }))} />}
    </div>
  );
}

const RECORD = ["source", "target", "oldTarget", "situation", "linkQualifier", "sourceId", "targetId", "mappingConfig", "context"];
const RUN = ["source", "target", "global", "mappingConfig", "context"];

const HOOKS: { name: string; when: string; variables: string[]; start: string }[] = [
  { name: "onCreate", when: t`before a target is created; may set attributes of target`, variables: RECORD, start: "target.description = 'made by ' + mappingConfig.name;" },
  { name: "onUpdate", when: t`before a target is updated; may set attributes of target`, variables: RECORD, start: "" },
  { name: "onDelete", when: t`before a target is deleted; may refuse by throwing`, variables: RECORD, start: "" },
  { name: "onLink", when: t`before a link is made`, variables: RECORD, start: "" },
  { name: "onUnlink", when: t`before a link is removed`, variables: RECORD, start: "" },
  { name: "onRecon", when: t`when a run begins`, variables: RUN, start: "" },
  { name: "result", when: t`when a run has ended, with its counts in global`, variables: RUN, start: "" },
  { name: "defaultMapping", when: t`after the properties; may set attributes of target`, variables: RECORD, start: "" },
  { name: "postMapping", when: t`when the target is worked out; the last that may set attributes of target`, variables: RECORD, start: "" },
];

function Scripts() {
  return (
    <ul aria-label={t`Scripts`} className="flex flex-col border-t border-line">
      {HOOKS.map((hook) => (
        <Hook key={hook.name} {...hook} />
      ))}
    </ul>
  );
}

function Hook({ name, when, variables, start }: (typeof HOOKS)[number]): ReactNode {
  const { doc, draft } = useEditor();
  const errors = useErrors(name);
  const value = doc[name];
  const there = isScript(value);
  const [open, setOpen] = useState(false);
  const put = (next: Script | undefined) => draft.edit(`hook ${name}`, name, (old) => withKey(old, name, next));
  const shown = there && (open || errors.length > 0);
  return (
    <li className="border-b border-line py-1.5">
      <div className="flex items-center gap-3">
        <code className="w-28 shrink-0 font-mono text-sm">{name}</code>
        <span className="min-w-0 flex-1 truncate text-soft" title={when}>
          {when}
        </span>
        {there ? (
          <>
            <Button look="quiet" aria-expanded={shown} aria-label={`${shown ? t`Hide` : t`Show`} ${name}`} onClick={() => setOpen(!shown)}>
              {shown ? t`Hide` : t`Show`}
            </Button>
            <IconButton
              icon="close"
              label={t`Remove ${name}`}
              onClick={() => {
                put(undefined);
                draft.seal();
                setOpen(false);
              }}
            />
          </>
        ) : (
          <Button
            look="quiet"
            icon="plus"
            aria-label={t`Add ${name}`}
            onClick={() => {
              put({ type: "text/javascript", source: start });
              draft.seal();
              setOpen(true);
            }}
          >
            {t`Add`}
          </Button>
        )}
      </div>
      {shown && (
        <div className="pt-1 pb-2">
          <ScriptField label={name} value={value} variables={variables} errors={errors} onChange={put} />
        </div>
      )}
    </li>
  );
}

