import { t } from "@lingui/core/macro";
import { useState } from "react";

import type { SecretStatus } from "../../backend/bindings/SecretStatus";
import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { fullTime } from "../../words/time";

/** A secret goes in and never comes out: what is stored shows only that it is, and since when. */
export function SecretField({ label, help, status, value, errors, onChange }: {
  label: string;
  help?: string;
  status: SecretStatus | undefined;
  value: string;
  errors?: string[];
  onChange: (value: string) => void;
}) {
  const [replacing, setReplacing] = useState(false);
  if (status?.set && !replacing && value === "") {
    return (
      <div role="group" aria-label={label} className="flex flex-col gap-1">
        <span className="text-sm text-soft">{label}</span>
        <div className="flex h-7 items-center gap-3">
          <span>{status.updatedAt ? t`set on ${fullTime(status.updatedAt)}` : t`set`}</span>
          <Button aria-label={t`Replace ${label}`} onClick={() => setReplacing(true)}>
            {t`Replace`}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className="flex items-start gap-2">
      <div className="flex-1">
        <TextField label={label} help={help} errors={errors} type="password" autoComplete="new-password" mono value={value} onChange={onChange} />
      </div>
      {status?.set && (
        <Button
          className="mt-[21px]"
          aria-label={t`Keep the stored ${label}`}
          onClick={() => {
            onChange("");
            setReplacing(false);
          }}
        >
          {t`Keep`}
        </Button>
      )}
    </div>
  );
}
