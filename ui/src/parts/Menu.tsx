import type { ReactNode } from "react";
import { Menu as AriaMenu, MenuItem, MenuTrigger, Button as AriaButton, Popover } from "react-aria-components";

import { BUTTON } from "./Button";
import { Icon, type IconName } from "./Icon";

export interface MenuEntry {
  id: string;
  label: string;
  /** What it means, below the label. */
  help?: string;
  icon?: IconName;
  disabled?: boolean;
  run: () => void;
}

/** A button that opens a few further actions. Without text it is a drawing of three points. */
export function Menu({ label, entries, disabled = false, children }: { label: string; entries: MenuEntry[]; disabled?: boolean; children?: ReactNode }) {
  return (
    <MenuTrigger>
      <AriaButton
        aria-label={children ? undefined : label}
        isDisabled={disabled}
        className={`${BUTTON} border-line-strong/60 bg-surface text-ink data-[disabled]:opacity-50 data-[hovered]:bg-hover ${children ? "" : "px-1.5"}`}
      >
        {children ?? <Icon name="more" />}
        {children && <Icon name="down" size={12} />}
      </AriaButton>
      <Popover placement="bottom end" className="rounded-md border border-line bg-raised shadow-float">
        <AriaMenu aria-label={label} className="max-w-80 min-w-44 p-1 outline-none" onAction={(key) => entries.find(({ id }) => id === key)?.run()}>
          {entries.map((entry) => (
            <MenuItem
              key={entry.id}
              id={entry.id}
              textValue={entry.label}
              isDisabled={entry.disabled ?? false}
              className="flex cursor-default items-start gap-2 rounded-sm px-2 py-1.5 outline-none data-[disabled]:opacity-50 data-[focused]:bg-picked"
            >
              {entry.icon && (
                <span className="mt-0.5">
                  <Icon name={entry.icon} size={14} />
                </span>
              )}
              <span className="min-w-0">
                {entry.label}
                {entry.help && <span className="block text-sm text-soft">{entry.help}</span>}
              </span>
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
