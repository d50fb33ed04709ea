import { t } from "@lingui/core/macro";

import type { IconName } from "../parts/Icon";

export interface Place {
  to: "/" | "/connectors" | "/mappings" | "/types" | "/users" | "/runs" | "/schedules" | "/inbox" | "/queue" | "/audit" | "/guide" | "/settings";
  label: string;
  icon: IconName;
}

/** The sidebar, and the first entries of the palette. */
export const PLACES: { heading: string | null; places: Place[] }[] = [
  { heading: null, places: [{ to: "/", label: t`Dashboard`, icon: "dashboard" }] },
  {
    heading: t`Configure`,
    places: [
      { to: "/connectors", label: t`Connectors`, icon: "connectors" },
      { to: "/mappings", label: t`Mappings`, icon: "mappings" },
      { to: "/types", label: t`Managed Objects`, icon: "types" },
    ],
  },
  { heading: t`Manage`, places: [{ to: "/users", label: t`User`, icon: "user" }] },
  {
    heading: t`Activity`,
    places: [
      { to: "/runs", label: t`Runs`, icon: "runs" },
      { to: "/schedules", label: t`Schedules`, icon: "clock" },
      { to: "/inbox", label: t`Inbox`, icon: "inbox" },
      { to: "/queue", label: t`Queue`, icon: "queue" },
      { to: "/audit", label: t`Audit`, icon: "audit" },
    ],
  },
  {
    heading: null,
    places: [
      { to: "/guide", label: t`Guide`, icon: "guide" },
      { to: "/settings", label: t`Settings`, icon: "settings" },
    ],
  },
];

/** `g` and one of these leads to a place. */
export const JUMPS: Record<string, Place["to"]> = {
  d: "/",
  c: "/connectors",
  m: "/mappings",
  o: "/types",
  u: "/users",
  r: "/runs",
  s: "/schedules",
  i: "/inbox",
  q: "/queue",
  a: "/audit",
  e: "/settings",
};
