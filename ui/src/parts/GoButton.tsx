import { type NavigateOptions, useNavigate } from "@tanstack/react-router";

import { Button, type ButtonProps } from "./Button";

/** A button whose action begins on another screen. */
export function GoButton({ go, ...rest }: ButtonProps & { go: NavigateOptions }) {
  const navigate = useNavigate();
  return <Button {...rest} onClick={() => void navigate(go)} />;
}
