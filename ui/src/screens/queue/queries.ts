import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { QueuePage } from "../../backend/bindings/QueuePage";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";

const list = ask("queue_list", {});

/** The queue; looked at more often while something in it is on its way. */
export const queueList = queryOptions({
  ...list,
  refetchInterval: (query) => (query.state.data?.rows.some((row) => row.state === "waiting") ? 2000 : 10_000),
});

function useQueueChange(change: (id: string) => Promise<QueuePage>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: (page) => {
      client.setQueryData(list.queryKey, page);
      return refresh(client, "app_status", "object_get");
    },
  });
}

export const useRetry = () => useQueueChange((id) => call("queue_retry", { id }));
export const useDiscard = () => useQueueChange((id) => call("queue_discard", { id }));
