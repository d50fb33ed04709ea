import { t } from "@lingui/core/macro";

import type { Policy } from "./schema";
import { IconButton } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import { paramsOf, paramText, paramValue, policyTitle } from "./policies";

const ADD = t`Add a policy`;

/** The policies of a property in the order in which they are checked, each with its parameters. */
export function PolicyList({ policies, known, onChange }: { policies: Policy[]; known: string[]; onChange: (policies: Policy[]) => void }) {
  const free = known.filter((id) => !policies.some(({ policyId }) => policyId === id));
  const byTitle = new Map(free.map((id) => [policyTitle(id), id]));
  const replace = (index: number, policy: Policy) => onChange(policies.map((other, i) => (i === index ? policy : other)));
  return (
    <div className="flex flex-col gap-3">
      {policies.length > 0 && (
        <ul aria-label={t`Policies`} className="flex flex-col gap-2">
          {policies.map((policy, index) => (
            <li key={policy.policyId} className="rounded-md border border-line px-3 py-2">
              <div className="flex items-center gap-2">
                <span className="min-w-0 flex-1 truncate" title={policy.policyId}>
                  {policyTitle(policy.policyId)}
                  {!known.includes(policy.policyId) && <span className="text-sm text-waits"> {t`(kept, not checked here)`}</span>}
                </span>
                <IconButton icon="trash" label={t`Remove policy ${policyTitle(policy.policyId)}`} onClick={() => onChange(policies.filter((_, i) => i !== index))} />
              </div>
              {paramsOf(policy.policyId).map((param) => (
                <div key={param.key} className="mt-1">
                  <TextField
                    label={param.label}
                    help={param.help}
                    inputMode={param.kind === "number" ? "numeric" : undefined}
                    mono={param.kind !== "number"}
                    value={paramText(policy.params?.[param.key])}
                    onChange={(typed) => {
                      const { [param.key]: _, ...others } = policy.params ?? {};
                      const value = paramValue(param, typed);
                      replace(index, { ...policy, params: value === undefined ? others : { ...others, [param.key]: value } });
                    }}
                  />
                </div>
              ))}
            </li>
          ))}
        </ul>
      )}
      {free.length > 0 && (
        <SelectField
          label={ADD}
          hideLabel
          value={`${ADD}\u2026`}
          options={[...byTitle.keys()].toSorted((a, b) => a.localeCompare(b))}
          onChange={(title) => {
            const id = byTitle.get(title);
            if (id) onChange([...policies, paramsOf(id).length > 0 ? { policyId: id, params: {} } : { policyId: id }]);
          }}
        />
      )}
    </div>
  );
}
