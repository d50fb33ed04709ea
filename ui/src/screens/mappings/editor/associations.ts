import { infiniteQueryOptions, keepPreviousData, useMutation, useQueryClient } from "@tanstack/react-query";

import type { AssociationStanding } from "../../../backend/bindings/AssociationStanding";
import type { LinkChange } from "../../../backend/bindings/LinkChange";
import { call } from "../../../backend";
import { refresh } from "../../../backend/query";

const PAGE = 50;

export interface Wanted {
  mapping: string;
  linkQualifier: string | null;
  standing: AssociationStanding;
  search: string | null;
}

/** The sources of a mapping with what they are linked to, page by page. */
export function associations(wanted: Wanted) {
  return infiniteQueryOptions({
    queryKey: ["associations_list", wanted] as const,
    queryFn: ({ pageParam }) => call("associations_list", { ...wanted, after: pageParam, limit: PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
  });
}

/** Links two records, or takes their link away. */
export function useLinkChange() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ link, change }: { link: boolean; change: LinkChange }) => call(link ? "link_set" : "link_remove", change),
    onSettled: () => refresh(client, "associations_list", "mapping_try", "inbox_list", "object_get", "audit_list"),
  });
}
