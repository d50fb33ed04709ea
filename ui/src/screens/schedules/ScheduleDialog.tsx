import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { memo, useCallback, useRef, useState } from "react";

import type { ScheduleInfo } from "../../backend/bindings/ScheduleInfo";
import { DATES } from "../../locales/language";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Choice, Field, SelectField, Switch, TextField } from "../../parts/Field";
import { Notice, Problem } from "../../parts/Problem";
import { SegmentedChoice } from "../../parts/SegmentedChoice";
import { errorWords, sentence } from "../../words/error";
import { fullTime } from "../../words/time";
import { DAYS, type Day, documentOf, emptyForm, formOf, freshName, ownZone, type ScheduleForm, type Unit } from "./form";
import { outlook, useSaveSchedule } from "./queries";

const UNITS: Record<Unit, string> = { minutes: t`minutes`, hours: t`hours`, days: t`days` };
const DAY_NAMES: Record<Day, string> = { MON: t`Mon`, TUE: t`Tue`, WED: t`Wed`, THU: t`Thu`, FRI: t`Fri`, SAT: t`Sat`, SUN: t`Sun` };

/** What a schedule is about: a mapping, or the source whose changes are followed. */
export interface About {
  mapping: string;
  source: string;
}

/** When something is to happen by itself, with the times that this gives. */
export function ScheduleDialog({ about, schedule, task = "full", taken, onClose }: {
  about: About;
  /** The one to change; none makes a new one. */
  schedule: ScheduleInfo | null;
  task?: ScheduleForm["task"];
  taken: string[];
  onClose: () => void;
}) {
  return (
    <Dialog wide typed title={schedule ? t`Schedule ${schedule.name}` : t`New schedule`} open onClose={onClose}>
      <Editor about={about} schedule={schedule} task={task} taken={taken} onClose={onClose} />
    </Dialog>
  );
}

function Editor({ about, schedule, task, taken, onClose }: Parameters<typeof ScheduleDialog>[0] & { task: ScheduleForm["task"] }) {
  const before = (schedule?.config ?? {}) as Record<string, unknown>;
  const [form, setForm] = useState(() => (schedule ? formOf(before) : emptyForm(task)));
  const [name, setName] = useState(() => schedule?.name ?? freshName(task === "liveSync" ? `liveSync_${about.source.replace(/^system\//, "")}` : about.mapping, taken));
  const save = useSaveSchedule();
  const put = (change: Partial<ScheduleForm>) => setForm((old) => ({ ...old, ...change }));
  const putZone = useCallback((timeZone: string) => setForm((old) => ({ ...old, timeZone })), []);
  const config = documentOf(form, about, before);
  const times = useQuery(outlook(config));
  const problem = times.data?.problem ?? null;
  // What is wrong with the times stands where they are typed; a day and an hour are always some.
  const mistyped = problem !== null && form.kind !== "clock" ? [sentence(problem)] : [];
  // A name that cannot be had stands at its field until it is another name.
  const misnamed = save.error?.field === "name" ? save.error : null;
  const nameField = useRef<HTMLDivElement>(null);
  const submit = () =>
    save.mutate(
      { create: schedule === null, name: name.trim(), config },
      {
        onSuccess: (saved) => {
          announce(t`Schedule ${saved.name} was saved`);
          onClose();
        },
        onError: ({ field }) => {
          if (field === "name") nameField.current?.querySelector("input")?.focus();
        },
      },
    );
  return (
    <>
      <div className="-mx-1 grid min-h-0 grid-cols-[minmax(0,1fr)_260px] items-start gap-6 overflow-y-auto px-1 pb-1">
        <div className="flex min-w-0 flex-col gap-4">
        {schedule === null && (
          <div ref={nameField}>
            <TextField label={t`Name`} value={name} required mono errors={misnamed && save.variables?.name === name.trim() ? [errorWords(misnamed)] : []} onChange={setName} />
          </div>
        )}
        {form.task !== "liveSync" && (
          <Choice
            legend={t`What`}
            name="task"
            value={form.task}
            options={[
              { value: "full", label: t`Full reconciliation`, help: t`reads both sides, and sees what was deleted` },
              { value: "incremental", label: t`Incremental`, help: t`reads only what has changed since the last run looked` },
            ]}
            onChange={(value) => put({ task: value })}
          />
        )}
        <SegmentedChoice
          label={t`When`}
          value={form.kind}
          options={[
            { value: "interval", label: t`Every so often` },
            { value: "clock", label: t`At a time of day` },
            { value: "cron", label: t`Cron` },
          ]}
          onChange={(kind) => put({ kind })}
        />
        {form.kind === "interval" && (
          <div className="grid grid-cols-[100px_140px] gap-3">
            <TextField label={t`Every`} value={form.every} inputMode="numeric" errors={mistyped} onChange={(every) => put({ every })} />
            <SelectField label={t`Unit`} value={form.unit} options={["minutes", "hours", "days"]} words={UNITS} onChange={(unit) => put({ unit: unit as Unit })} />
          </div>
        )}
        {form.kind === "clock" && (
          <div className="flex flex-wrap items-end gap-3">
            <Field label={t`Time`}>{(props) => <input type="time" className="field w-28" value={form.time} onChange={(event) => event.target.value && put({ time: event.target.value })} {...props} />}</Field>
            <Days days={form.days} onChange={(days) => put({ days })} />
          </div>
        )}
        {form.kind === "cron" && (
          <TextField label={t`Cron expression`} mono value={form.cron} errors={mistyped} help={t`Seconds, minutes, hours, day of month, month, day of week, as in Quartz: 0 0 2 * * ? is every day at two.`} onChange={(cron) => put({ cron })} />
        )}
        {form.kind !== "interval" && <ZoneField value={form.timeZone} onChange={putZone} />}
        <div className="grid grid-cols-2 gap-3">
          <Moment label={t`Not before`} value={form.start} onChange={(start) => put({ start })} />
          <Moment label={t`Not after`} value={form.end} onChange={(end) => put({ end })} />
        </div>
        <Choice
          legend={t`A time that was missed, because Concord was not running`}
          name="misfire"
          value={form.misfire}
          options={[
            { value: "fireAndProceed", label: t`Make up for it, once` },
            { value: "doNothing", label: t`Leave it out` },
          ]}
          onChange={(misfire) => put({ misfire })}
        />
        </div>
        <div className="sticky top-0 flex min-w-0 flex-col gap-4">
        <Switch label={t`On`} checked={form.enabled} onChange={(enabled) => put({ enabled })} />
        <section aria-label={t`Next times`} className="rounded-md bg-sunken px-3 py-2" aria-live="polite">
          {times.error ? (
            <Problem error={times.error} />
          ) : mistyped.length > 0 ? (
            <p className="text-soft">{t`No time follows from what is typed.`}</p>
          ) : problem !== null ? (
            <p className="text-needs">
              <bdi>{sentence(problem)}</bdi>
            </p>
          ) : times.data ? (
            <>
              <p className="font-medium">
                <bdi>{times.data.words}</bdi>
              </p>
              {times.data.next.length === 0 ? <p className="text-soft">{t`This never comes.`}</p> : <Times next={times.data.next} />}
            </>
          ) : (
            <p className="text-soft">{"\u2026"}</p>
          )}
        </section>
        {form.task !== "liveSync" && form.enabled && <Notice tone="off">{t`It runs without a look at the plan first. The guards of the mapping hold a run that would delete too many.`}</Notice>}
        </div>
      </div>
      {save.error && !misnamed && <Problem error={save.error} />}
      <div className="mt-1 flex justify-end gap-2">
        <Button onClick={onClose}>{t`Cancel`}</Button>
        <Button look="primary" busy={save.isPending} disabled={name.trim() === "" || problem !== null} onClick={submit}>
          {t`Save`}
        </Button>
      </div>
    </>
  );
}

