import { Trans as Message } from "@lingui/react";
import type { ComponentProps } from "react";

/**
 * A message with elements in it. What stands for its elements is written like a tag, so a text from outside that holds
 * one would be taken for it; such a text goes in as an element of its own, which is shown as it is.
 */
export function Trans({ values, ...message }: ComponentProps<typeof Message>) {
  const whole = values && Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === "string" && value.includes("<") ? <>{value}</> : value]));
  return <Message {...message} {...(whole ? { values: whole } : {})} />;
}
