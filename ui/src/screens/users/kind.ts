import { plural, t } from "@lingui/core/macro";
import type { NavigateOptions } from "@tanstack/react-router";

import type { ManagedProperty } from "../../backend/bindings/ManagedProperty";
import type { ManagedTypeDetail } from "../../backend/bindings/ManagedTypeDetail";
import { number } from "../../words/numbers";
import type { ListState } from "./listState";
import { objectOr } from "./nested";

/** An attribute of a form or a list. */
export interface Attribute {
  name: string;
  title: string;
  kind: string;
  required: boolean;
  searchable: boolean;
  editable: boolean;
  unique: boolean;
  /** The policies in words. */
  policies: string[];
  /** Its part of the type's document. */
  schema: Record<string, unknown>;
}

/** What the screens of a managed type go by. */
export interface Kind {
  name: string;
  title: string;
  /** How many objects there are. */
  objects: number;
  /** In form order, without what is never shown. */
  attributes: Attribute[];
  /** What goes in and never comes out: passwords and the like. */
  secrets: ManagedProperty[];
}

export function kindOf({ summary, properties, config }: ManagedTypeDetail): Kind {
  const schemas = objectOr(objectOr(config["schema"])["properties"]);
  return {
    name: summary.name,
    title: summary.title || summary.name,
    objects: summary.objects,
    attributes: properties
      .filter(({ viewable, private: hidden, protection }) => viewable && !hidden && protection === null)
      .map(({ name, title, types, required, searchable, unique, computed, policies }) => ({
        name,
        title: title || name,
        kind: types.find((type) => type !== "null") ?? "string",
        required,
        searchable,
        // `userEditable` is about people editing their own profile; an administrator edits everything that is stored.
        editable: !computed,
        unique,
        policies: policies.filter(({ id, checked }) => checked && id !== "required").map(({ words }) => words),
        schema: objectOr(schemas[name]),
      })),
    secrets: properties.filter(({ protection }) => protection !== null),
  };
}

const USER = "user";

/** Where the list of a type is. Users have a place of their own in the sidebar. */
export function listPlace(kind: string, search: ListState = {}): NavigateOptions {
  return kind === USER ? { to: "/users", search } : { to: "/objects/$kind", params: { kind }, search };
}

export function objectPlace(kind: string, id: string, from?: ListState): NavigateOptions {
  const state = from ? { state: { listState: from } } : {};
  return kind === USER ? { to: "/users/$id", params: { id }, ...state } : { to: "/objects/$kind/$id", params: { kind, id }, ...state };
}

export function newPlace(kind: string): NavigateOptions {
  return kind === USER ? { to: "/users/new" } : { to: "/objects/$kind/new", params: { kind } };
}

/** "3 users", "1 organization": a type's objects in the middle of a sentence; with `least` there may be more: "1,000+ users". */
export function objectsCount(kind: Kind, count: number, least = false): string {
  if (kind.name === USER) return least ? t`${number(count)}+ users` : plural(count, { one: "# user", other: "# users" });
  return t({ message: `${number(count) + (least ? "+" : "")} ${objectsWord(kind, count !== 1)}`, comment: "A number of objects of a type that somebody made: 3 organizations" });
}

/** "users", "organization": the same without their number. */
export function objectsWord(kind: Kind, many: boolean): string {
  if (kind.name === USER) return many ? t`users` : t`user`;
  const word = kind.title.toLowerCase();
  return many ? t({ message: `${word}s`, comment: "Several objects of a type that somebody made: organizations" }) : word;
}
