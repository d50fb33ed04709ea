import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { ManagedProperty } from "../../backend/bindings/ManagedProperty";
import type { UserDelete } from "../../backend/bindings/UserDelete";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";
import type { Attributes } from "./draft";

const PAGE = 200;
const HISTORY_PAGE = 50;
const KIND = "user";
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

/** The attributes of a user that go in and never come out: passwords and the like. */
export const userSecrets = queryOptions({ ...ask("managed_type_get", { name: KIND }), staleTime: 60_000, select: (type): ManagedProperty[] => type.properties.filter(({ protection }) => protection !== null) });

/** Which of them a user has, and since when. */
export const userSecretsSet = (id: string) => queryOptions({ ...ask("object_get", { kind: KIND, id }), select: (detail) => detail.protected });

/** What changed about a user, newest first, page by page. */
export function userHistory(id: string) {
  return infiniteQueryOptions({
    queryKey: ["object_history", { id }] as const,
    queryFn: ({ pageParam }) => call("object_history", { kind: KIND, id, after: pageParam, limit: HISTORY_PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
}

export function useSaveUser() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: { id: string | null; rev: string | null; attributes: Attributes }) => call("object_save", { kind: KIND, ...draft }),
    onSuccess: () => refresh(client, "users_list", "user_get", "object_get", "object_history", "queue_list", "app_status"),
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
