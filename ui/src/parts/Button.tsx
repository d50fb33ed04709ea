import { type ButtonHTMLAttributes, type Ref, useState } from "react";

import { Icon, type IconName } from "./Icon";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent-fill text-on-accent border-transparent hover:bg-accent-fill-hover font-medium",
  plain: "bg-surface text-ink border-line-strong/60 hover:bg-hover",
  quiet: "bg-transparent text-soft border-transparent hover:bg-hover hover:text-ink",
  danger: "bg-needs-fill text-on-accent border-transparent hover:brightness-90 font-medium",
};

export const BUTTON = "inline-flex h-7 shrink-0 items-center justify-center gap-1.5 rounded-sm border px-2.5 whitespace-nowrap select-none disabled:opacity-50 aria-disabled:opacity-50";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** What Ctrl+S presses. */
  "data-save"?: "";
  look?: Look;
  icon?: IconName;
  /** The press was heard and its work goes on. */
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/**
 * While it is busy, and while it has the focus, it is switched off in words only (`aria-disabled`): an element that is truly
 * disabled loses the focus, and the next Tab would begin at the window's start.
 */
export function Button({ look = "plain", icon, busy = false, className = "", children, disabled = false, type = "button", onClick, onFocus, onBlur, ...rest }: ButtonProps) {
  const [focused, setFocused] = useState(false);
  const off = disabled || busy;
  const inWords = off && (busy || focused);
  return (
    <button
      type={type}
      className={`${BUTTON} ${LOOKS[look]} ${className}`}
      disabled={off && !inWords}
      aria-disabled={inWords || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (!off) return onClick?.(event);
        // Neither the form that it submits nor what it stands in is to hear of the press.
        event.preventDefault();
        event.stopPropagation();
      }}
      onFocus={(event) => {
        setFocused(true);
        onFocus?.(event);
      }}
      onBlur={(event) => {
        setFocused(false);
        onBlur?.(event);
      }}
      {...rest}
    >
      {busy ? <Spinner /> : icon && <Icon name={icon} size={14} />}
      {children}
    </button>
  );
}

/** A button that is only a drawing; its label is for hover and for those who do not see it. */
export function IconButton({ icon, label, className = "", ...rest }: Omit<ButtonProps, "look" | "busy"> & { icon: IconName; label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-soft hover:bg-hover hover:text-ink disabled:opacity-50 ${className}`}
      {...rest}
    >
      <Icon name={icon} size={14} />
    </button>
  );
}

export function buttonClass(look: Look = "plain"): string {
  return `${BUTTON} ${LOOKS[look]}`;
}

function Spinner() {
  return (
    <svg aria-hidden="true" width="14" height="14" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" className="shrink-0 animate-[spin_0.8s_linear_infinite]">
      <path d="M8 2a6 6 0 1 1-6 6" />
    </svg>
  );
}
