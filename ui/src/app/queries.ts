import { queryOptions } from "@tanstack/react-query";

import { ask } from "../backend/query";

const EVERY = 5000;

/** How many questions wait for a person. */
export const inboxCount = queryOptions({ ...ask("inbox_list", { mapping: null, after: null, limit: 1 }), select: (page) => page.total, refetchInterval: EVERY });

/** The state of the whole: the vault's gate and the counts of the sidebar hang on it. */
export const appStatus = queryOptions({ ...ask("app_status", {}), refetchInterval: EVERY });

/** How many changes failed to be delivered, and wait for a person; the others are tried again by themselves. */
export const failedChanges = queryOptions({ ...ask("queue_list", { after: null, limit: 1 }), select: (page) => page.failed, refetchInterval: EVERY });
