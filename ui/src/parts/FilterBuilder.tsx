import { t } from "@lingui/core/macro";
import { useLayoutEffect, useRef, useState } from "react";

import { Button, IconButton } from "./Button";
import { Field } from "./Field";
import { type Comparison, OPERATOR_WORDS, OPERATORS, type Operator, readFilter, writeFilter } from "./filter";
import { Suggest, type Suggestion } from "./Suggest";

/** A query filter, as a list of comparisons where it is one, else as its text. */
export function FilterBuilder({ label, value, variable, attributes, errors = [], onChange, onLeave }: {
  label: string;
  value: string;
  /** What a pointer of this filter begins with, such as `source`; empty where it begins with the attribute. */
  variable: string;
  attributes: Suggestion[];
  errors?: string[];
  onChange: (value: string) => void;
  /** A field was left. */
  onLeave?: () => void;
}) {
  const [asText, setAsText] = useState(false);
  // A row without an attribute is no filter yet, so it stands here and not in the document.
  const [begun, setBegun] = useState<Comparison | null>(null);
  const list = useRef<HTMLFieldSetElement>(null);
  const next = useRef<number | null>(null);
  // The button that was pressed goes away; the focus goes to what comes next.
  useLayoutEffect(() => {
    if (next.current === null) return;
    const removes = [...(list.current?.querySelectorAll<HTMLElement>("[data-remove]") ?? [])];
    const to = removes[next.current] ?? removes.at(-1) ?? list.current?.querySelector<HTMLElement>("[data-add]");
    next.current = null;
    to?.focus();
  });
  const group = readFilter(value, variable);
  if (asText || !group) {
    return (
      <Field
        label={t`${label} as text`}
        errors={errors}
        help={
          group ? (
            <Button look="quiet" className="-ml-2.5" onClick={() => setAsText(false)}>
              {t`Show as a list`}
            </Button>
          ) : (
            t`More than the list of comparisons can show; it stays as it is written.`
          )
        }
      >
        {(props) => <textarea className="field" rows={2} spellCheck={false} value={value} onChange={(event) => onChange(event.target.value)} onBlur={onLeave} {...props} />}
      </Field>
    );
  }
  const { join, parts } = group;
  const rows = begun ? [...parts, begun] : parts;
  const write = (next: Comparison[], joined = join) => onChange(writeFilter({ join: joined, parts: next }, variable));

  function change(index: number, comparison: Comparison) {
    if (index < parts.length) {
      // An attribute's name is deleted before another is typed; until then the row waits.
      if (comparison.attribute === "") {
        setBegun(comparison);
        write(parts.toSpliced(index, 1));
      } else write(parts.with(index, comparison));
    } else if (comparison.attribute === "") setBegun(comparison);
    else {
      setBegun(null);
      write([...parts, comparison]);
    }
  }

  function remove(index: number) {
    next.current = index;
    if (index < parts.length) write(parts.toSpliced(index, 1));
    else setBegun(null);
  }

  return (
    <fieldset ref={list} className="flex min-w-0 flex-col gap-1.5">
      <legend className="sr-only">{label}</legend>
      {rows.length > 1 && (
        <label className="flex items-center gap-2 text-soft">
          <select className="field w-auto!" value={join} onChange={(event) => write(parts, event.target.value === "or" ? "or" : "and")}>
            <option value="and">{t`All`}</option>
            <option value="or">{t`Any`}</option>
          </select>
          {t`of these hold`}
        </label>
      )}
      {rows.map((part, index) => (
        // Rows have no name of their own; their place is what they are.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="flex items-center gap-1.5">
          <div className="min-w-0 flex-1">
            <Suggest hideLabel label={t`Attribute ${index + 1}`} placeholder={t`attribute`} value={part.attribute} options={attributes} onChange={(attribute) => change(index, { ...part, attribute: attribute.trim() })} onLeave={onLeave} />
          </div>
          <select className="field w-29! shrink-0" aria-label={t`Comparison ${index + 1}`} value={part.operator} onChange={(event) => change(index, { ...part, operator: event.target.value as Operator })}>
            {OPERATORS.map((operator) => (
              <option key={operator} value={operator}>
                {OPERATOR_WORDS[operator]}
              </option>
            ))}
          </select>
          {part.operator !== "pr" && part.operator !== "absent" && (
            <input className="field min-w-0 flex-1" aria-label={t`Value ${index + 1}`} placeholder={t`value`} value={part.value} onChange={(event) => change(index, { ...part, value: event.target.value })} onBlur={onLeave} />
          )}
          <IconButton icon="close" data-remove="" label={t`Remove comparison ${index + 1}`} onClick={() => remove(index)} />
        </div>
      ))}
      {errors.length > 0 && (
        <p role="alert" className="text-sm text-needs">
          {errors.join(" ")}
        </p>
      )}
      <div className="-ml-2.5 flex flex-wrap items-center">
        <Button look="quiet" icon="plus" data-add="" disabled={begun !== null} onClick={() => setBegun({ attribute: "", operator: "pr", value: "" })}>
          {t`Add comparison`}
        </Button>
        <Button look="quiet" onClick={() => setAsText(true)}>
          {t`Show as text`}
        </Button>
      </div>
    </fieldset>
  );
}
