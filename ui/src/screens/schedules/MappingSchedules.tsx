import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { ScheduleInfo } from "../../backend/bindings/ScheduleInfo";
import { Button } from "../../parts/Button";
import { Switch } from "../../parts/Field";
import { Section, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { type About, ScheduleDialog } from "./ScheduleDialog";
import { documentOf, emptyForm, freshName } from "./form";
import { changeFeed, schedulesList, useEnableSchedule, useSaveSchedule } from "./queries";
import { SchedulesTable } from "./SchedulesTable";

/** When a mapping runs by itself. What is changed here counts at once, without saving the mapping. */
export function MappingSchedules({ mapping, source }: About) {
  const schedules = useQuery(schedulesList(mapping));
  const all = useQuery(schedulesList(null));
  const [adding, setAdding] = useState(false);
  const about = { mapping, source };
  const taken = (all.data ?? []).map(({ name }) => name);
  const runs = schedules.data?.filter(({ task }) => task === "reconcile") ?? [];
  const live = all.data?.find((schedule) => schedule.source === source) ?? null;
  return (
    <>
      <Section
        title={t`Reconciliation`}
        aside={
          <Button icon="plus" disabled={!all.data} onClick={() => setAdding(true)}>
            {t`Add schedule`}
          </Button>
        }
      >
        {schedules.error ? (
          <Problem error={schedules.error} />
        ) : !schedules.data ? (
          <Skeleton rows={2} />
        ) : runs.length === 0 ? (
          <p className="text-soft"><Trans>Runs only when somebody starts it. A schedule runs it by itself while this window or <code className="font-mono text-sm">concord serve</code> is open.</Trans></p>
        ) : (
          <SchedulesTable schedules={runs} taken={taken} withMapping={false} />
        )}
      </Section>
      <Section title={t`LiveSync`}>
        <LiveSync about={about} schedule={live} taken={taken} ready={all.data !== undefined} />
      </Section>
      {adding && <ScheduleDialog about={about} schedule={null} taken={taken} onClose={() => setAdding(false)} />}
    </>
  );
}

/** Follows the changes of the source, for every mapping that reads it. */
function LiveSync({ about, schedule, taken, ready }: { about: About; schedule: ScheduleInfo | null; taken: string[]; ready: boolean }) {
  const feed = useQuery(changeFeed(about.mapping));
  const save = useSaveSchedule();
  const enable = useEnableSchedule();
  const error = feed.error ?? save.error ?? enable.error;
  function toggle(on: boolean) {
    if (schedule) return enable.mutateAsync({ name: schedule.name, enabled: on });
    return save.mutateAsync({ create: true, name: freshName(`liveSync_${about.source.replace(/^system\//, "")}`, taken), config: documentOf(emptyForm("liveSync"), about) });
  }
  if (!feed.data) return error ? <Problem error={error} /> : <Skeleton rows={1} />;
  const { title, follows, problem } = feed.data;
  return (
    <div className="flex flex-col gap-3">
      <Switch
        label={t`Follow the changes of ${title}`}
        help={follows ? t`Asks every few minutes what has changed there, and carries it through every mapping that reads it and has implicit sync on.` : problem}
        checked={schedule?.enabled ?? false}
        disabled={(!follows && !schedule) || !ready}
        onChange={toggle}
      />
      {schedule && <SchedulesTable schedules={[schedule]} taken={taken} withMapping={false} />}
      {error && <Problem error={error} />}
    </div>
  );
}
