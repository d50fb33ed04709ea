import { plural, t } from "@lingui/core/macro";
import { useBlocker } from "@tanstack/react-router";

import { Confirm } from "./Dialog";

/** Asks once before what was typed is lost by leaving. */
export function LeaveGuard({ changes, saving, across = "places", on = true }: {
  changes: number;
  saving: boolean;
  /** Which moves lose the changes: to any other place, or only to another screen because the parts of this one share them. */
  across?: "places" | "screens";
  on?: boolean;
}) {
  const blocker = useBlocker({
    disabled: !on,
    shouldBlockFn: ({ current, next }) => changes > 0 && !saving && (across === "places" || current.pathname !== next.pathname),
    // A reload loses them too; the webview asks in its own words.
    enableBeforeUnload: () => on && changes > 0,
    withResolver: true,
  });
  return (
    <Confirm
      title={t`Leave without saving ${plural(changes, { one: "# change", other: "# changes" })}?`}
      action={t`Drop ${plural(changes, { one: "# change", other: "# changes" })}`}
      open={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      onConfirm={() => blocker.proceed?.()}
    >
      {t`What was typed on this screen is lost when you leave it.`}
    </Confirm>
  );
}
