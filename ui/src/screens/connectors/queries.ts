import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { AuthorizeMethod } from "../../backend/bindings/AuthorizeMethod";
import type { ConnectorDraft } from "../../backend/bindings/ConnectorDraft";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";

/** Asked again now and then, because the budget of calls moves by itself. */
export const connectorsList = queryOptions({ ...ask("connectors_list", {}), refetchInterval: 15_000 });
export const connectorDetail = (name: string) => ask("connector_get", { name });
export const connectorBlank = (provider: string) => ask("connector_blank", { provider });

export const connectorDrift = (name: string) => ask("connector_drift", { name });
export const connectorDependents = (name: string) => ask("connector_dependents", { name });

export function useDriftSeen() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: { name: string; objectType: string }) => call("connector_drift_seen", request),
    onSuccess: (left, { name }) => {
      client.setQueryData(connectorDrift(name).queryKey, left);
      return refresh(client, "connectors_list", "connector_get");
    },
  });
}

export function useEnableConnector() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: { name: string; enabled: boolean }) => call("connector_enable", request),
    onSettled: () => refresh(client, "connectors_list", "connector_get", "mappings_list", "resources_list"),
  });
}

export function useSaveConnector() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: ConnectorDraft) => call("connector_save", draft),
    onSuccess: (saved) => {
      client.setQueryData(connectorDetail(saved.summary.name).queryKey, saved);
      return refresh(client, "connectors_list", "mappings_list", "app_status");
    },
  });
}

export function useTestConnector() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call("connector_test", { name }),
    onSettled: () => refresh(client, "connectors_list", "connector_get", "connector_drift", "mappings_list"),
  });
}

/** Tests a connector and switches it on if the test succeeds; one that fails is left as it is. */
export function useTestAndEnable() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (name: string) => {
      const test = await call("connector_test", { name });
      if (test.ok) await call("connector_enable", { name, enabled: true });
      return test;
    },
    onSettled: () => refresh(client, "connectors_list", "connector_get", "mappings_list", "resources_list", "app_status"),
  });
}

/** Stays pending until the consent page was answered or the wait was ended with `useCancelAuthorize`. */
export function useAuthorize() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: { name: string; method: AuthorizeMethod }) => call("connector_authorize", request),
    onSettled: () => refresh(client, "connectors_list", "connector_get", "mappings_list"),
  });
}

export function useCancelAuthorize() {
  return useMutation({ mutationFn: (name: string) => call("connector_authorize_cancel", { name }) });
}

/** Removes a connector and before it the mappings that need it; it stops at the first that cannot be removed. */
export function useRemoveConnector() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ name, mappings }: { name: string; mappings: string[] }) => {
      // One that shares the links of another goes before it.
      const sharing = new Set(mappings.length > 1 ? (await call("mappings_list", {})).filter(({ links }) => links !== null).map((mapping) => mapping.name) : []);
      for (const mapping of mappings.toSorted((a, b) => Number(sharing.has(b)) - Number(sharing.has(a)))) await call("mapping_remove", { name: mapping });
      return await call("connector_remove", { name });
    },
    onSuccess: (_, { name }) => client.removeQueries({ queryKey: connectorDetail(name).queryKey }),
    onSettled: () => refresh(client, "connectors_list", "mappings_list", "app_status"),
  });
}
