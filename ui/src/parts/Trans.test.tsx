import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { Trans } from "@lingui/react/macro";
import { render } from "@testing-library/react";
import { expect, test, vi } from "vitest";

test.each(["<script>alert(1)</script>", "</script>", "<0>bold</0>", "<0/>", "<img src=x>", "a < b > c", "<1><2/></1>", ""])("a text from outside is no element of the message around it: %s", (name) => {
  const complained = vi.spyOn(console, "error");
  const { container } = render(
    <I18nProvider i18n={i18n}>
      <p><Trans>The change of <bdi>{name}</bdi> by {name} is <b>gone</b>.</Trans></p>
    </I18nProvider>,
  );
  expect(container.textContent).toBe(`The change of ${name} by ${name} is gone.`);
  expect([...container.querySelectorAll("p *")].map((part) => part.tagName)).toEqual(["BDI", "B"]);
  expect(complained).not.toHaveBeenCalled();
});
