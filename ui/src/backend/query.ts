import { type QueryClient, queryOptions } from "@tanstack/react-query";

import type { ApiError } from "./bindings/ApiError";
import { call, type Commands } from "./index";

declare module "@tanstack/react-query" {
  interface Register {
    defaultError: ApiError;
  }
}

/** A command as a query. Its name and request are the key, so a mutation can refresh every query of a command. */
export function ask<K extends keyof Commands>(name: K, request: Commands[K]["request"]) {
  return queryOptions({ queryKey: [name, request] as const, queryFn: () => call(name, request) });
}

/** What looks into other systems to answer: nothing that is done here waits for them. */
const FAR = new Set<keyof Commands>(["mapping_try"]);

/** Marks all answers of these commands as old; those on screen are asked again. It ends when what is near has answered. */
export async function refresh(client: QueryClient, ...names: (keyof Commands)[]): Promise<void> {
  const asked = names.map((name) => ({ name, again: client.invalidateQueries({ queryKey: [name] }) }));
  await Promise.all(asked.filter(({ name }) => !FAR.has(name)).map(({ again }) => again));
}
