import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";
import { ask } from "../../backend/query";

export const connectors = ask("connectors_list", {});
export const mappings = ask("mappings_list", {});

export function useSampleSetup() {
  const client = useQueryClient();
  return useMutation({ mutationFn: () => call("sample_setup", {}), onSuccess: () => client.invalidateQueries() });
}
