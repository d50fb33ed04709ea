import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { MappingDraft } from "../../backend/bindings/MappingDraft";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";

const WHILE_ACTIVE = 500;
const IDLE = 10_000;

export const mappingsList = queryOptions({
  ...ask("mappings_list", {}),
  refetchInterval: (query) => (query.state.data?.some((mapping) => mapping.lastRun?.state === "active") ? WHILE_ACTIVE : IDLE),
});

export function mappingDetail(name: string) {
  return queryOptions({
    ...ask("mapping_get", { name }),
    refetchInterval: (query) => (query.state.data?.summary.lastRun?.state === "active" ? WHILE_ACTIVE : false),
  });
}

/** Whether a mapping writes managed users, so that a target id leads to a user. */
export function useTargetIsUser(mapping: string | undefined): boolean {
  const list = useQuery(mappingsList);
  return list.data?.find((candidate) => candidate.name === mapping)?.target === "managed/user";
}

/** Saves one document, or several in their order; it stops at the first that is refused. */
export function useSaveMappings() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (drafts: MappingDraft[]) => {
      const saved = [];
      for (const draft of drafts) saved.push(await call("mapping_save", draft));
      return saved;
    },
    onSettled: () => refresh(client, "mappings_list", "mapping_get", "connectors_list", "app_status"),
  });
}

/** Puts the mappings in another order of sync. The list shows it at once, and the old one again if it is refused. */
export function useReorderMappings() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (names: string[]) => call("mapping_reorder", { names }),
    onMutate: async (names) => {
      await client.cancelQueries({ queryKey: mappingsList.queryKey });
      const before = client.getQueryData(mappingsList.queryKey);
      const byName = new Map(before?.map((mapping) => [mapping.name, mapping]));
      client.setQueryData(mappingsList.queryKey, names.flatMap((name) => byName.get(name) ?? []));
      return { before };
    },
    onError: (_error, _names, context) => client.setQueryData(mappingsList.queryKey, context?.before),
    onSettled: () => refresh(client, "mappings_list"),
  });
}

export function useRemoveMapping() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call("mapping_remove", { name }),
    onSuccess: (_, name) => {
      client.removeQueries({ queryKey: mappingDetail(name).queryKey });
      return refresh(client, "mappings_list", "connectors_list", "app_status");
    },
  });
}
