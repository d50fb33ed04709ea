import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";
import { refresh } from "../../backend/query";

const PAGE = 100;
const WHILE_WAITING = 2000;
const IDLE = 10_000;

/** The queue page by page, what failed first; looked at more often while something in it is on its way. */
export const queueList = infiniteQueryOptions({
  queryKey: ["queue_list", {}] as const,
  queryFn: ({ pageParam }) => call("queue_list", { after: pageParam, limit: PAGE }),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next,
  refetchInterval: (query) => ((query.state.data?.pages[0]?.waiting ?? 0) > 0 ? WHILE_WAITING : IDLE),
});

function useQueueChange(change: (id: string) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => refresh(client, "queue_list", "app_status", "object_get"),
  });
}

export const useRetry = () => useQueueChange((id) => call("queue_retry", { id }));
export const useDiscard = () => useQueueChange((id) => call("queue_discard", { id }));
