import { useRouterState } from "@tanstack/react-router";

/** What a list of users shows: its search and its order. */
export interface UsersList {
  q?: string;
  sort?: string;
}

declare module "@tanstack/history" {
  interface HistoryState {
    /** The list from which a user was opened. */
    usersList?: UsersList;
  }
}

/** The list from which this screen was opened, as the history remembers it. */
export function useUsersList(): UsersList {
  return useRouterState({ select: ({ location }) => location.state.usersList }) ?? {};
}
