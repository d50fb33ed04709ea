import { plural, select, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";

import type { AttributeStats } from "../../../backend/bindings/AttributeStats";
import type { ResourceStats } from "../../../backend/bindings/ResourceStats";
import { ask } from "../../../backend/query";
import type { End } from "./EditorContext";

export interface Stats {
  of: (attribute: string) => AttributeStats | undefined;
  looked: number;
  /** Whether there are more records than were looked at. */
  more: boolean;
}

const KEPT = 300_000;

/** What the values of the mapped attributes look like in a sample of the resource; nothing until it has been read. */
export function useStats(end: End, mapped: string[]): Stats | null {
  const names = new Set(end.attributes.map(({ name }) => name));
  // All at once: the sample is read once for all of them.
  const attributes = mapped.filter((name) => names.has(name));
  const stats = useQuery({ ...ask("resource_stats", { resource: end.path, attributes }), enabled: attributes.length > 0, staleTime: KEPT, refetchOnWindowFocus: false, placeholderData: (old?: ResourceStats) => old });
  if (!stats.data) return null;
  const { attributes: found, looked, more } = stats.data;
  return { of: (attribute) => found.find(({ name }) => name === attribute), looked, more };
}

/** How many of the records have a value, in percent. */
export function filledShare(stats: AttributeStats, looked: number): number {
  return looked === 0 ? 0 : Math.round((stats.filled / looked) * 100);
}

/** The same in a sentence, with how different the values are. */
export function filledWords(stats: AttributeStats, looked: number, more: boolean): string {
  if (looked === 0) return t`No record yet.`;
  const share = filledShare(stats, looked);
  return t`${share}% of ${select(more ? "some" : "all", { some: "the first ", other: "" })}${plural(looked, { one: "# record", other: "# records" })} have a value; ${plural(stats.distinct, { one: "# different one", other: "# different ones" })}, at most ${plural(stats.longest, { one: "# character", other: "# characters" })}.`;
}
