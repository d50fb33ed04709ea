import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";

import { TextField } from "../../parts/Field";
import { CopyButton } from "../../parts/Outside";

export function Scopes({ of }: { of: string[] }) {
  return (
    <ul aria-label={t`Scopes`} className="mt-1 flex flex-wrap gap-1">
      {of.map((scope) => (
        <li key={scope} className="rounded-sm border border-line bg-surface px-1.5">
          <code className="font-mono text-sm text-ink">{scope}</code>
        </li>
      ))}
    </ul>
  );
}

/** What to do at the provider, in its own words. */
export function ProviderSteps({ steps }: { steps: ReactNode[] }) {
  return (
    <ol className="flex list-decimal flex-col gap-1 rounded-md bg-sunken py-2 pr-3 pl-7 text-soft">
      {steps.map((step, index) => (
        // The steps are fixed; their number is what they are known by.
        // oxlint-disable-next-line react/no-array-index-key
        <li key={index}>{step}</li>
      ))}
    </ol>
  );
}

/** A text to be entered at the provider exactly as it stands. */
export function CopyField({ label, text }: { label: string; text: string }) {
  return (
    <div className="flex items-end gap-1">
      <div className="flex-1">
        <TextField label={label} mono value={text} />
      </div>
      <span className="pb-0.5">
        <CopyButton text={text} label={t`Copy ${label.charAt(0).toLowerCase()}${label.slice(1)}`} />
      </span>
    </div>
  );
}
