import { t } from "@lingui/core/macro";
import { type InputHTMLAttributes, type ReactNode, useId, useState } from "react";

interface Shared {
  label: string;
  help?: ReactNode;
  /** What is wrong with the value, one line each. */
  errors?: string[];
  required?: boolean;
  /** The label is for those who do not see what stands around the control. */
  hideLabel?: boolean;
}

/** Label, control, help and errors in one arrangement, tied together for those who do not see it. */
export function Field({ label, help, errors = [], required = false, hideLabel = false, children }: Shared & { children: (props: { id: string; "aria-describedby"?: string; "aria-invalid"?: true; "aria-required"?: true }) => ReactNode }) {
  const id = useId();
  const described = [help && `${id}-help`, errors.length > 0 && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="flex flex-col gap-1">
      <span className={hideLabel ? "sr-only" : undefined}>
        <label htmlFor={id} className="text-sm text-soft">
          {label}
        </label>
        {required && (
          <span className="ml-0.5 text-needs" aria-hidden="true" title={t`Required`}>
            *
          </span>
        )}
      </span>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": errors.length > 0 || undefined, "aria-required": required || undefined })}
      {errors.length > 0 && (
        <ul id={`${id}-error`} className="text-sm text-needs">
          {errors.map((error) => (
            <li key={error}>{error}</li>
          ))}
        </ul>
      )}
      {help && (
        <div id={`${id}-help`} className="text-sm text-soft">
          {help}
        </div>
      )}
    </div>
  );
}

type TextFieldProps = Shared & Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value" | "id"> & { value: string; onChange?: (value: string) => void; mono?: boolean };

export function TextField({ label, help, errors, required, hideLabel, value, onChange, mono, className = "", ...rest }: TextFieldProps) {
  return (
    <Field label={label} help={help} errors={errors} required={required} hideLabel={hideLabel}>
      {(props) => (
        <input
          type="text"
          autoComplete="off"
          spellCheck={false}
          dir="auto"
          className={`field ${mono ? "font-mono text-sm" : ""} ${className}`}
          value={value}
          onChange={(event) => onChange?.(event.target.value)}
          readOnly={!onChange}
          {...props}
          {...rest}
        />
      )}
    </Field>
  );
}

/** One of a few values. The value that is there stays among them, even when it is none of them. */
export function SelectField({ label, help, errors, required, hideLabel, value, options, words, onChange }: Shared & { value: string; options: string[]; /** What an option is called, where that is not its value. */ words?: Record<string, string>; onChange: (value: string) => void }) {
  const all = options.includes(value) ? options : [value, ...options];
  return (
    <Field label={label} help={help} errors={errors} required={required} hideLabel={hideLabel}>
      {(props) => (
        <select className="field" value={value} onChange={(event) => onChange(event.target.value)} {...props}>
          {all.map((option) => (
            <option key={option} value={option}>
              {words?.[option] ?? (option === "" ? "\u2013" : option)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** On or off. When `onChange` returns a promise, what was asked for is shown until it is settled, and `checked` from then on. */
export function Switch({ label, help, checked, onChange, disabled, hideLabel = false }: { label: string; hideLabel?: boolean; help?: ReactNode; checked: boolean; onChange: (checked: boolean) => unknown; disabled?: boolean }) {
  const id = useId();
  const [asked, setAsked] = useState<boolean | null>(null);
  const on = asked ?? checked;
  function turn(wanted: boolean) {
    if (asked !== null) return;
    const done = onChange(wanted);
    if (!(done instanceof Promise)) return;
    setAsked(wanted);
    // Whoever began the change shows its error; here the switch only goes back.
    void done.catch(() => undefined).finally(() => setAsked(null));
  }
  return (
    <div className="flex flex-col gap-1">
      <label className="inline-flex items-center gap-2 self-start">
        <span className="relative flex">
          <input
            type="checkbox"
            role="switch"
            className="peer absolute inset-0 z-1 m-0 opacity-0"
            checked={on}
            aria-checked={on}
            aria-busy={asked !== null || undefined}
            disabled={disabled}
            aria-describedby={help ? `${id}-help` : undefined}
            onChange={(event) => turn(event.target.checked)}
          />
          <span
            aria-hidden="true"
            className={`flex h-4 w-7 items-center rounded-full p-0.5 transition-colors peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-accent ${on ? "bg-accent-fill" : "bg-line-strong"}`}
          >
            <span className={`size-3 rounded-full bg-on-accent transition-transform ${on ? "translate-x-3" : ""}`} />
          </span>
        </span>
        <span className={hideLabel ? "sr-only" : undefined}>{label}</span>
      </label>
      {help && (
        <div id={`${id}-help`} className="text-sm text-soft">
          {help}
        </div>
      )}
    </div>
  );
}

/** One of a few, each with a line that says what it means. */
export function Choice<T extends string>({ legend, name, value, options, onChange }: {
  legend: string;
  name: string;
  value: T;
  options: { value: T; label: string; help?: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1 text-sm text-soft">{legend}</legend>
      {options.map((option) => (
        <label key={option.value} className="flex items-baseline gap-2">
          <input
            type="radio"
            name={name}
            className="relative top-0.5 size-3.5 accent-accent-fill"
            checked={value === option.value}
            aria-label={option.label}
            onChange={() => onChange(option.value)}
          />
          <span>
            {option.label}
            {option.help && <span className="text-sm text-soft"> {"\u2013"} {option.help}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
