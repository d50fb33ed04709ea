import { queryOptions } from "@tanstack/react-query";

import { ask } from "../backend/query";

const EVERY = 5000;

/** The state of the whole: the vault's gate and the counts of the sidebar hang on it. */
export const appStatus = queryOptions({ ...ask("app_status", {}), refetchInterval: EVERY });