/** The next times, as the person's own clock shows them. */
export function Times({ next }: { next: string[] }) {
  return (
    <>
      <p className="mt-1 text-sm text-soft">{t`Next, in your time (${ownZone()}):`}</p>
      <ol>
        {next.map((time) => (
          <li key={time}>
            <time dateTime={time}>{weekday.format(new Date(time))}, {fullTime(time)}</time>
          </li>
        ))}
      </ol>
    </>
  );
}

const weekday = new Intl.DateTimeFormat(DATES, { weekday: "short" });

function Days({ days, onChange }: { days: Day[]; onChange: (days: Day[]) => void }) {
  return (
    <fieldset>
      <legend className="mb-1 text-sm text-soft">{t`On`}</legend>
      <div className="flex gap-1">
        {DAYS.map((day) => {
          const on = days.includes(day);
          return (
            <button
              key={day}
              type="button"
              aria-pressed={on}
              onClick={() => {
                const next = on ? days.filter((other) => other !== day) : [...days, day];
                // None at all would be no time.
                if (next.length > 0) onChange(next);
              }}
              className={`h-7 rounded-sm border px-2 ${on ? "border-accent bg-picked text-ink" : "border-line text-soft hover:bg-hover hover:text-ink"}`}
            >
              {DAY_NAMES[day]}
            </button>
          );
        })}
      </div>
    </fieldset>
  );
}

function Moment({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return <Field label={label}>{(props) => <input type="datetime-local" className="field" value={value} onChange={(event) => onChange(event.target.value)} {...props} />}</Field>;
}

/** A list of hundreds, which is not drawn again with every key. */
const ZoneField = memo(function ZoneField({ value, onChange }: { value: string; onChange: (zone: string) => void }) {
  return <SelectField label={t`Time zone`} value={value} options={ZONES} onChange={onChange} />;
});

const ZONES = [...new Set(["UTC", ownZone(), ...Intl.supportedValuesOf("timeZone")])];
