import { t } from "@lingui/core/macro";

/** IDM's actions as people say them, with the colour that stands for each in bars and rows. */
export interface ActionWords {
  label: string;
  /** What the row says the action does. */
  verb: string;
  fill: string;
}

const ACTIONS: Record<string, ActionWords> = {
  CREATE: { label: t`Create`, verb: t`create`, fill: "bg-bar-create" },
  UPDATE: { label: t`Update`, verb: t`update`, fill: "bg-bar-update" },
  LINK: { label: t`Link`, verb: t`link`, fill: "bg-bar-link" },
  UNLINK: { label: t`Unlink`, verb: t`unlink`, fill: "bg-bar-link" },
  DELETE: { label: t`Delete`, verb: t`delete`, fill: "bg-bar-delete" },
  EXCEPTION: { label: t`Needs you`, verb: t`needs you`, fill: "bg-bar-needs" },
  IGNORE: { label: t`Ignored`, verb: t`ignored`, fill: "bg-bar-skip" },
  REPORT: { label: t`Reported`, verb: t`reported`, fill: "bg-bar-skip" },
  NOREPORT: { label: t`Not reported`, verb: t`not reported`, fill: "bg-bar-skip" },
  ASYNC: { label: t`Do nothing`, verb: t`nothing`, fill: "bg-bar-skip" },
  LEFT_AS_IT_IS: { label: t`Left as it is`, verb: t`left as it is`, fill: "bg-bar-skip" },
  UNCHANGED: { label: t`Unchanged`, verb: t`unchanged`, fill: "bg-bar-unchanged" },
};

export const ACTION_ORDER = ["UNCHANGED", "UPDATE", "CREATE", "LINK", "UNLINK", "DELETE", "EXCEPTION", "LEFT_AS_IT_IS", "IGNORE", "REPORT", "NOREPORT", "ASYNC"];

/** The words for an action; one that this window does not know yet keeps its own name. */
export function actionWords(name: string): ActionWords {
  return ACTIONS[name.toUpperCase()] ?? { label: name, verb: name.toLowerCase(), fill: "bg-bar-skip" };
}
