import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";
import type { NetworkDraft } from "../../backend/bindings/NetworkDraft";
import { ask, refresh } from "../../backend/query";
import { readOthers } from "./others";

export const network = ask("network_get", {});
export const about = ask("about", {});
export const sandboxes = ask("sandbox_list", {});
/** They came with the program and stay as they are. */
export const others = queryOptions({ queryKey: ["licences"], queryFn: readOthers, staleTime: Infinity });

export function useNewRecoveryKey() {
  return useMutation({ mutationFn: () => call("vault_new_recovery_key", {}), gcTime: 0 });
}

export function useRotateKeys() {
  const client = useQueryClient();
  return useMutation({ mutationFn: () => call("vault_rotate_keys", {}), onSettled: () => refresh(client, "app_status") });
}

export function useChangePassphrase() {
  const client = useQueryClient();
  return useMutation({ mutationFn: (passphrase: string) => call("vault_change_passphrase", { passphrase }), gcTime: 0, onSettled: () => refresh(client, "app_status") });
}

export function useKeyring() {
  const client = useQueryClient();
  return useMutation({ mutationFn: () => call("vault_use_keyring", {}), onSettled: () => refresh(client, "app_status") });
}

export function useSaveNetwork() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: NetworkDraft) => call("network_save", draft),
    onSuccess: (saved) => client.setQueryData(network.queryKey, saved),
  });
}

export function useSwitchSandbox() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ provider, on }: { provider: string; on: boolean }) => (on ? call("sandbox_start", { provider }) : call("sandbox_stop", { provider })),
    onSuccess: (list) => {
      client.setQueryData(sandboxes.queryKey, list);
      return refresh(client, "app_status");
    },
  });
}
