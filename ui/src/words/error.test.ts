import { expect, test } from "vitest";

import type { ErrorCode } from "../backend/bindings/ErrorCode";
import { errorAtSetting, errorWords, saidBy, sentence } from "./error";

const ID = "01a2068b-52a1-7cc3-9f5e-3d1f0e4a9b77";

test.each([
  ["HubSpot answered 503: try again later", "HubSpot answered 503: try again later."],
  ["the data folder is full", "The data folder is full."],
  ["connector `crm` is used by a, b; remove them first", "Connector \u201ccrm\u201d is used by a, b; remove them first."],
  ["configurationProperties.loginUrl is not an address", "configurationProperties.loginUrl is not an address."],
  ["mailNickname has no value", "mailNickname has no value."],
  ["There is a mapping m already. Choose another name.", "There is a mapping m already. Choose another name."],
  ["no value fits (see the list.)", "No value fits (see the list.)"],
  ["Add the option in HubSpot or map the value.; correct `country` in the source record", "Add the option in HubSpot or map the value. Correct \u201ccountry\u201d in the source record."],
  ["the vault is locked: it is protected by a passphrase", "The vault is locked: it is protected by a passphrase."],
  ["", ""],
])("%s", (text, said) => expect(sentence(text)).toBe(said));

test.each<[ErrorCode, string, string]>([
  ["notFound", "there is no run `r1`", "This run is not there any more. The runs that are there stand under Runs."],
  ["notFound", "no such mapping: m", "There is no mapping m. It may have been renamed or removed; those that are there stand under Mappings."],
  ["notFound", "there is no connector `crm`", "There is no connector crm. It may have been renamed or removed; those that are there stand under Connectors."],
  ["notFound", "no such schedule: nightly", "There is no schedule nightly. It may have been removed; those that are there stand under Schedules."],
  ["notFound", "there is no queue row `17`", "This change is not in the queue any more: it was delivered or discarded meanwhile."],
  ["notFound", `there is no user \`${ID}\``, "This object was deleted meanwhile. Go back to the list to see those that are there."],
  ["notFound", "there is no record `7` in system/crm/contact; choose another", "There is no record \u201c7\u201d in system/crm/contact; choose another."],
  ["stale", `user \`${ID}\` has changed meanwhile (revision 2 now, 1 expected); load it again and repeat the change`, "This has changed meanwhile, here or elsewhere, so nothing was saved. Reload to see what is stored now."],
  ["stale", `user \`${ID}\` has changed meanwhile (it is not there, 1 expected); load it again and repeat the change`, "This object was deleted meanwhile. Go back to the list to see those that are there."],
  ["conflict", "schedule `nightly` exists already; choose another name", "Schedule \u201cnightly\u201d exists already; choose another name."],
])("%s: %s", (code, message, said) => expect(errorWords({ code, message })).toBe(said));

test("a connector whose name stands beside what it says is not named again", () => {
  expect(saidBy("connector `crm`: HubSpot does not accept the token")).toBe("HubSpot does not accept the token.");
  expect(saidBy("connector `crm` is disabled")).toBe("Connector \u201ccrm\u201d is disabled.");
});

test("beneath its field a setting needs no name", () => {
  const error = { code: "invalid" as const, message: "connector `crm`: configurationProperties.loginUrl is not an address (relative URL without a base)" };
  expect(errorAtSetting(error)).toBe("This is not an address.");
  const plain = { code: "invalid" as const, message: "connector `crm`: configurationProperties.apiBaseUrl uses http, which sends tokens in clear; use https (http is accepted for this computer only: localhost, 127.0.0.1, [::1])" };
  expect(errorAtSetting(plain)).toBe("This uses http, which sends tokens in clear; use https (http is accepted for this computer only: localhost, 127.0.0.1, [::1]).");
  expect(saidBy(plain.message)).toMatch(/^The setting apiBaseUrl uses http, /);
  expect(errorAtSetting({ code: "conflict", message: "there is a connector `crm` already" })).toBe("There is a connector \u201ccrm\u201d already.");
});
