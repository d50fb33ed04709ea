import { plural, t } from "@lingui/core/macro";
import { useBlocker } from "@tanstack/react-router";
import { useEffect } from "react";

import { Confirm } from "./Dialog";

const lost = () => t`What was typed on this screen is lost when you leave it.`;

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
    enableBeforeUnload: false,
    withResolver: true,
  });
  // The window's end and a reload lose them too; the webview asks, and shows what it is told here.
  useEffect(() => {
    if (!on || changes === 0) return;
    function onLeave(event: BeforeUnloadEvent) {
      event.preventDefault();
      // The standard's own property does not carry the words.
      // oxlint-disable-next-line no-deprecated
      event.returnValue = lost();
    }
    window.addEventListener("beforeunload", onLeave);
    return () => window.removeEventListener("beforeunload", onLeave);
  }, [on, changes]);
  return (
    <Confirm
      title={t`Leave without saving ${plural(changes, { one: "# change", other: "# changes" })}?`}
      action={t`Drop ${plural(changes, { one: "# change", other: "# changes" })}`}
      open={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      onConfirm={() => blocker.proceed?.()}
    >
      {lost()}
    </Confirm>
  );
}
