import { useRouterState } from "@tanstack/react-router";

/** What a list of objects shows: its search, its filter and its order. */
export interface ListState {
  q?: string;
  filter?: string;
  sort?: string;
}

declare module "@tanstack/history" {
  interface HistoryState {
    /** The list from which an object was opened. */
    listState?: ListState;
  }
}

/** The list from which this screen was opened, as the history remembers it. */
export function useListState(): ListState {
  return useRouterState({ select: ({ location }) => location.state.listState }) ?? {};
}
