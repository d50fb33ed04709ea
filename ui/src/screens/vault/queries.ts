import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";

export function useUnlock() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (passphrase: string) => call("vault_unlock", { passphrase }),
    onSuccess: () => client.invalidateQueries(),
  });
}
