import { t } from "@lingui/core/macro";
import { useState } from "react";
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";

import type { AttributeInfo } from "../../backend/bindings/AttributeInfo";
import { BUTTON } from "../../parts/Button";

const MOST = 12;
const MOST_LISTED = 200;

/** Which attributes are columns, in the order in which they were picked. */
export function ColumnsPicker({ known, value, onChange }: { known: AttributeInfo[]; value: string[]; onChange: (columns: string[]) => void }) {
  const [words, setWords] = useState("");
  const wanted = words.toLowerCase();
  const shown = known.filter(({ name, label }) => `${name} ${label}`.toLowerCase().includes(wanted));
  return (
    <DialogTrigger>
      <AriaButton className={`${BUTTON} border-line-strong/60 bg-surface text-ink data-[hovered]:bg-hover`}>{t`Columns`}</AriaButton>
      <Popover placement="bottom end" className="z-50 w-72 rounded-md bg-raised shadow-float">
        <Dialog aria-label={t`Columns`} className="flex max-h-96 flex-col gap-2 p-3 outline-none">
          <input type="search" aria-label={t`Search columns`} placeholder={t`Search`} className="field shrink-0" value={words} onChange={(event) => setWords(event.target.value)} />
          <ul className="min-h-0 flex-1 overflow-y-auto">
            {shown.slice(0, MOST_LISTED).map(({ name, label }) => (
              <li key={name}>
                <label className="flex h-7 items-center gap-2 rounded-sm px-1 hover:bg-hover">
                  <input
                    type="checkbox"
                    className="size-3.5 accent-accent-fill"
                    checked={value.includes(name)}
                    disabled={!value.includes(name) && value.length >= MOST}
                    onChange={(event) => onChange(event.target.checked ? [...value, name] : value.filter((other) => other !== name))}
                  />
                  <bdi className="min-w-0 flex-1 truncate" title={name}>
                    {label || name}
                  </bdi>
                </label>
              </li>
            ))}
          </ul>
          {shown.length > MOST_LISTED && <p className="text-sm text-soft">{t`The first ${MOST_LISTED}; search for others.`}</p>}
          {value.length >= MOST && <p className="text-sm text-soft">{t`${MOST} columns are the most that can be read at once.`}</p>}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
