import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";
import { isGone } from "../../words/error";
import type { Attributes } from "./draft";
import { kindOf } from "./kind";
import type { ListState } from "./listState";

/** A first page is there at once; whoever goes further goes far. */
const PAGE = 200;
const FURTHER = 500;
const HISTORY_PAGE = 50;
const WHILE_WAITING = 1000;

/** What the screens of a type go by. */
export function kindQuery(kind: string) {
  return queryOptions({ ...ask("managed_type_get", { name: kind }), staleTime: 60_000, select: kindOf });
}

/** Objects by the words that their searchable attributes start with, by a filter and in an order, page by page. */
export function objectsList(kind: string, { q = "", filter, sort }: ListState) {
  const asked = { kind, search: q.trim() || null, filter: filter ?? null, sort: sort ?? null, exactTotal: false };
  return infiniteQueryOptions({
    queryKey: ["objects_list", asked] as const,
    queryFn: ({ pageParam }) => call("objects_glance", { ...asked, after: pageParam, limit: pageParam === null ? PAGE : FURTHER }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** An object with its links and how its last change stands; asked again while that is still on its way. */
export function objectDetail(kind: string, id: string) {
  return queryOptions({
    ...ask("object_get", { kind, id }),
    refetchInterval: (query) => (query.state.data?.sync.some((result) => result.state === "waiting") ? WHILE_WAITING : false),
  });
}

/** What changed about an object or one of its attributes, newest first, page by page. */
export function objectHistory(kind: string, id: string, attribute: string | null) {
  return infiniteQueryOptions({
    queryKey: ["object_history", { kind, id, attribute }] as const,
    queryFn: ({ pageParam }) => call("object_history", { kind, id, attribute, after: pageParam, limit: HISTORY_PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** Asks again for what stands around an object, once it was saved here or read as it was saved elsewhere. */
function refreshObjects(client: QueryClient) {
  return refresh(client, "objects_list", "object_get", "object_history", "mapping_try", "queue_list", "app_status");
}

/** Reads an object anew, and what stands around it; gives it as it is now, or nothing where it is not there any more. */
export function useReloadObject(kind: string) {
  const client = useQueryClient();
  return async (id: string) => {
    await refreshObjects(client);
    const { data, error } = client.getQueryState(objectDetail(kind, id).queryKey) ?? {};
    return error ? undefined : data;
  };
}

export function useSaveObject(kind: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: { id: string | null; rev: string | null; attributes: Attributes }) => call("object_save", { kind, ...draft }),
    onSuccess: () => refreshObjects(client),
  });
}

export function useDeleteObject(kind: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: { id: string; rev: string }) => call("object_delete", { kind, ...request }),
    onSuccess: (_, { id }) => {
      client.removeQueries({ queryKey: objectDetail(kind, id).queryKey });
      return refresh(client, "objects_list", "queue_list", "app_status");
    },
    onError: (error) => (isGone(error) ? refresh(client, "objects_list", "object_get") : undefined),
  });
}
