import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { call } from "../../backend";
import { ask } from "../../backend/query";

export const connectors = ask("connectors_list", {});
export const mappings = ask("mappings_list", {});

export function useSampleSetup() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => call("sample_setup", {}),
    // Here and not where the button is: the doors are gone as soon as the lists are read again, and their callbacks with them.
    onSuccess: async () => {
      await navigate({ to: "/mappings" });
      await client.invalidateQueries();
    },
  });
}
