import { t } from "@lingui/core/macro";
import { useState } from "react";

import type { SecretStatus } from "../../backend/bindings/SecretStatus";
import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { fullTime } from "../../words/time";

/** A secret goes in and never comes out: what is stored shows only that it is, and since when. */
export function SecretField({ label, help, status, value, errors, required, onChange }: {
  label: string;
  help?: string;
  status: SecretStatus | undefined;
  value: string;
  errors?: string[];
  required?: boolean;
  onChange: (value: string) => void;
}) {
  const [replacing, setReplacing] = useState(false);
  const [kept, setKept] = useState(false);
  // The button that was pressed goes with the press: the focus goes on to what takes its place, or letters would be shortcuts.
  if (status?.set && !replacing && value === "" && !errors?.length) {
    return (
      <div role="group" aria-label={label} className="flex flex-col gap-1">
        <span className="text-sm text-soft">{label}</span>
        <div className="flex h-7 items-center gap-3">
          <span>{status.updatedAt ? t`set on ${fullTime(status.updatedAt)}` : t`set`}</span>
          {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- see above */}
          <Button autoFocus={kept} aria-label={t`Replace ${label}`} onClick={() => setReplacing(true)}>
            {t`Replace`}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className="flex items-start gap-2">
      <div className="flex-1">
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- see above */}
        <TextField label={label} help={help} errors={errors} required={required} autoFocus={replacing} type="password" autoComplete="new-password" mono value={value} onChange={onChange} />
      </div>
      {status?.set && (
        <Button
          className="mt-[21px]"
          aria-label={t`Keep the stored ${label}`}
          onClick={() => {
            onChange("");
            setReplacing(false);
            setKept(true);
          }}
        >
          {t`Keep`}
        </Button>
      )}
    </div>
  );
}
