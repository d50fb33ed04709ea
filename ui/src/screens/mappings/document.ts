import { t } from "@lingui/core/macro";

export type Document = { configs: Record<string, unknown>[] } | { problem: string };

const SHAPE = '{ "name": \u2026, "source": \u2026, "target": \u2026, "properties": [\u2026], "policies": [\u2026] }';

/** Reads a mapping, or a whole sync.json, as it was typed or pasted. */
export function readDocument(text: string): Document {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return { problem: t`This is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}.` };
  }
  const list = isObject(value) && Array.isArray(value["mappings"]) ? value["mappings"] : Array.isArray(value) ? value : [value];
  const configs = list.filter(isObject);
  if (list.length === 0 || configs.length !== list.length) {
    return { problem: t`A mapping is an object: ${SHAPE}.` };
  }
  for (const config of configs) {
    const missing = ["source", "target"].filter((key) => typeof config[key] !== "string" || config[key] === "");
    if (missing.length > 0) {
      const name = typeof config["name"] === "string" ? t`Mapping ${config["name"]}` : t`The mapping`;
      const [first = "", second] = missing;
      return { problem: second === undefined ? t`${name} has no ${first}. Both are resource paths, for example "system/hubspot/contact" and "managed/user".` : t`${name} has no ${first} and no ${second}. Both are resource paths, for example "system/hubspot/contact" and "managed/user".` };
    }
  }
  return { configs };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
