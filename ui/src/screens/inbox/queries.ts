import { infiniteQueryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { Fix } from "../../backend/bindings/Fix";
import type { InboxAnswer } from "../../backend/bindings/InboxAnswer";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";
import { leadsToInbox } from "../../words/fix";

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

/** As many questions of a mapping are looked through for the one about a record. */
const LOOKED_AT = 200;

/**
 * Whether the inbox has a question that a fix leads to: it may have been answered or put away since. `source` is the record that
 * is to be asked about; without a fix that leads there, nothing is asked for. Null is not known yet.
 */
export function useIsAsked(fix: Fix | null, mapping: string, source: string): boolean | null {
  const inbox = useQuery({ ...ask("inbox_list", { mapping, after: null, limit: LOOKED_AT }), enabled: fix !== null && leadsToInbox(fix), refetchInterval: EVERY });
  if (!fix || !inbox.data) return null;
  const { questions, next } = inbox.data;
  // The question that has to be decided first is another record's.
  return next !== null || questions.some((question) => fix.kind === "decideOther" || question.source === source);
}

export function useAnswer() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (answer: InboxAnswer) => call("inbox_answer", answer),
    onSettled: () => refresh(client, "inbox_list", "mappings_list", "objects_list", "object_get", "object_history", "associations_list", "mapping_try", "queue_list", "audit_list"),
  });
}
