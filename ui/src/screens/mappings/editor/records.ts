import type { SampleRecord } from "../../../backend/bindings/SampleRecord";
import { ADDRESSES } from "../../../words/attributes";

/** What tells records of the same name apart: an address, else the id. */
export function addressOf({ attributes, id, title }: SampleRecord): string {
  for (const name of ADDRESSES) {
    const value = attributes[name];
    if (typeof value === "string" && value !== "" && value !== title) return value;
  }
  return id;
}
