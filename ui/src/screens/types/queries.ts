import { useMutation, useQueryClient } from "@tanstack/react-query";

import type { ManagedTypeDraft } from "../../backend/bindings/ManagedTypeDraft";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";

export const managedTypes = ask("managed_types", {});
export const managedType = (name: string) => ask("managed_type_get", { name });

export function useSaveType() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: ManagedTypeDraft) => call("managed_type_save", draft),
    onSuccess: ({ saved, detail }) => {
      if (!saved) return;
      if (detail) client.setQueryData(managedType(detail.summary.name).queryKey, detail);
      return refresh(client, "managed_types", "resources_list", "resource_schema", "objects_list", "object_get");
    },
  });
}

export function useRemoveType() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call("managed_type_remove", { name }),
    onSuccess: () => refresh(client, "managed_types", "resources_list"),
  });
}
