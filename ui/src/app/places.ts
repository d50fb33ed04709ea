import type { IconName } from "../parts/Icon";

export interface Place {
  to: "/" | "/connectors" | "/mappings" | "/types" | "/users" | "/runs" | "/schedules" | "/inbox" | "/queue" | "/audit" | "/guide" | "/settings";
  label: string;
  icon: IconName;
}

/** The sidebar, and the first entries of the palette. */
export const PLACES: { heading: string | null; places: Place[] }[] = [
  { heading: null, places: [{ to: "/", label: "Dashboard", icon: "dashboard" }] },
  {
    heading: "Configure",
    places: [
      { to: "/connectors", label: "Connectors", icon: "connectors" },
      { to: "/mappings", label: "Mappings", icon: "mappings" },
      { to: "/types", label: "Managed Objects", icon: "types" },
    ],
  },
  { heading: "Manage", places: [{ to: "/users", label: "User", icon: "user" }] },
  {
    heading: "Activity",
    places: [
      { to: "/runs", label: "Runs", icon: "runs" },
      { to: "/schedules", label: "Schedules", icon: "clock" },
      { to: "/inbox", label: "Inbox", icon: "inbox" },
      { to: "/queue", label: "Queue", icon: "queue" },
      { to: "/audit", label: "Audit", icon: "audit" },
    ],
  },
  {
    heading: null,
    places: [
      { to: "/guide", label: "Guide", icon: "guide" },
      { to: "/settings", label: "Settings", icon: "settings" },
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
