import type { ComponentProps } from "react";

import { FilterBuilder } from "../../../parts/FilterBuilder";
import { useEditor } from "./EditorContext";

/** A query filter of the mapping; what is typed until a field is left is one edit to undo. */
export function FilterField(props: Omit<ComponentProps<typeof FilterBuilder>, "onLeave">) {
  return <FilterBuilder {...props} onLeave={useEditor().draft.seal} />;
}
