import { invoke } from "@tauri-apps/api/core";

/** Carries a call to the desktop shell that this window belongs to. */
export function desktop(name: string, request: unknown): Promise<unknown> {
  return invoke(name, { request });
}
