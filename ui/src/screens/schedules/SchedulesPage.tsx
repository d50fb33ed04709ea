import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";

import { GoButton } from "../../parts/GoButton";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { SchedulesTable } from "./SchedulesTable";
import { schedulesList } from "./queries";

/** Everything that happens by itself, and when. */
export function SchedulesPage() {
  const schedules = useQuery(schedulesList(null));
  return (
    <Page title={t`Schedules`}>
      <p className="mb-4 text-soft"><Trans>What happens by itself while this window or <code className="font-mono text-sm">concord serve</code> is running. A schedule is made on the Scheduling tab of its mapping.</Trans></p>
      {schedules.error ? (
        <Problem error={schedules.error} />
      ) : !schedules.data ? (
        <Skeleton rows={5} />
      ) : schedules.data.length === 0 ? (
        <Nothing action={<GoButton go={{ to: "/mappings" }}>{t`Choose a mapping`}</GoButton>}>{t`Nothing happens by itself yet. Open a mapping and add a schedule on its Scheduling tab.`}</Nothing>
      ) : (
        <SchedulesTable schedules={schedules.data} taken={schedules.data.map(({ name }) => name)} withMapping />
      )}
    </Page>
  );
}
