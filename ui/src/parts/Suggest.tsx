import { t } from "@lingui/core/macro";
import { type ReactNode } from "react";
import { Button, ComboBox, Input, Label, ListBox, ListBoxItem, Popover, Text } from "react-aria-components";

import { Icon } from "./Icon";

export interface Suggestion {
  id: string;
  /** What it is, for people. */
  note?: string;
}

/** A text with names to choose from; any other text is fine too. */
export function Suggest({ label, value, options, onChange, onLeave, errors = [], help, hideLabel = false, required = false, placeholder }: {
  label: string;
  value: string;
  options: Suggestion[];
  onChange: (value: string) => void;
  onLeave?: () => void;
  errors?: string[];
  help?: ReactNode;
  hideLabel?: boolean;
  required?: boolean;
  placeholder?: string;
}) {
  return (
    <ComboBox
      allowsCustomValue
      menuTrigger="input"
      inputValue={value}
      selectedKey={options.some(({ id }) => id === value) ? value : null}
      items={options}
      isInvalid={errors.length > 0}
      onInputChange={onChange}
      onSelectionChange={(key) => key !== null && onChange(String(key))}
      onBlur={onLeave}
      className="flex min-w-0 flex-col gap-1"
    >
      <Label className={hideLabel ? "sr-only" : "text-sm text-soft"}>
        {label}
        {required && (
          <span className="ml-0.5 text-needs" aria-hidden="true">
            *
          </span>
        )}
      </Label>
      <div className="relative">
        <Input className="field pr-7 font-mono text-sm" spellCheck={false} placeholder={placeholder} />
        {/* Its name goes on with the label of the field. */}
        <Button aria-label={t`Choose`} className="absolute inset-y-0 right-0 flex w-7 items-center justify-center text-soft hover:text-ink">
          <Icon name="down" size={14} />
        </Button>
      </div>
      {errors.length > 0 && <p className="text-sm text-needs">{errors.join(" ")}</p>}
      {help && (
        <Text slot="description" className="text-sm text-soft">
          {help}
        </Text>
      )}
      <Popover maxHeight={280} className="z-50 w-(--trigger-width) min-w-[260px] overflow-y-auto rounded-md bg-raised p-1 shadow-float">
        <ListBox<Suggestion> className="outline-none">
          {(item) => (
            <ListBoxItem id={item.id} textValue={item.id} className="flex h-7 items-center gap-2 rounded-sm px-2 outline-none data-[focused]:bg-picked">
              <span className="min-w-0 truncate font-mono text-sm">{item.id}</span>
              {item.note && <span className="ml-auto max-w-[55%] shrink-0 truncate text-sm text-soft">{item.note}</span>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
