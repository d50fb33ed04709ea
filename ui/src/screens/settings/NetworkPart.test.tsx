import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";

test("network settings that were typed are not lost without a question", async () => {
  const user = userEvent.setup();
  openWindow("/settings?part=network");
  await user.type(await screen.findByRole("textbox", { name: "Proxy host" }), "proxy.example.org");
  const leave = () => user.click(within(screen.getByRole("navigation", { name: "Main" })).getByRole("link", { name: "Dashboard" }));
  await leave();
  await user.click(within(await screen.findByRole("dialog", { name: "Leave without saving 1 change?" })).getByRole("button", { name: "Cancel" }));
  expect((screen.getByRole("textbox", { name: "Proxy host" }) as HTMLInputElement).value).toBe("proxy.example.org");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await leave();
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Drop 1 change" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Dashboard" })).toBeTruthy();
});

test("network settings that cannot be read are entered anew", async () => {
  const user = userEvent.setup();
  let broken = true;
  openWindow("/settings?part=network", (inner) => async (name, request) => {
    if (name === "network_get" && broken) throw { code: "storage", message: "the network settings cannot be read; enter them anew under Settings > Network" };
    if (name === "network_save") broken = false;
    return inner(name, request);
  });
  expect(await screen.findByText(/cannot be read/)).toBeTruthy();
  await user.type(screen.getByRole("textbox", { name: "Proxy host" }), "proxy.example.org");
  await user.click(screen.getByRole("button", { name: "Save network" }));
  await waitFor(() => expect(screen.queryByText(/cannot be read/)).toBeNull());
  expect((screen.getByRole("textbox", { name: "Proxy host" }) as HTMLInputElement).value).toBe("proxy.example.org");
});
