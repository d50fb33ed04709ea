import { t } from "@lingui/core/macro";

import { shortId } from "../words/value";
import { announce } from "./Announcer";
import { IconButton } from "./Button";

/** A text that came from outside: only ever text, kept from reordering its surroundings, whole on hover. */
export function Outside({ text, className = "" }: { text: string; className?: string }) {
  return (
    <bdi className={`inline-block max-w-full truncate align-bottom leading-5 ${className}`} title={text}>
      {text}
    </bdi>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  return (
    <IconButton
      icon="copy"
      label={label}
      onClick={(event) => {
        event.stopPropagation();
        navigator.clipboard.writeText(text).then(
          () => announce(t`Copied`),
          () => announce(t`The clipboard is not available`),
        );
      }}
    />
  );
}

/** An id: monospaced, short, whole on hover, with copy. */
export function Id({ id, what, whole = false }: { id: string; what: string; whole?: boolean }) {
  return (
    <span className="inline-flex min-w-0 items-center gap-1">
      <code className="truncate font-mono text-sm" title={id}>
        {whole ? id : shortId(id)}
      </code>
      <CopyButton text={id} label={t`Copy ${what}`} />
    </span>
  );
}
