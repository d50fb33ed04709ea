import { t } from "@lingui/core/macro";

import type { ApiError } from "./bindings/ApiError";
import { isApiError } from "./error";

/** Carries a call to the loopback host that served this page. */
export async function http(name: string, request: unknown): Promise<unknown> {
  let answer: Response;
  try {
    answer = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
  } catch {
    throw failure(t`Concord does not answer (${name}). Check that it is still running, then try again.`);
  }
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return body;
  throw isApiError(body) ? body : failure(t`${name} failed with status ${answer.status}. Try again; if it stays, see the log.`);
}

function failure(message: string): ApiError {
  return { code: "internal", message };
}
