import { t } from "@lingui/core/macro";
import { Fragment } from "react";

import type { TypeProblem } from "../../backend/bindings/TypeProblem";
import { IconButton } from "../../parts/Button";
import { Icon } from "../../parts/Icon";
import { useReorder } from "../../parts/useReorder";
import { cellText } from "../../words/value";
import { policyTitle } from "./policies";
import { Problems } from "./Problems";
import { isRequired, isUnique, kindOf, KINDS, moved, orderOf, policiesOf, propertyOf, type TypeDocument, withKind, withProperty, withRequired, withUnique } from "./schema";

const COLUMNS = 10;
/** Beside an open property there is room for what orders and names the others. */
const COLUMNS_BESIDE = 5;

/** The properties of a type in form order: what is asked most often in place, the rest beside. */
export function PropertiesTable({ doc, problemsOf, open, onChange, onOpen, onRemove }: {
  doc: TypeDocument;
  problemsOf: (name: string) => TypeProblem[];
  /** The property whose details are open. */
  open: string | null;
  onChange: (doc: TypeDocument) => void;
  onOpen: (name: string) => void;
  onRemove: (name: string) => void;
}) {
  const names = orderOf(doc);
  const whole = open === null;
  const columns = whole ? COLUMNS : COLUMNS_BESIDE;
  // In a narrow window the open property has its title, the others their names.
  const roomy = whole ? "max-[800px]:w-36" : "max-[1100px]:hidden";
  const order = useReorder(names.length, (from, to) => onChange(moved(doc, from, to)));
  const edge = (index: number) => (order.gap === index ? "border-t-2 border-t-accent" : "");
  return (
    <table className={`rows inset ${whole ? "max-[860px]:min-w-[780px]" : ""}`} aria-label={t`Properties`}>
      <thead>
        <tr>
          <th scope="col" className="w-8">
            <span className="sr-only">{t`Order`}</span>
          </th>
          <th scope="col" className={whole ? "w-[20%] max-[1100px]:w-[16%]" : "w-[34%] max-[1100px]:w-auto"}>{t`Name`}</th>
          <th scope="col" className={roomy}>{t`Title`}</th>
          <th scope="col" className="w-36 max-[1100px]:w-34">{t`Type`}</th>
          {whole && (
            <>
              <th scope="col" className="w-[76px] text-center">{t`Required`}</th>
              <th scope="col" className="w-[84px] text-center">{t`Searchable`}</th>
              <th scope="col" className="w-[64px] text-center">{t`Unique`}</th>
              <th scope="col" className="w-[12%] max-[1100px]:hidden">{t`Default`}</th>
              <th scope="col" className="w-[72px]">{t`Policies`}</th>
            </>
          )}
          <th scope="col" className="w-8">
            <span className="sr-only">{t`Remove`}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {names.map((name, index) => {
          const property = propertyOf(doc, name);
          const { kind } = kindOf(property);
          const problems = problemsOf(name);
          const policies = policiesOf(property).filter(({ policyId }) => policyId !== "unique" && policyId !== "required");
          const { ref: handle, ...drag } = order.handle(index);
          return (
            <Fragment key={name}>
              <tr ref={order.row(index)} className={`${open === name ? "bg-picked" : "hover:bg-hover"} ${order.dragged === index ? "opacity-50" : ""} ${edge(index)}`}>
                <td>
                  <button ref={handle} type="button" aria-label={t`Move ${name}`} title={t`Drag, or press the arrow keys`} className="flex size-6 cursor-grab touch-none items-center justify-center rounded-sm text-soft hover:text-ink" {...drag}>
                    <Icon name="grip" size={14} />
                  </button>
                </td>
                <th scope="row">
                  <button type="button" aria-expanded={open === name} className="block max-w-full truncate rounded-sm text-left font-mono text-sm hover:underline" title={name} onClick={() => onOpen(name)}>
                    {name}
                  </button>
                </th>
                <td className={roomy}>
                  <input
                    aria-label={t`Title of ${name}`}
                    className="field"
                    dir="auto"
                    autoComplete="off"
                    title={typeof property["title"] === "string" ? property["title"] : undefined}
                    value={typeof property["title"] === "string" ? property["title"] : ""}
                    onChange={(event) => onChange(withProperty(doc, name, { title: event.target.value }))}
                  />
                </td>
                <td>
                  <select aria-label={t`Type of ${name}`} className="field" value={kind} onChange={(event) => onChange(withKind(doc, name, event.target.value))}>
                    {(KINDS.includes(kind) ? KINDS : [kind, ...KINDS]).map((option) => (
                      <option key={option} value={option}>
                        {option}
                      </option>
                    ))}
                  </select>
                </td>
                {whole && (
                  <>
                    <Tick label={t`${name} is required`} checked={isRequired(doc, name)} onChange={(on) => onChange(withRequired(doc, name, on))} />
                    <Tick label={t`${name} is searchable`} checked={property["searchable"] === true} onChange={(on) => onChange(withProperty(doc, name, { searchable: on }))} />
                    <Tick label={t`${name} is unique`} checked={isUnique(property)} onChange={(on) => onChange(withUnique(doc, name, on))} />
                    <td className="max-[1100px]:hidden" title={cellText(property["default"])}>
                      {cellText(property["default"]) === "" ? <span className="text-soft">{"\u2013"}</span> : <bdi>{cellText(property["default"])}</bdi>}
                    </td>
                    <td>
                      <button
                        type="button"
                        className="block max-w-full truncate rounded-sm text-accent hover:underline"
                        aria-label={t`Policies of ${name}`}
                        title={policies.map(({ policyId }) => policyTitle(policyId)).join(", ")}
                        onClick={() => onOpen(name)}
                      >
                        {policies.length === 0 ? t`none` : policies.length}
                      </button>
                    </td>
                  </>
                )}
                <td>
                  <IconButton icon="trash" label={t`Remove ${name}`} onClick={() => onRemove(name)} />
                </td>
              </tr>
              {problems.length > 0 && (
                <tr>
                  <td />
                  <td colSpan={columns - (whole ? 2 : 1)} className="h-auto! pb-2">
                    <Problems problems={problems} />
                  </td>
                </tr>
              )}
            </Fragment>
          );
        })}
        {order.gap === names.length && (
          <tr aria-hidden="true" className="spacer">
            <td colSpan={columns} className="border-t-2! border-t-accent!" />
          </tr>
        )}
      </tbody>
    </table>
  );
}

function Tick({ label, checked, onChange }: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <td className="text-center">
      <input type="checkbox" aria-label={label} className="size-3.5 align-middle accent-accent-fill" checked={checked} onChange={(event) => onChange(event.target.checked)} />
    </td>
  );
}
