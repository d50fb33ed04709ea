import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { InboxAnswer } from "../../backend/bindings/InboxAnswer";
import { call } from "../../backend";
import { refresh } from "../../backend/query";

const PAGE = 50;
const EVERY = 10_000;

/** What waits for a person, oldest first, page by page. */
export const inboxList = infiniteQueryOptions({
  queryKey: ["inbox_list", { mapping: null }] as const,
  queryFn: ({ pageParam }) => call("inbox_list", { mapping: null, after: pageParam, limit: PAGE }),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next,
  refetchInterval: EVERY,
});

export function useAnswer() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (answer: InboxAnswer) => call("inbox_answer", answer),
    onSettled: () => refresh(client, "inbox_list", "mappings_list", "objects_list", "object_get", "object_history", "associations_list", "mapping_try", "queue_list", "audit_list"),
  });
}
