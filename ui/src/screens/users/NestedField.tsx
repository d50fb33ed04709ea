import { plural, t } from "@lingui/core/macro";
import { type ReactNode, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";

import { announce } from "../../parts/Announcer";
import { Button, IconButton } from "../../parts/Button";
import { Field } from "../../parts/Field";
import { cellText } from "../../words/value";
import { AttributeField } from "./AttributeField";
import type { Attribute } from "./kind";
import { itemOf, objectOr, parsed, type Shape, withPart } from "./nested";

/** Every policy that a path did not meet: `address/city`. */
export type ErrorsOf = (path: string) => string[];

interface Nested {
  attribute: Attribute;
  path: string;
  value: unknown;
  errors: ErrorsOf;
  onChange: (value: unknown) => void;
}

/** An attribute that holds more than one value, with what its schema says is in it. */
export function NestedField({ shape, ...rest }: Nested & { shape: Shape }) {
  switch (shape.kind) {
    case "group":
      return <Group attributes={shape.attributes} {...rest} />;
    case "list":
      return <List item={shape.item} {...rest} />;
    case "text":
      return <Text root={shape.root} {...rest} />;
  }
}

function Frame({ attribute, errors, children }: { attribute: Attribute; errors: string[]; children: ReactNode }) {
  const id = useId();
  return (
    <fieldset className="col-span-full min-w-0 rounded-md border border-line px-3 pt-1 pb-3" aria-describedby={errors.length > 0 ? id : undefined}>
      <legend className="px-1 text-sm text-soft">
        {attribute.title}
        {attribute.required && (
          <span className="ml-0.5 text-needs" aria-hidden="true" title={t`Required`}>
            *
          </span>
        )}
      </legend>
      {children}
      {errors.length > 0 && (
        <ul id={id} className="mt-2 text-sm text-needs">
          {errors.map((error) => (
            <li key={error}>{error}</li>
          ))}
        </ul>
      )}
    </fieldset>
  );
}

/** The properties of an object, each as a field. */
function Group({ attribute, attributes, path, value, errors, onChange }: Nested & { attributes: Attribute[] }) {
  const group = objectOr(value);
  return (
    <Frame attribute={attribute} errors={errors(path)}>
      <div className="grid grid-cols-2 items-start gap-x-5 gap-y-3">
        {attributes.map((part) => (
          <AttributeField key={part.name} attribute={part} path={`${path}/${part.name}`} value={group[part.name]} errors={errors} onChange={(next) => onChange(withPart(value, part.name, next))} />
        ))}
      </div>
    </Frame>
  );
}

/** Values one below the other: they are added, removed and put in another order. */
function List({ attribute, item, path, value, errors, onChange }: Nested & { item: "string" | "number" | "boolean" }) {
  const items = Array.isArray(value) ? (value as unknown[]) : value === null || value === undefined || value === "" ? [] : [value];
  const list = useRef<HTMLOListElement>(null);
  const put = (next: unknown[]) => onChange(next.length === 0 ? null : next);
  /** Changes the list, and has the focus there before the next key comes. */
  function putAndFocus(next: unknown[], index: number) {
    flushSync(() => put(next));
    list.current?.querySelectorAll<HTMLElement>("input, select")[index]?.focus();
  }

  function move(from: number, to: number) {
    const next = [...items];
    next.splice(to, 0, ...next.splice(from, 1));
    put(next);
    announce(t`${cellText(items[from])} is number ${to + 1} of ${items.length}`);
  }

  return (
    <Frame attribute={attribute} errors={errors(path)}>
      {items.length === 0 && <p className="text-soft">{t`No value.`}</p>}
      <ol ref={list} className="flex flex-col gap-1.5">
        {items.map((one, index) => {
          const label = t`${attribute.title}, ${index + 1} of ${items.length}`;
          const replace = (next: unknown) => put(items.map((old, at) => (at === index ? next : old)));
          return (
            // An item has no name of its own: its place is what it is.
            // oxlint-disable-next-line react/no-array-index-key
            <li key={index} className="flex items-center gap-1">
              {item === "boolean" ? (
                <select className="field max-w-40" aria-label={label} value={String(one)} onChange={(event) => replace(event.target.value === "true")}>
                  <option value="true">{t`yes`}</option>
                  <option value="false">{t`no`}</option>
                </select>
              ) : (
                <input className="field" type="text" dir="auto" autoComplete="off" spellCheck={false} aria-label={label} inputMode={item === "number" ? "decimal" : undefined} value={cellText(one)} onChange={(event) => replace(itemOf(item, event.target.value))} />
              )}
              <IconButton icon="up" label={t`Move up: ${label}`} disabled={index === 0} onClick={() => move(index, index - 1)} />
              <IconButton icon="down" label={t`Move down: ${label}`} disabled={index === items.length - 1} onClick={() => move(index, index + 1)} />
              <IconButton
                icon="close"
                label={t`Remove: ${label}`}
                onClick={() => {
                  putAndFocus(items.filter((_, at) => at !== index), Math.max(index - 1, 0));
                  announce(plural(items.length - 1, { one: "removed, # value is left", other: "removed, # values are left" }));
                }}
              />
            </li>
          );
        })}
      </ol>
      <div className="mt-2">
        <Button
          icon="plus"
          aria-label={t`Add a value to ${attribute.title}`}
          onClick={() => putAndFocus([...items, item === "boolean" ? true : ""], items.length)}
        >
          {t`Add value`}
        </Button>
      </div>
    </Frame>
  );
}

/** What has no fields of its own is edited as the text that it is stored as. */
function Text({ attribute, root, path, value, errors, onChange }: Nested & { root: "array" | "object" }) {
  // What is being typed is no JSON for a while; it goes where the value goes, so that nothing is saved without it.
  const [typed, setTyped] = useState<string | null>(null);
  const stored = value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const text = typed !== null && JSON.stringify(read(typed, root)) === JSON.stringify(value ?? null) ? typed : stored;
  const found = parsed(text, root);
  const wrong = "wrong" in found ? (found.wrong === "syntax" ? t`This is no JSON yet; it cannot be saved like this.` : root === "array" ? t`This is no list; write it in square brackets.` : t`This is no object; write it in curly brackets.`) : null;
  return (
    <div className="col-span-full">
      <Field label={attribute.title} required={attribute.required} help={root === "array" ? t`A list of objects, edited as JSON text.` : t`An object without declared properties, edited as JSON text.`} errors={wrong ? [wrong] : errors(path)}>
        {(props) => (
          <textarea
            className="field"
            rows={Math.min(Math.max(text.split("\n").length, 3), 12)}
            spellCheck={false}
            dir="ltr"
            value={text}
            onChange={(event) => {
              setTyped(event.target.value);
              onChange(read(event.target.value, root));
            }}
            {...props}
          />
        )}
      </Field>
    </div>
  );
}

/** The value of a text; a text that is none is kept as it is, and the backend refuses it by its type. */
function read(text: string, root: "array" | "object"): unknown {
  const found = parsed(text, root);
  return "wrong" in found ? text : found.value;
}
