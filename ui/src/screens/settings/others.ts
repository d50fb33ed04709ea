/** A part that others wrote, as `docs/licences.json` tells it. */
export interface Part {
  name: string;
  version: string;
  /** A Rust crate or an npm package. */
  kind: "crate" | "npm";
  /** In SPDX's words. */
  licence: string;
  home: string;
  /** The places of its licences in the list of texts. */
  texts: number[];
}

export interface Others {
  parts: Part[];
  texts: string[];
}

/** The file is a chunk of its own, because the first screen has no use for it. */
export async function readOthers(): Promise<Others> {
  const file = await import("../../../../docs/licences.json?raw");
  const { parts, texts } = JSON.parse(file.default) as { parts: (Part & { in: string })[]; texts: string[] };
  return { parts: parts.filter((part) => part.in !== "command"), texts };
}

/** The parts whose name, version or licence holds what was typed. */
export function matching(parts: Part[], search: string): Part[] {
  const wanted = search.trim().toLowerCase();
  return parts.filter(({ name, version, licence }) => `${name} ${version} ${licence}`.toLowerCase().includes(wanted));
}
