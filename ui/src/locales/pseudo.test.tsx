import { i18n } from "@lingui/core";
import { screen, waitFor } from "@testing-library/react";
import { beforeAll, expect, test } from "vitest";

import { compiled } from "./catalogue";
import catalogue from "./en/messages.po?raw";
import { readPo } from "./po";
import { pseudo } from "./pseudo";
import { sentence } from "../words/error";

let openWindow: typeof import("../testing/window").openWindow;

// Some texts are made as their file is read, so the language is there before the program is.
beforeAll(async () => {
  i18n.load(i18n.locale, compiled(readPo(catalogue), pseudo));
  ({ openWindow } = await import("../testing/window"));
}, 120_000);

const SHOWN = ["aria-label", "aria-description", "aria-valuetext", "title", "placeholder", "alt"];
/** Names, addresses, values that mean something to the engine; days and months come from the computer's own dates. */
const KEPT =
  /^(Concord|HubSpot|Salesforce|SCIM|CSV|JSON|OpenAPI|OAuth|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun|active|inactive|integer|array|relationship|generic|wso|okta|entra|on[A-Z]\w+|result|defaultMapping|postMapping|\S*[/@]\S*)$/;

test.each([
  "/",
  "/connectors",
  "/connectors/new",
  "/connectors/new?system=hubspot",
  "/connectors/new?system=salesforce",
  "/connectors/new?system=scim",
  "/connectors/hubspotEu",
  "/connectors/hubspotEu?tab=types",
  "/connectors/hubspotEu?tab=data",
  "/connectors/hubspotEu?tab=advanced",
  "/mappings",
  "/mappings/new",
  "/mappings/systemHubspotContact_managedUser",
  "/mappings/systemHubspotContact_managedUser?tab=association",
  "/mappings/systemHubspotContact_managedUser?tab=behaviors",
  "/mappings/systemHubspotContact_managedUser?tab=scheduling",
  "/mappings/systemHubspotContact_managedUser?tab=advanced",
  "/mappings/systemHubspotContact_managedUser?tab=runs",
  "/runs",
  "/runs/run-3",
  "/schedules",
  "/users",
  "/users/new",
  "/types",
  "/types/user",
  "/types/new",
  "/inbox",
  "/queue",
  "/audit",
  "/settings",
])("%s says nothing that is not in the catalogue", async (address) => {
  const data = new Set<string>();
  openWindow(address, (inner) => async (name, request) => {
    const answer = await inner(name, request);
    collect(answer, data);
    return answer;
  });
  await screen.findByRole("heading", { level: 1 });
  await waitFor(() => expect(document.querySelector(".animate-pulse-soft")).toBeNull());
  const told = [...data].join("\n").toLowerCase();
  const isData = (words: string) => KEPT.test(words) || told.includes(words.toLowerCase()) || words.split(" ").some((_, at, all) => data.has(all.slice(0, at).join(" ")) && data.has(all.slice(at).join(" ")));
  const foreign = texts().filter((text) => !wordsOf(text).every(isData));
  expect([...new Set(foreign)]).toEqual([]);
});

test("a text that did not come from the catalogue is noticed", () => {
  const line = document.createElement("p");
  const number = document.createElement("b");
  number.title = "forgotten words";
  number.append("12");
  line.append(pseudo("Read <0>this</0>"), number);
  document.body.replaceChildren(line);
  expect(texts().flatMap(wordsOf)).toEqual(["forgotten words"]);
});

/** Everything that a screen shows and reads out. */
function texts(): string[] {
  const found: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest("code, pre, kbd, style, script, .cm-editor")) found.push(walker.currentNode.nodeValue ?? "");
  for (const name of SHOWN) for (const element of document.body.querySelectorAll(`[${name}]`)) found.push(element.getAttribute(name) ?? "");
  return found;
}

/** What stands in plain letters, piece by piece: values within a message are parted by the message's words. */
function wordsOf(text: string): string[] {
  return text
    .split(/[\uff21-\uff5a\u2013\u2190-\u2192\u00b7]+|[,;:]\s+|[()"\n]/u)
    .map((words) => words.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, ""))
    .filter((words) => /\p{L}{2}/u.test(words));
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value === "string") into.add(value).add(sentence(value));
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      into.add(key);
      collect(item, into);
    }
  }
}
