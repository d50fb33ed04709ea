import { t } from "@lingui/core/macro";
import { Select, Trans } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { ScheduleInfo } from "../../backend/bindings/ScheduleInfo";
import { DATES } from "../../locales/language";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { Switch } from "../../parts/Field";
import { Outside } from "../../parts/Outside";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { runState } from "../../words/run";
import { ago, fullTime, until } from "../../words/time";
import { useNow } from "../../words/useNow";
import { type About, ScheduleDialog } from "./ScheduleDialog";
import { useEnableSchedule, useRemoveSchedule, useRunSchedule } from "./queries";

/** Schedules with what they do, when they fire next, and what came of the last time. */
export function SchedulesTable({ schedules, taken, withMapping }: { schedules: ScheduleInfo[]; taken: string[]; withMapping: boolean }) {
  const now = useNow();
  const enable = useEnableSchedule();
  const remove = useRemoveSchedule();
  const run = useRunSchedule();
  const [edited, setEdited] = useState<ScheduleInfo | null>(null);
  const [dropping, setDropping] = useState<ScheduleInfo | null>(null);
  const error = enable.error ?? remove.error ?? run.error;
  return (
    <>
      {error && (
        <div className="mb-3">
          <Problem error={error} />
        </div>
      )}
      <table className="rows inset" aria-label={t`Schedules`}>
        <thead>
          <tr>
            <th scope="col" className="w-14">{t`On`}</th>
            <th scope="col" className="w-[30%]">{t`Schedule`}</th>
            <th scope="col" className="w-[16%]">{t`When`}</th>
            <th scope="col" className="w-28 max-[1100px]:w-20">{t`Next`}</th>
            <th scope="col">{t`Last`}</th>
            <th scope="col" className="w-60 max-[1100px]:w-26"><span className="sr-only">{t`Actions`}</span></th>
          </tr>
        </thead>
        <tbody>
          {schedules.map((schedule) => (
            <tr key={schedule.name}>
              <td>
                <Switch label={t`Schedule ${schedule.name}`} hideLabel checked={schedule.enabled} disabled={schedule.task === "other"} onChange={(enabled) => enable.mutateAsync({ name: schedule.name, enabled })} />
              </td>
              <th scope="row" className="py-1.5 font-normal">
                <span className="font-medium">
                  <Outside text={schedule.name} />
                </span>
                <div className="truncate text-sm text-soft" title={schedule.title}>
                  {withMapping ? <Task schedule={schedule} /> : taskWords(schedule)}
                </div>
              </th>
              <td className="whitespace-normal" title={schedule.words}>
                <bdi>{schedule.words}</bdi>
              </td>
              <td>{schedule.next[0] ? <time dateTime={schedule.next[0]} title={schedule.next.map(fullTime).join("\n")}>{soon(schedule.next[0], now)}</time> : <span className="text-soft">{"\u2013"}</span>}</td>
              <td className="py-1.5 whitespace-normal">
                <Last schedule={schedule} now={now} />
              </td>
              <td>
                <span className="flex justify-end gap-1.5 max-[1100px]:flex-col max-[1100px]:items-end max-[1100px]:py-1.5">
                  <Button
                    busy={run.isPending && run.variables === schedule.name}
                    disabled={schedule.task === "other"}
                    aria-label={t`Run ${schedule.name} now`}
                    onClick={() => run.mutate(schedule.name, { onSuccess: ({ outcome }) => announce(`${schedule.name}: ${outcome}`) })}
                  >
                    {t`Run now`}
                  </Button>
                  <Button disabled={schedule.task === "other"} aria-label={t`Edit ${schedule.name}`} onClick={() => setEdited(schedule)}>
                    {t`Edit`}
                  </Button>
                  <Button look="quiet" aria-label={t`Remove ${schedule.name}`} onClick={() => setDropping(schedule)}>
                    {t`Remove`}
                  </Button>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {edited && <ScheduleDialog about={aboutOf(edited)} schedule={edited} taken={taken} onClose={() => setEdited(null)} />}
      <Confirm
        title={t`Remove 1 schedule?`}
        action={t`Remove 1 schedule`}
        open={dropping !== null}
        busy={remove.isPending}
        onClose={() => setDropping(null)}
        onConfirm={() => dropping && remove.mutate(dropping.name, { onSettled: () => setDropping(null) })}
      >
        {dropping && (
          <p>
            <Trans><bdi>{dropping.name}</bdi> will not fire any more. Its runs stay.</Trans>
          </p>
        )}
      </Confirm>
    </>
  );
}

/** Within a day how soon, later the day. */
function soon(time: string, now: number): string {
  return Date.parse(time) - now < 24 * 3_600_000 ? until(time, now) : day.format(new Date(time));
}

const day = new Intl.DateTimeFormat(DATES, { weekday: "short", day: "numeric", month: "short" });

function aboutOf(schedule: ScheduleInfo): About {
  return { mapping: schedule.mappings[0] ?? "", source: schedule.source ?? "" };
}

function taskWords(schedule: ScheduleInfo): string {
  if (schedule.task === "liveSync") return t`follows changes`;
  if (schedule.task === "other") return t`not for Concord`;
  return schedule.incremental ? t`incremental` : t`full reconciliation`;
}

/** What it does, with the way to the mapping. */
function Task({ schedule }: { schedule: ScheduleInfo }) {
  const [mapping] = schedule.mappings;
  if (schedule.task !== "reconcile" || !mapping) return <bdi>{schedule.title}</bdi>;
  // A schedule is first named after its mapping: then the line above says it.
  if (schedule.name === mapping) {
    return (
      <Link to="/mappings/$name" params={{ name: mapping }} search={{ tab: "scheduling" }} className="rounded-sm hover:text-ink hover:underline">
        {schedule.incremental ? t`Incremental run` : t`Full reconciliation`}
      </Link>
    );
  }
  return (
    <Trans>
      <Select value={schedule.incremental ? "incremental" : "full"} _incremental="Incremental run of" other="Reconciliation of" />{" "}
      <Link to="/mappings/$name" params={{ name: mapping }} search={{ tab: "scheduling" }} className="rounded-sm hover:text-ink hover:underline">
        <bdi>{mapping}</bdi>
      </Link>
    </Trans>
  );
}

function Last({ schedule, now }: { schedule: ScheduleInfo; now: number }) {
  const { problem, lastFired, lastOutcome, lastRun } = schedule;
  const state = lastRun && runState(lastRun);
  return (
    <>
      {problem && (
        <p className="text-needs">
          <bdi>{problem}</bdi>
        </p>
      )}
      {lastFired ? (
        <p className="flex min-w-0 flex-wrap items-center gap-x-2">
          <span title={fullTime(lastFired)}>{ago(lastFired, now)}</span>
          {lastRun && state && (
            <Link to="/runs/$id" params={{ id: lastRun.id }} className="rounded-sm hover:underline" aria-label={t`Run of ${schedule.name}: ${state.text}`}>
              <State tone={state.tone}>{state.text}</State>
            </Link>
          )}
          {lastOutcome && lastOutcome !== "started" && <bdi className="min-w-0 text-soft">{lastOutcome}</bdi>}
        </p>
      ) : (
        !problem && <span className="text-soft">{t`not fired yet`}</span>
      )}
    </>
  );
}
