import { useBlocker } from "@tanstack/react-router";

import { count } from "../words/numbers";
import { Button } from "./Button";
import { Confirm } from "./Dialog";

/** The foot of an editor: how much is unsaved, and the two ways out. Leaving the screen with changes asks once. */
export function UnsavedBar({ changes, saving, onUndo, form, always = false }: {
  changes: number;
  saving: boolean;
  onUndo: () => void;
  /** The id of the form that Save submits. */
  form: string;
  /** Something new is worth saving even before the first change. */
  always?: boolean;
}) {
  const blocker = useBlocker({ shouldBlockFn: () => changes > 0 && !saving, enableBeforeUnload: false, withResolver: true });
  return (
    <div className="flex h-12 shrink-0 items-center gap-2 border-t border-line bg-surface px-6">
      <span role="status" className={changes > 0 ? "text-waits" : "text-soft"}>
        {changes > 0 ? `unsaved: ${count(changes, "change")}` : always ? "not saved yet" : "all saved"}
      </span>
      <span className="ml-auto" />
      <Button onClick={onUndo} disabled={changes === 0 || saving}>
        Undo
      </Button>
      <Button look="primary" type="submit" form={form} busy={saving} disabled={changes === 0 && !always}>
        Save
      </Button>
      <Confirm
        title={`Leave without saving ${count(changes, "change")}?`}
        action={`Drop ${count(changes, "change")}`}
        open={blocker.status === "blocked"}
        onClose={() => blocker.reset?.()}
        onConfirm={() => blocker.proceed?.()}
      >
        What was typed on this screen is lost when you leave it.
      </Confirm>
    </div>
  );
}
