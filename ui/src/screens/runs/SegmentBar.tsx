import type { ReactNode } from "react";

import { number } from "../../words/numbers";
import type { Segment } from "./segments";

/** All records of a run as one bar, with its legend. Small parts stay wide enough to be seen. */
export function SegmentBar({ label, segments, ways = {} }: { label: string; segments: Segment[]; /** Where the records of a part are shown, by its name. */ ways?: Record<string, () => void> }) {
  if (segments.length === 0) return null;
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <span aria-hidden="true" className="text-xs text-soft">
        {label}
      </span>
      <div aria-hidden="true" className="flex h-3 gap-px overflow-hidden rounded-sm">
        {segments.map((segment) => (
          <div key={segment.name} className={segment.fill} style={{ flexGrow: segment.count, flexBasis: 0, minWidth: 5 }} title={`${number(segment.count)} ${segment.label}`} />
        ))}
      </div>
      <ul aria-label={label} className="flex flex-wrap gap-x-5 gap-y-1">
        {segments.map((segment) => (
          <li key={segment.name} className="flex items-center gap-1.5" title={segment.meaning}>
            <span aria-hidden="true" className={`size-2.5 rounded-[2px] ${segment.fill}`} />
            <Shown onPress={ways[segment.name]}>
              <span className="text-soft">{segment.label}</span> <span className="font-medium">{number(segment.count)}</span>
            </Shown>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Shown({ onPress, children }: { onPress: (() => void) | undefined; children: ReactNode }) {
  if (!onPress) return <span>{children}</span>;
  return (
    <button type="button" className="rounded-sm underline decoration-line-strong underline-offset-2 hover:decoration-current" onClick={onPress}>
      {children}
    </button>
  );
}
