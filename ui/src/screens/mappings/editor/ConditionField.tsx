import { t } from "@lingui/core/macro";
import { useState } from "react";

import { SegmentedChoice } from "../../../parts/SegmentedChoice";
import type { Suggestion } from "../../../parts/Suggest";
import { type Condition, isScript, type Script } from "./document";
import { FilterField } from "./FilterField";
import { ScriptField } from "./ScriptField";

type Kind = "none" | "filter" | "script";

/** No condition, a query filter or a script. */
export function ConditionField({ label, none, value, variable, attributes, variables, errors, onChange }: {
  label: string;
  /** What it means that there is no condition: "always". */
  none: string;
  value: Condition | undefined;
  variable: string;
  attributes: Suggestion[];
  variables: string[];
  errors?: string[];
  onChange: (value: Condition | undefined) => void;
}) {
  const stored: Kind = isScript(value) ? "script" : value === undefined ? "none" : "filter";
  // A filter without a comparison is none in the document, and still what was chosen here.
  const [chosen, setChosen] = useState<Kind>(stored);
  const kind = stored === "none" ? chosen : stored;
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <SegmentedChoice<Kind>
        label={label}
        value={kind}
        options={[
          { value: "none", label: none },
          { value: "filter", label: t`Filter` },
          { value: "script", label: t`Script` },
        ]}
        onChange={(next) => {
          setChosen(next);
          if (next === "script") onChange({ type: "text/javascript", source: "true" } satisfies Script);
          else onChange(undefined);
        }}
      />
      {kind === "filter" && <FilterField label={label} value={typeof value === "string" ? value : ""} variable={variable} attributes={attributes} errors={errors} onChange={(text) => onChange(text === "" ? undefined : text)} />}
      {kind === "script" && <ScriptField label={t`${label}: script`} value={isScript(value) ? value : undefined} variables={variables} errors={errors} help={t`Gives true or false.`} lines={3} onChange={onChange} />}
      {kind === "none" && errors && errors.length > 0 && <p role="alert" className="text-sm text-needs">{errors.join(" ")}</p>}
    </div>
  );
}
