/** IDM's actions as people say them, with the colour that stands for each in bars and rows. */
export interface ActionWords {
  label: string;
  /** What the row says the action does. */
  verb: string;
  fill: string;
}

const ACTIONS: Record<string, ActionWords> = {
  CREATE: { label: "Create", verb: "create", fill: "bg-bar-create" },
  UPDATE: { label: "Update", verb: "update", fill: "bg-bar-update" },
  LINK: { label: "Link", verb: "link", fill: "bg-bar-link" },
  UNLINK: { label: "Unlink", verb: "unlink", fill: "bg-bar-link" },
  DELETE: { label: "Delete", verb: "delete", fill: "bg-bar-delete" },
  EXCEPTION: { label: "Needs you", verb: "needs you", fill: "bg-bar-needs" },
  IGNORE: { label: "Ignored", verb: "ignored", fill: "bg-bar-skip" },
  REPORT: { label: "Reported", verb: "reported", fill: "bg-bar-skip" },
  NOREPORT: { label: "Not reported", verb: "not reported", fill: "bg-bar-skip" },
  ASYNC: { label: "Do nothing", verb: "nothing", fill: "bg-bar-skip" },
  UNCHANGED: { label: "Unchanged", verb: "unchanged", fill: "bg-bar-unchanged" },
};

export const ACTION_ORDER = ["UNCHANGED", "UPDATE", "CREATE", "LINK", "UNLINK", "DELETE", "EXCEPTION", "IGNORE", "REPORT", "NOREPORT", "ASYNC"];

/** The words for an action; one that this window does not know yet keeps its own name. */
export function actionWords(name: string): ActionWords {
  return ACTIONS[name.toUpperCase()] ?? { label: name, verb: name.toLowerCase(), fill: "bg-bar-skip" };
}
