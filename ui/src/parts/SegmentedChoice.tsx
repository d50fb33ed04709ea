import { useId } from "react";

/** One of a few words, side by side. */
export function SegmentedChoice<T extends string>({ label, hideLabel = false, value, options, onChange }: {
  label: string;
  hideLabel?: boolean;
  value: T;
  options: { value: T; label: string }[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-1">
      <legend className={hideLabel ? "sr-only" : "mb-1 text-sm text-soft"}>{label}</legend>
      <div className="flex self-start rounded-sm border border-line-strong/60">
        {options.map((option) => (
          <label
            key={option.value}
            className={`relative flex h-6.5 items-center px-2.5 whitespace-nowrap first:rounded-l-sm last:rounded-r-sm not-first:border-l not-first:border-line has-focus-visible:outline-2 has-focus-visible:outline-accent ${value === option.value ? "bg-picked font-medium text-ink" : "text-soft hover:bg-hover hover:text-ink"}`}
          >
            <input type="radio" name={name} className="absolute inset-0 m-0 opacity-0" checked={value === option.value} onChange={() => onChange(option.value)} />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
