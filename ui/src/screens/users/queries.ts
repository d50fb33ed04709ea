import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { UserDelete } from "../../backend/bindings/UserDelete";
import type { UserDraft } from "../../backend/bindings/UserDraft";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";

const PAGE = 200;
const WHILE_WAITING = 1000;

export const userSchema = queryOptions({ ...ask("user_schema", {}), staleTime: 60_000 });

/** Users by the words that their searchable attributes start with, page by page. */
export function usersList(search: string | null, sort: string | null) {
  return infiniteQueryOptions({
    queryKey: ["users_list", { search, sort }] as const,
    queryFn: ({ pageParam }) => call("users_list", { search, filter: null, sort, after: pageParam, limit: PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** A user with its links and history; asked again while a change is still on its way. */
export function userDetail(id: string) {
  return queryOptions({
    ...ask("user_get", { id }),
    refetchInterval: (query) => (query.state.data?.sync.some((result) => result.state === "waiting") ? WHILE_WAITING : false),
  });
}

export function useSaveUser() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: UserDraft) => call("user_save", draft),
    onSuccess: () => refresh(client, "users_list", "user_get", "queue_list", "app_status"),
  });
}

export function useDeleteUser() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: UserDelete) => call("user_delete", request),
    onSuccess: (_, request) => {
      client.removeQueries({ queryKey: userDetail(request.id).queryKey });
      return refresh(client, "users_list", "queue_list", "app_status");
    },
  });
}
