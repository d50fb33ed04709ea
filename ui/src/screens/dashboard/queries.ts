import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { call } from "../../backend";
import { ask } from "../../backend/query";

const OFTEN = 15_000;
const SELDOM = 60_000;

export const connectors = queryOptions({ ...ask("connectors_list", {}), refetchInterval: OFTEN });
export const mappings = queryOptions({ ...ask("mappings_list", {}), refetchInterval: OFTEN });
/** The last runs of all mappings: what the last one of each does not tell. */
export const recentRuns = queryOptions({ ...ask("runs_list", { mapping: null, after: null, limit: 200 }), refetchInterval: SELDOM });
/** How many questions the inbox holds about a mapping. */
export const inboxOf = (mapping: string) => queryOptions({ ...ask("inbox_list", { mapping, after: null, limit: 1 }), select: (page) => page.total, refetchInterval: OFTEN });
/** What moves slowly: the people of the last weeks, and what went wrong. */
export const overview = queryOptions({ ...ask("overview", {}), refetchInterval: SELDOM });

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
