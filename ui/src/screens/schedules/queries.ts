import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { ScheduleDraft } from "../../backend/bindings/ScheduleDraft";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";

const EVERY = 5000;

/** All schedules, or those that concern a mapping; they fire by themselves, so they are asked again and again. */
export function schedulesList(mapping: string | null) {
  return queryOptions({ ...ask("schedules_list", { mapping }), refetchInterval: EVERY });
}

/** Whether the changes of a mapping's source can be followed. */
export function changeFeed(mapping: string) {
  return ask("change_feed", { name: mapping });
}

/** When a schedule would fire, as it is being written. */
export function outlook(config: Record<string, unknown>) {
  return queryOptions({ ...ask("schedule_outlook", { config }), placeholderData: keepPreviousData });
}

function useScheduleChange<T, A>(change: (input: T) => Promise<A>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSettled: () => refresh(client, "schedules_list", "audit_list") });
}

export const useSaveSchedule = () => useScheduleChange((draft: ScheduleDraft) => call("schedule_save", draft));
export const useEnableSchedule = () => useScheduleChange((change: { name: string; enabled: boolean }) => call("schedule_enable", change));
export const useRemoveSchedule = () => useScheduleChange((name: string) => call("schedule_remove", { name }));

/** Does now what a schedule does. */
export function useRunSchedule() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call("schedule_run", { name }),
    onSettled: () => refresh(client, "schedules_list", "runs_list", "mappings_list", "mapping_get"),
  });
}
