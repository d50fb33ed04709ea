import type { Page } from "@playwright/test";

import { expect, open, reconcile, sample, test } from "../support/test";

/** The window as its common size leaves it where everything is drawn at twice the size. */
test.use({ viewport: { width: 640, height: 420 }, hostOptions: { records: 5 } });

/** Texts that run over one another or out of the window where nothing scrolls. */
function unreadable(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const scrolls = (part: Element) => {
      for (let around = part.parentElement; around; around = around.parentElement) {
        if (/auto|scroll/.test(getComputedStyle(around).overflowX) && around.scrollWidth > around.clientWidth) return true;
      }
      return false;
    };
    /** What is drawn of it: cut to every part around it that lets nothing out; where one scrolls sideways the rest is a push away. */
    const drawn = (part: Element) => {
      let { left, right, top, bottom } = part.getBoundingClientRect();
      for (let around: Element | null = part; around; around = around.parentElement) {
        const { overflowX } = getComputedStyle(around);
        if (overflowX === "visible") continue;
        const frame = around.getBoundingClientRect();
        top = Math.max(top, frame.top);
        bottom = Math.min(bottom, frame.bottom);
        if (/auto|scroll/.test(overflowX) && around.scrollWidth > around.clientWidth) break;
        left = Math.max(left, frame.left);
        right = Math.min(right, frame.right);
      }
      return { left, right, top, bottom };
    };
    const parts = [...document.querySelectorAll("main :is(a, button, p, h1, h2, h3, th, td, li, span, div, code)")]
      .filter((part) => [...part.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()) && part.getClientRects().length > 0 && !part.closest(".sr-only, svg"));
    const texts = parts
      .map((part) => ({ said: part.textContent.trim().slice(0, 40), part, place: drawn(part) }))
      .filter(({ place }) => place.bottom - place.top > 4);
    const out = texts.filter(({ part, place }) => place.right > innerWidth + 1 && !scrolls(part)).map(({ said }) => `out of the window: ${said}`);
    const none = texts.filter(({ place, said }) => said.length > 1 && place.right - place.left < 12).map(({ said }) => `nothing is left of: ${said}`);
    const over = texts.flatMap((one, index) =>
      texts.slice(index + 1).flatMap((other) => {
        if (one.part.contains(other.part) || other.part.contains(one.part)) return [];
        const wide = Math.min(one.place.right, other.place.right) - Math.max(one.place.left, other.place.left);
        const high = Math.min(one.place.bottom, other.place.bottom) - Math.max(one.place.top, other.place.top);
        return wide > 2 && high > 4 ? [`over one another: ${one.said} / ${other.said}`] : [];
      }),
    );
    return [...out, ...none, ...over];
  });
}

test("at twice the size every list can still be read", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  for (const place of ["/connectors", "/connectors/new", "/mappings", "/types/user", "/types/new", "/"]) {
    await open(page, host, place);
    await expect(page.locator(".animate-pulse-soft")).toHaveCount(0);
    expect(await unreadable(page), place).toEqual([]);
  }
});
