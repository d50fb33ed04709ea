/**
 * The only way from a screen to the program behind it. Inside the desktop window a call goes to the shell; in a plain
 * browser it goes to the loopback host that served the page. Both reject with an `ApiError`.
 */
import type { Commands } from "./bindings/commands";
import { desktop } from "./desktop";
import { toApiError } from "./error";
import { http } from "./http";

export type { Commands } from "./bindings/commands";

type Carrier = (name: string, request: unknown) => Promise<unknown>;

let carrier: Promise<Carrier> | undefined;

async function chooseCarrier(): Promise<Carrier> {
  if (import.meta.env.MODE === "fixture") return (await import("./fixture")).fixture();
  return "__TAURI_INTERNALS__" in window ? desktop : http;
}

/** Replaces the way calls travel. For tests. */
export function carryWith(replacement: Carrier | undefined): void {
  carrier = replacement && Promise.resolve(replacement);
}

/** Runs a command of the backend. */
export async function call<K extends keyof Commands>(name: K, request: Commands[K]["request"]): Promise<Commands[K]["answer"]> {
  carrier ??= chooseCarrier();
  try {
    return (await (await carrier)(name, request)) as Commands[K]["answer"];
  } catch (thrown) {
    throw toApiError(thrown);
  }
}
