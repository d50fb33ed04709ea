import { sentence } from "../../../words/error";

/** What is wrong with a mapping, and where in it. */
export interface Complaint {
  /** `property mail`, `policy FOUND`, a key of the document, or empty where the text does not tell. */
  place: string;
  text: string;
}

const PLACED = /^mapping `?[^`,(]+`?, ([^:]+): ([^]*)$/;
const SCRIPT = /^mapping [^,(]+?(?:, property ([^ (]+))? \((\w[\w ]*)\)([^]*)$/;

/** Finds the place that the backend's sentence names: `mapping m, property mail (transform), line 2: ...`. */
export function complaintOf(message: string): Complaint {
  const script = SCRIPT.exec(message);
  if (script) {
    const [, property, hook = "", rest = ""] = script;
    return { place: property ? `property ${property}` : hook, text: sentence(`\`${hook}\`${rest}`) };
  }
  const placed = PLACED.exec(message);
  if (!placed) return { place: "", text: sentence(message) };
  const [, place = "", text = ""] = placed;
  return { place: place.replaceAll("`", "").replace(/^policies$/, "policy"), text: sentence(text) };
}

const TABS: [RegExp, string][] = [
  [/^property /, "properties"],
  [/^(sourceCondition|validSource|validTarget|correlation|sourceQuery|targetQuery|linkQualifiers)/, "association"],
  [/^(policy|postAction|on[A-Z]|result|defaultMapping|postMapping)/, "behaviors"],
  [/^(enableSync|syncMode|triggerSyncProperties)/, "scheduling"],
  [/^(guards|links|conflictRule|displayName|enableLinking)/, "advanced"],
];

/** The tab on which a place stands; nothing where it stands on none. */
export function tabOf(place: string): string | undefined {
  return TABS.find(([pattern]) => pattern.test(place))?.[1];
}
