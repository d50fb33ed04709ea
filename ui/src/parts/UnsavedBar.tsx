import { plural, t } from "@lingui/core/macro";
import { type ReactNode, useState } from "react";

import { Button } from "./Button";
import { LeaveGuard } from "./LeaveGuard";

/** The foot of an editor: how much is unsaved, and the two ways out. Leaving the screen with changes asks once. */
export function UnsavedBar({ changes, saving, onUndo, undoLabel = t`Undo`, saveLabel = t`Save`, before, form, across = "places", always = false, ready = true }: {
  changes: number;
  saving: boolean;
  onUndo: () => void;
  undoLabel?: string;
  saveLabel?: string;
  /** Other ways back, before the one that undoes everything. */
  before?: ReactNode;
  /** Which moves lose the changes: to any other place, or only to another screen because the parts of this one share them. */
  across?: "places" | "screens";
  /** The id of the form that Save submits. */
  form: string;
  /** Something new is worth saving even before the first change. */
  always?: boolean;
  /** Whether there is enough to save at all. */
  ready?: boolean;
}) {
  const [bar, setBar] = useState<HTMLElement | null>(null);
  return (
    <div
      // Tabs draw their children a second time, out of sight, to learn which tabs there are; that second bar must not ask too.
      ref={setBar}
      className="flex h-12 shrink-0 items-center gap-2 border-t border-line bg-surface px-6"
    >
      <span role="status" className={changes > 0 ? "text-waits" : "text-soft"}>
        {changes > 0 ? t`unsaved: ${plural(changes, { one: "# change", other: "# changes" })}` : always ? t`not saved yet` : t`all saved`}
      </span>
      <span className="ml-auto" />
      {before}
      <Button onClick={onUndo} disabled={changes === 0 || saving}>
        {undoLabel}
      </Button>
      <Button look="primary" type="submit" data-save="" aria-keyshortcuts="Control+S" form={form} busy={saving} disabled={!ready || (changes === 0 && !always)}>
        {saveLabel}
      </Button>
      <LeaveGuard changes={changes} saving={saving} across={across} on={bar?.isConnected === true} />
    </div>
  );
}
