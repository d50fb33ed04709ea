import type { Trial } from "../../backend/bindings/Trial";

/** One attribute of the object and the one of the remote record that a mapping ties it to. */
export interface Pair {
  /** The object's attribute, and what it holds. */
  own: string;
  ownValue: unknown;
  /** The remote record's attribute, and what it holds. */
  remote: string;
  remoteValue: unknown;
  /** What the mapping would write; absent where both sides agree. */
  wanted?: unknown;
  /** It stands as it is although both differ. */
  kept: boolean;
}

const plain = (pointer: string | undefined) => (pointer ?? "").replace(/^\//, "");

/** The values of both sides, attribute by attribute, as a mapping that was tried with them sees them. */
export function pairsOf(trial: Trial, config: Record<string, unknown>, toOwn: boolean): Pair[] {
  const properties = Array.isArray(config["properties"]) ? (config["properties"] as { source?: string }[]) : [];
  return trial.properties.flatMap((row, index) => {
    const source = plain(properties[index]?.source);
    const target = plain(row.target);
    const differs = row.outcome === "written" || row.outcome === "cleared";
    const kept = row.outcome === "kept" || row.outcome === "asked";
    const wanted = differs ? { wanted: row.after } : {};
    return [toOwn ? { own: target, ownValue: row.before, remote: source, remoteValue: row.source, kept, ...wanted } : { own: source, ownValue: row.source, remote: target, remoteValue: row.before, kept, ...wanted }];
  });
}
