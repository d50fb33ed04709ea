import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";

import { call } from "../../backend";

const PAGE = 200;

/** What was done here and by whom, newest first, page by page. */
export function auditList(topic: string | null, search: string | null) {
  return infiniteQueryOptions({
    queryKey: ["audit_list", { topic, search }] as const,
    queryFn: ({ pageParam }) => call("audit_list", { topic, search, after: pageParam, limit: PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}
