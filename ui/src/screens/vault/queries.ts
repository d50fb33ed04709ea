import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";

export function useUnlock() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (passphrase: string) => call("vault_unlock", { passphrase }),
    onSuccess: () => client.invalidateQueries(),
  });
}

/** Opens the vault by the keyring, or makes it there, where that did not answer before. */
export function useAskKeyring() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call("vault_use_keyring", {}),
    onSuccess: () => client.invalidateQueries(),
  });
}
