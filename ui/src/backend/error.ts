import type { ApiError } from "./bindings/ApiError";

/** Whether a value has the shape in which the backend reports errors. */
export function isApiError(value: unknown): value is ApiError {
  return typeof value === "object" && value !== null && "code" in value && "message" in value && typeof value.message === "string";
}

/** Whatever was thrown, as an error that screens can show. */
export function toApiError(thrown: unknown): ApiError {
  if (isApiError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "internal", message };
}
