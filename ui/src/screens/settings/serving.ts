import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";
import type { ScimTokenDraft } from "../../backend/bindings/ScimTokenDraft";
import type { Serving } from "../../backend/bindings/Serving";
import type { ServingWanted } from "../../backend/bindings/ServingWanted";
import { ask, refresh } from "../../backend/query";

export const servingState = ask("serving_get", {});
export const scimTokens = ask("scim_token_list", {});

/** What came back of a change is what stands now; a password in it is shown once and kept nowhere. */
function useServing<T>(change: (wanted: T) => Promise<Serving>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: (serving) => client.setQueryData(servingState.queryKey, { ...serving, password: null }),
    onError: () => refresh(client, "serving_get"),
  });
}

export const useServe = () => useServing((wanted: ServingWanted) => call("serving_set", wanted));
export const useNewPassword = () => useServing<void>(() => call("serving_password", {}));

export function useMakeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: ScimTokenDraft) => call("scim_token_make", draft),
    onSuccess: () => refresh(client, "scim_token_list", "mappings_list"),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call("scim_token_remove", { name }),
    onSettled: () => refresh(client, "scim_token_list"),
  });
}
