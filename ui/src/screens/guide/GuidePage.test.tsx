import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";
import { GUIDE, pageOfLink } from "./pages";

test("every page has a title and leads somewhere", () => {
  for (const page of GUIDE) {
    expect(page.title, page.name).toMatch(/^[A-Z]/);
    for (const [, address] of page.text.matchAll(/\]\(([^)]+)\)/g)) {
      expect(pageOfLink(address) ?? address, page.name).toMatch(/^[a-z0-9-]+$|^\.\.\/\.\.\/README\.md/);
    }
  }
  expect(pageOfLink("https://example.org/x.md")).toBeUndefined();
});

test("the guide is read page by page", async () => {
  openWindow("/guide");
  await screen.findByRole("heading", { level: 1, name: "First steps" });
  const article = screen.getByRole("article");
  expect(within(article).getAllByText(/concord connector add hubspot\.json/)).not.toHaveLength(0);
  await userEvent.click(within(article).getByRole("link", { name: "what keeps you safe" }));
  await screen.findByRole("heading", { level: 1, name: "What keeps you safe" });
  expect(within(screen.getByRole("navigation", { name: "Guide" })).getByRole("link", { current: "page" }).textContent).toBe("What keeps you safe");
});

test("commands are copied without their prompt", async () => {
  const user = userEvent.setup();
  openWindow("/guide/troubleshooting");
  await user.click((await screen.findAllByRole("button", { name: "Copy" }))[0]!);
  const copied = await navigator.clipboard.readText();
  expect(copied).toContain("concord run list");
  expect(copied).not.toContain("$");
});

test("a page that is not there leads back", async () => {
  openWindow("/guide/nothing");
  await screen.findByText("The guide has no such page.");
});
