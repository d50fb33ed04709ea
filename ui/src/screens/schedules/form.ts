/** A schedule as its form shows it, and the way from and to IDM's document. What the form does not show stays as it was. */

export const DAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] as const;
export type Day = (typeof DAYS)[number];
export type Unit = "minutes" | "hours" | "days";

export interface ScheduleForm {
  task: "full" | "incremental" | "liveSync";
  kind: "interval" | "clock" | "cron";
  every: string;
  unit: Unit;
  /** `02:00` */
  time: string;
  days: Day[];
  cron: string;
  timeZone: string;
  /** As the person's clock shows them: `2026-01-31T08:00`, or nothing. */
  start: string;
  end: string;
  misfire: "fireAndProceed" | "doNothing";
  enabled: boolean;
}

type Document = Record<string, unknown>;

const MS: Record<Unit, number> = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 };

/** The time zone of the person in front of the window. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function emptyForm(task: ScheduleForm["task"] = "full"): ScheduleForm {
  const follows = task === "liveSync";
  return { task, kind: follows ? "interval" : "clock", every: follows ? "5" : "1", unit: follows ? "minutes" : "hours", time: "02:00", days: [...DAYS], cron: "0 0 2 * * ?", timeZone: ownZone(), start: "", end: "", misfire: "fireAndProceed", enabled: true };
}

export function formOf(config: Document): ScheduleForm {
  const context = (config["invokeContext"] ?? {}) as Document;
  const live = context["action"] === "liveSync" || context["action"] === "activeSync";
  const form = emptyForm(live ? "liveSync" : context["incremental"] === true ? "incremental" : "full");
  const cron = text(config["schedule"]).trim();
  const interval = config["type"] === "simple" || (config["type"] === undefined && cron === "");
  const clock = interval ? null : clockOf(cron);
  return {
    ...form,
    ...(interval ? spanOf(Number(config["repeatInterval"])) : {}),
    ...clock,
    kind: interval ? "interval" : clock ? "clock" : "cron",
    cron: cron || form.cron,
    timeZone: text(config["timeZone"]) || form.timeZone,
    start: localOf(text(config["startTime"])),
    end: localOf(text(config["endTime"])),
    misfire: config["misfirePolicy"] === "doNothing" ? "doNothing" : "fireAndProceed",
    enabled: config["enabled"] !== false,
  };
}

/** The document of a form, over the one that was there. */
export function documentOf(form: ScheduleForm, about: { mapping: string; source: string }, before: Document = {}): Document {
  const { schedule: _, repeatInterval: __, startTime: oldStart, endTime: oldEnd, ...rest } = before;
  const oldContext = (before["invokeContext"] ?? {}) as Document;
  const { incremental: ___, ...context } = oldContext;
  const times = form.kind === "interval" ? { type: "simple", repeatInterval: intervalOf(form, before["repeatInterval"]) } : { type: "cron", schedule: form.kind === "clock" ? cronOf(form) : form.cron.trim(), timeZone: form.timeZone };
  const start = momentOf(form.start, text(oldStart));
  const end = momentOf(form.end, text(oldEnd));
  return {
    ...rest,
    enabled: form.enabled,
    ...times,
    persisted: before["persisted"] ?? true,
    misfirePolicy: form.misfire,
    ...(start && { startTime: start }),
    ...(end && { endTime: end }),
    ...(form.task === "liveSync"
      ? { invokeService: "provisioner", invokeContext: { ...context, action: "liveSync", source: about.source } }
      : { invokeService: "sync", invokeContext: { ...context, action: "reconcile", mapping: about.mapping, ...(form.task === "incremental" && { incremental: true }) } }),
  };
}

/** A name that no schedule has yet. */
export function freshName(wish: string, taken: string[]): string {
  const base = wish.replaceAll(/[^\p{L}\p{N}_.-]/gu, "_").replace(/^\.+/, "").slice(0, 90) || "schedule";
  const known = new Set(taken.map((name) => name.toLowerCase()));
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!known.has(name.toLowerCase())) return name;
  }
}

/** `0 30 2 ? * MON,TUE` for half past two on these days. */
export function cronOf({ time, days }: Pick<ScheduleForm, "time" | "days">): string {
  const [hours = "0", minutes = "0"] = time.split(":");
  const every = days.length === DAYS.length || days.length === 0;
  return `0 ${Number(minutes)} ${Number(hours)} ${every ? "* * ?" : `? * ${DAYS.filter((day) => days.includes(day)).join(",")}`}`;
}

/** The time and the days of an expression that says no more than those. */
function clockOf(cron: string): Pick<ScheduleForm, "time" | "days"> | null {
  const found = /^0 (\d{1,2}) (\d{1,2}) [*?] \* ([*?]|[A-Za-z,]+)$/.exec(cron);
  if (!found) return null;
  const [, minutes = "", hours = "", named = ""] = found;
  const list = /^[*?]$/.test(named) ? [...DAYS] : named.toUpperCase().split(",");
  if (Number(minutes) > 59 || Number(hours) > 23 || !list.every(isDay)) return null;
  return { time: `${hours.padStart(2, "0")}:${minutes.padStart(2, "0")}`, days: list };
}

function isDay(name: string): name is Day {
  return (DAYS as readonly string[]).includes(name);
}

/** An interval in the largest unit that fits. */
function spanOf(ms: number): Pick<ScheduleForm, "every" | "unit"> {
  for (const unit of ["days", "hours"] as const) {
    if (ms > 0 && ms % MS[unit] === 0) return { every: String(ms / MS[unit]), unit };
  }
  return { every: ms > 0 ? String(Number((ms / MS.minutes).toFixed(4))) : "", unit: "minutes" };
}

/** The interval of a form in milliseconds; one that was not touched stays, however many digits its field shows. */
function intervalOf({ every, unit }: Pick<ScheduleForm, "every" | "unit">, before: unknown): unknown {
  const shown = spanOf(Number(before));
  if (shown.every !== "" && every === shown.every && unit === shown.unit) return before;
  return Math.round(Number(every) * MS[unit]) || 0;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const two = (value: number): string => String(value).padStart(2, "0");

/** A moment as the person's clock shows it, for a field. */
function localOf(moment: string): string {
  const at = Date.parse(moment);
  if (Number.isNaN(at)) return "";
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What a field holds as a moment; one that was not touched stays to the letter. */
function momentOf(local: string, before: string): string {
  if (local === localOf(before)) return before;
  const at = Date.parse(local);
  return Number.isNaN(at) ? "" : new Date(at).toISOString();
}
