import { plural, t } from "@lingui/core/macro";


/** The object types beside what is shown of the chosen one. */
export function TypeList({ types, value, marks = {}, onChange }: {
  types: string[];
  value: string;
  /** How many changes of a type nobody has looked at. */
  marks?: Record<string, number>;
  onChange: (type: string) => void;
}) {
  return (
    <nav aria-label={t`Object types`} className="w-48 shrink-0 overflow-y-auto border-r border-line py-4 pr-2 pl-4">
      <ul>
        {types.map((type) => (
          <li key={type}>
            <button
              type="button"
              aria-current={type === value || undefined}
              onClick={() => onChange(type)}
              className={`flex h-7 w-full items-center gap-2 rounded-sm px-2 text-left ${type === value ? "bg-picked font-medium text-ink" : "text-soft hover:bg-hover hover:text-ink"}`}
            >
              <span className="min-w-0 flex-1 truncate" title={type}>
                {type}
              </span>
              {(marks[type] ?? 0) > 0 && (
                <span className="text-sm text-waits" aria-label={t`${plural(marks[type] ?? 0, { one: "# change", other: "# changes" })} not looked at yet`} role="img">
                  {marks[type]}
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
