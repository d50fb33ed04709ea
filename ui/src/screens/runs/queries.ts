import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { ExportFormat } from "../../backend/bindings/ExportFormat";
import type { RunMode } from "../../backend/bindings/RunMode";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";

const WHILE_ACTIVE = 300;
const IDLE = 10_000;
const PAGE = 200;

/** A run with its counts; asked often while it is under way. */
export function runDetail(id: string) {
  return queryOptions({
    ...ask("run_get", { id }),
    refetchInterval: (query) => (query.state.data?.summary.state === "active" ? WHILE_ACTIVE : false),
  });
}

/** All runs, or those of a mapping, newest first, page by page. */
export function runsList(mapping: string | null) {
  return infiniteQueryOptions({
    queryKey: ["runs_list", { mapping }] as const,
    queryFn: ({ pageParam }) => call("runs_list", { mapping, after: pageParam, limit: PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    refetchInterval: (query) => (query.state.data?.pages.some((page) => page.runs.some((run) => run.state === "active")) ? 1000 : IDLE),
  });
}

export interface EntryFilter {
  situation: string | null;
  action: string | null;
  failed: boolean;
  /** Only changes that were not made, because their record had changed since they were planned. */
  stale: boolean;
  search: string;
}

/** The records of a run that a filter lets through, page by page. */
export function runEntries(id: string, filter: EntryFilter) {
  return infiniteQueryOptions({
    queryKey: ["run_entries", { id, ...filter }] as const,
    queryFn: ({ pageParam }) => call("run_entries", { id, ...filter, search: filter.search.trim() || null, after: pageParam, limit: PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** Writes the records of a run that a filter lets through into a file. */
export function exportRun(id: string, filter: EntryFilter, format: ExportFormat) {
  return call("run_export", { id, format, ...filter, search: filter.search.trim() || null });
}

/** After a run began or ended, everything that counts records may have changed. */
export function refreshAfterRun(client: QueryClient) {
  return refresh(client, "mappings_list", "mapping_get", "runs_list", "run_get", "run_entries", "app_status", "objects_list", "object_get", "associations_list", "mapping_try", "queue_list", "inbox_list");
}

export function useStartRun() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ mapping, mode, ids = [], incremental = false }: { mapping: string; mode: RunMode; ids?: string[]; incremental?: boolean }) => call("run_start", { mapping, mode, ids, allowDeletes: null, incremental }),
    onSettled: () => refresh(client, "mappings_list", "mapping_get", "runs_list"),
  });
}

export function useApplyRun() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, allowDeletes }: { id: string; allowDeletes: number | null }) => call("run_apply", { id, allowDeletes }),
    onSettled: () => refreshAfterRun(client),
  });
}

/** Plans how to take back what a run did; nothing is written before that plan is carried out. */
export function useUndoRun() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call("run_undo", { id, preview: true, allowDeletes: null }),
    onSettled: () => refresh(client, "mappings_list", "mapping_get", "runs_list"),
  });
}

/** Plans again what a run left: the records that failed, were overtaken or waited for a person. */
export function useRunUnfinished() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call("run_unfinished", { id, preview: true, allowDeletes: null }),
    onSettled: () => refresh(client, "mappings_list", "mapping_get", "runs_list"),
  });
}

/** The run that this one takes back. */
export function useUndone(run: RunSummary | undefined): RunSummary | undefined {
  const id = run?.undoes ?? null;
  return useQuery({ ...runDetail(id ?? ""), enabled: id !== null }).data?.summary;
}

export function useCancelRun() {
  const client = useQueryClient();
  return useMutation({ mutationFn: (id: string) => call("run_cancel", { id }), onSettled: () => refreshAfterRun(client) });
}
