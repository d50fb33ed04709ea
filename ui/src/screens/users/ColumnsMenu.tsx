import { t } from "@lingui/core/macro";
import { useLayoutEffect, useRef } from "react";
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";

import { BUTTON, Button, IconButton } from "../../parts/Button";
import type { Kind } from "./kind";

/** Which attributes the list shows, and in which order. */
export function ColumnsMenu({ kind, names, onChange }: { kind: Kind; names: string[]; onChange: (names: string[] | null) => void }) {
  return (
    <DialogTrigger>
      <AriaButton className={`${BUTTON} border-line-strong/60 bg-surface text-ink data-[hovered]:bg-hover`}>{t`Columns`}</AriaButton>
      <Popover placement="bottom end" className="z-50 w-72 overflow-y-auto rounded-md bg-raised p-3 shadow-float">
        <Dialog aria-label={t`Columns`} className="flex flex-col gap-1 outline-none">
          <ColumnLists kind={kind} names={names} onChange={onChange} />
          <Button look="quiet" className="-ml-2.5 self-start" onClick={() => onChange(null)}>
            {t`As it was`}
          </Button>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

type Control = "shown" | "left" | "right";

function ColumnLists({ kind, names, onChange }: { kind: Kind; names: string[]; onChange: (names: string[]) => void }) {
  const lists = useRef<HTMLDivElement>(null);
  const pressed = useRef<{ name: string; control: Control } | null>(null);
  // A column that changes its place takes its control with it, and the keyboard's focus would be lost.
  useLayoutEffect(() => {
    if (!pressed.current) return;
    const { name, control } = pressed.current;
    pressed.current = null;
    const rows = lists.current?.querySelectorAll<HTMLElement>("[data-column]") ?? [];
    const row = [...rows].find(({ dataset }) => dataset["column"] === name);
    const same = row?.querySelector<HTMLElement>(`[data-control=${control}]:enabled`);
    (same ?? row?.querySelector<HTMLElement>("[data-control]:enabled"))?.focus();
  });

  const others = kind.attributes.filter(({ name }) => !names.includes(name));
  const titleOf = (name: string) => kind.attributes.find((attribute) => attribute.name === name)?.title ?? name;
  const change = (name: string, control: Control, next: string[]) => {
    pressed.current = { name, control };
    onChange(next);
  };
  const moved = (index: number, by: number) => names.toSpliced(index, 1).toSpliced(index + by, 0, names[index] ?? "");
  return (
    <div ref={lists} className="flex flex-col gap-1">
      <ul aria-label={t`Shown`} className="flex flex-col">
        {names.map((name, index) => (
          <li key={name} data-column={name} className="flex h-7 items-center gap-1">
            <label className="flex min-w-0 flex-1 items-center gap-2">
              <input type="checkbox" data-control="shown" className="size-3.5 accent-accent-fill" checked disabled={names.length === 1} onChange={() => change(name, "shown", names.toSpliced(index, 1))} />
              <bdi className="truncate" title={titleOf(name)}>{titleOf(name)}</bdi>
            </label>
            <IconButton icon="up" data-control="left" label={t`${titleOf(name)} further left`} disabled={index === 0} onClick={() => change(name, "left", moved(index, -1))} />
            <IconButton icon="down" data-control="right" label={t`${titleOf(name)} further right`} disabled={index === names.length - 1} onClick={() => change(name, "right", moved(index, 1))} />
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <ul aria-label={t`Not shown`} className="flex flex-col border-t border-line pt-1">
          {others.map(({ name, title, searchable }) => (
            <li key={name} data-column={name} className="flex h-7 items-center">
              <label className="flex min-w-0 flex-1 items-center gap-2">
                <input type="checkbox" data-control="shown" className="size-3.5 accent-accent-fill" checked={false} onChange={() => change(name, "shown", [...names, name])} />
                <bdi className="truncate" title={title}>{title}</bdi>
                {!searchable && <span className="ml-auto shrink-0 text-sm whitespace-nowrap text-soft">{t`not sortable`}</span>}
              </label>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
