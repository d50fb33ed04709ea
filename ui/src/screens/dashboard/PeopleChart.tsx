import { t } from "@lingui/core/macro";

import type { DayFigures } from "../../backend/bindings/DayFigures";
import { number } from "../../words/numbers";
import { chartOf, dayWords, line } from "./chart";

const WIDTH = 480;
const HEIGHT = 96;

/** How many users there were over the last weeks, as far back as anybody looked. */
export function PeopleChart({ days }: { days: DayFigures[] }) {
  const { points, low, high } = chartOf(days, WIDTH, HEIGHT);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return <p className="text-soft">{t`Nobody was counted yet.`}</p>;
  if (points.length === 1) {
    return (
      <p className="text-soft">
        {t`${number(last.users)} today. A line is drawn here from the second day on.`}
      </p>
    );
  }
  const change = last.users - first.users;
  const said = t`${number(first.users)} on ${dayWords(first.day)}, ${number(last.users)} today`;
  return (
    <figure>
      <figcaption className="mb-2 flex items-baseline gap-2">
        <span className="text-xl font-semibold">{number(last.users)}</span>
        <span className="text-soft">
          {change === 0 ? t`as on ${dayWords(first.day)}` : t`${(change > 0 ? "+" : "\u2212") + number(Math.abs(change))} since ${dayWords(first.day)}`}
        </span>
      </figcaption>
      <div className="flex gap-2">
        <svg role="img" aria-label={t`Users: ${said}`} viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`} preserveAspectRatio="none" className="h-24 min-w-0 flex-1 overflow-visible">
          <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} stroke="var(--line)" vectorEffect="non-scaling-stroke" />
          <line x1="0" x2={WIDTH} y1="0" y2="0" stroke="var(--line)" strokeDasharray="2 4" vectorEffect="non-scaling-stroke" />
          <path d={`${line(points)}L${last.x} ${HEIGHT}L${first.x} ${HEIGHT}Z`} fill="var(--accent)" opacity="0.1" />
          <path d={line(points)} fill="none" stroke="var(--accent)" strokeWidth="1.5" strokeLinejoin="round" vectorEffect="non-scaling-stroke" />
          {points.map(({ x, day, users }) => (
            <rect key={day} x={x - WIDTH / days.length / 2} y="-4" width={WIDTH / days.length} height={HEIGHT + 8} fill="transparent">
              <title>{`${dayWords(day)}: ${number(users)}`}</title>
            </rect>
          ))}
        </svg>
        <div aria-hidden="true" className="flex w-12 shrink-0 flex-col justify-between text-xs text-soft">
          <span className="-mt-1.5">{number(high)}</span>
          <span className="-mb-1.5">{low === high ? "" : number(low)}</span>
        </div>
      </div>
      <div aria-hidden="true" className="mt-1.5 flex justify-between pr-14 text-xs text-soft">
        <span>{dayWords(days[0]?.day ?? "")}</span>
        <span>{t`today`}</span>
      </div>
    </figure>
  );
}
