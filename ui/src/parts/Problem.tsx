import { plural, t } from "@lingui/core/macro";
import type { ReactNode } from "react";

import type { ApiError } from "../backend/bindings/ApiError";
import { errorWords } from "../words/error";
import { Button } from "./Button";
import { Icon } from "./Icon";

/** An error, with the button that does what it asks for. */
export function Problem({ error, action }: { error: ApiError; action?: ReactNode }) {
  return (
    <Notice tone="needs" action={action} live="alert">
      <bdi>{errorWords(error)}</bdi>
      {error.retryAfter !== undefined && <> {t`Try again in ${error.retryAfter} s.`}</>}
    </Notice>
  );
}

/** A save that was refused. Where somebody else saved meanwhile, the way to what is stored now drops the changes made here. */
export function NotSaved({ error, changes, onReload, action }: { error: ApiError; changes: number; onReload: () => void; action?: ReactNode }) {
  const reload = <Button onClick={onReload}>{changes > 0 ? t`Drop ${plural(changes, { one: "# change", other: "# changes" })} and reload` : t`Reload`}</Button>;
  return <Problem error={error} action={error.code === "stale" ? reload : action} />;
}

const LOOKS = {
  needs: "bg-needs-soft text-needs",
  waits: "bg-waits-soft text-waits",
  fine: "bg-fine-soft text-fine",
  off: "bg-sunken text-soft",
};

/** A line that tells how something stands; `live` says how loudly it is announced. */
export function Notice({ tone, action, live, children }: { tone: keyof typeof LOOKS; action?: ReactNode; live?: "alert" | "status"; children: ReactNode }) {
  return (
    <div role={live} className={`flex items-start gap-2 rounded-md px-3 py-2 ${LOOKS[tone]}`}>
      <span className="pt-0.5">
        <Icon name={tone === "fine" ? "check" : "warning"} />
      </span>
      <div className="min-w-0 flex-1 break-words">{children}</div>
      {action}
    </div>
  );
}
