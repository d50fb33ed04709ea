import { t } from "@lingui/core/macro";
import { Link } from "@tanstack/react-router";

import { Icon, Mark } from "../parts/Icon";
import { number } from "../words/numbers";
import { type Place, PLACES } from "./places";

/** How much waits at a place, by its address. */
export type Waiting = Partial<Record<Place["to"], number>>;

export function Sidebar({ waiting, needed, onPalette }: { waiting: Waiting; /** Where what waits needs a person. */ needed: Place["to"][]; onPalette: () => void }) {
  const counted = Object.entries(waiting).filter(([, count]) => count > 0);
  return (
    <nav aria-label={t`Main`} className="flex w-44 shrink-0 flex-col overflow-y-auto border-r border-line bg-sunken px-2 pt-3 pb-2">
      <div className="mb-3 flex h-7 items-center gap-2 px-2 font-semibold">
        <Mark />
        Concord
      </div>
      {PLACES.map((group, index) => (
        <div key={group.heading ?? index} className={index === PLACES.length - 1 ? "mt-auto pt-4" : group.heading ? "mt-4" : ""}>
          {group.heading && <div className="mb-1 px-2 text-xs font-medium tracking-[0.04em] text-soft uppercase">{group.heading}</div>}
          <ul>
            {group.places.map((place) => (
              <li key={place.to}>
                <Link
                  to={place.to}
                  activeOptions={{ exact: place.to === "/", includeSearch: false }}
                  className="flex h-7 items-center gap-2 rounded-sm px-2 text-soft hover:bg-hover hover:text-ink data-[status=active]:bg-picked data-[status=active]:font-medium data-[status=active]:text-ink"
                  aria-describedby={(waiting[place.to] ?? 0) > 0 ? `count-${place.to.slice(1)}` : undefined}
                >
                  <Icon name={place.icon} />
                  {place.label}
                  {(waiting[place.to] ?? 0) > 0 && (
                    <span aria-hidden="true" className={`ml-auto text-sm font-medium ${needed.includes(place.to) ? "text-needs" : "text-waits"}`}>
                      {number(waiting[place.to] ?? 0)}
                    </span>
                  )}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
      {counted.map(([place, count]) => (
        <span key={place} id={`count-${place.slice(1)}`} hidden>
          {place === "/queue" ? t`${number(count)} not delivered yet` : t`${number(count)} waiting`}
        </span>
      ))}
      <button
        type="button"
        aria-keyshortcuts="Control+K"
        onClick={onPalette}
        className="mt-1 flex h-7 items-center gap-2 rounded-sm px-2 text-soft hover:bg-hover hover:text-ink"
      >
        <Icon name="search" />
        <span className="flex-1 text-left">{t`Commands`}</span>
        <kbd aria-hidden="true" className="font-sans text-xs">
          {t`Ctrl K`}
        </kbd>
      </button>
    </nav>
  );
}
