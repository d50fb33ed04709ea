import { t } from "@lingui/core/macro";

import type { SampleRecord } from "../../../backend/bindings/SampleRecord";

/** What tells records of the same name apart: an address, else the id. */
export function addressOf({ attributes, id, title }: SampleRecord): string {
  for (const name of ["mail", "email", t`Email`, "userName", t`Username`, "domain"]) {
    const value = attributes[name];
    if (typeof value === "string" && value !== "" && value !== title) return value;
  }
  return id;
}
