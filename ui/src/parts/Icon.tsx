const PATHS = {
  dashboard: "M2.5 2.5h4.5v6H2.5zM9 2.5h4.5v3.5H9zM9 8.5h4.5v5H9zM2.5 11h4.5v2.5H2.5z",
  connectors: "M6 2v3M10 2v3M4 5h8v2.5a4 4 0 0 1-8 0zM8 11.5V14",
  mappings: "M2.5 4.5h4M2.5 11.5h4M6.5 4.5c3 0 1.5 7 4.5 7h2.5M11.5 9.5l2 2-2 2M9.5 4.5h4",
  types: "M2.5 3h11v3h-11zM4.5 6v6.5h3M4.5 9h3M9 8h4.5v2H9zM9 11.5h4.5v2H9z",
  user: "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.8 13.5c.5-2.4 2.6-3.6 5.2-3.6s4.7 1.2 5.2 3.6",
  runs: "M5 3.5v9l7-4.5z",
  clock: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 5v3.2l2.2 1.6",
  inbox: "M2.5 9 4.5 3h7l2 6v4.5h-11zM2.5 9H6l.8 1.8h2.4L10 9h3.5",
  audit: "M3.5 2.5h9v11h-9zM5.8 5.5h4.4M5.8 8h4.4M5.8 10.5h2.6",
  queue: "M2.5 4h11M2.5 8h11M2.5 12h6",
  guide: "M8 4.5v9M8 4.5c-1-1.3-3-1.8-5.5-1.5v9c2.5-.3 4.5 .2 5.5 1.5M8 4.5c1-1.3 3-1.8 5.5-1.5v9c-2.5-.3-4.5 .2-5.5 1.5",
  settings: "M2.5 5h6M12 5h1.5M2.5 11H4M7.5 11h6M10.25 6.75a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5zM5.75 12.75a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5z",
  arrow: "M2.5 8h10.5M9.5 4.5 13 8l-3.5 3.5",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  check: "M3 8.5 6.5 12 13 4.5",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  chevron: "M6 3.5 10.5 8 6 12.5",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  grip: "M6 3.5h.01M10 3.5h.01M6 8h.01M10 8h.01M6 12.5h.01M10 12.5h.01",
  warning: "M8 2.5 14 13H2zM8 6.5v3M8 11.3v.01",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5.3a2.5 2.5 0 0 1 5 0v2.2",
  trash: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9M7 7v4M9 7v4",
  undo: "M5.5 3.5 2.5 6.5l3 3M2.5 6.5h7a3.5 3.5 0 0 1 0 7H6",
  retry: "M13 8a5 5 0 1 1-1.5-3.6M13.5 2.5v2.5H11",
  sample: "M6 2.5h4M7 2.5V7l-4 6.5h10L9 7V2.5M5 10.5h6",
} as const;

export type IconName = keyof typeof PATHS;

/** A small drawing beside a text; it says nothing that the text does not. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" || name === "grip" ? 2.2 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      className="shrink-0"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: two arcs that meet. */
export function Mark({ size = 18 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 16 16" fill="none" strokeWidth="2.2" strokeLinecap="round" className="shrink-0">
      <path d="M8 3.2A5.3 5.3 0 0 0 8 12.8" stroke="var(--accent)" transform="translate(-1.4 0)" />
      <path d="M8 3.2A5.3 5.3 0 0 1 8 12.8" stroke="currentColor" transform="translate(1.4 0)" />
    </svg>
  );
}
