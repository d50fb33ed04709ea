import { t } from "@lingui/core/macro";
import type { NavigateOptions } from "@tanstack/react-router";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { GoButton } from "../../parts/GoButton";
import { Icon } from "../../parts/Icon";

export interface FirstStep {
  title: string;
  done: boolean;
  action: string;
  go: NavigateOptions;
}

function toMapping(found: MappingSummary | undefined): NavigateOptions {
  if (!found) return { to: "/mappings/new" };
  return { to: "/mappings/$name", params: { name: found.name }, search: found.lastRun && hasPlan(found.lastRun) ? { tab: "run", run: found.lastRun.id } : {} };
}

/** Whether a run has a plan to look at, or is about to. */
function hasPlan({ state }: RunSummary): boolean {
  return state !== "failed" && state !== "canceled" && state !== "interrupted";
}

/** Whether a run brought records in line, or found them so. */
function reconciles({ mode, state, done }: RunSummary): boolean {
  return done > 0 || (mode !== "preview" && state === "success");
}

/** The way from nothing to people that are in sync; nothing once it was gone, whatever ran after that. */
export function firstSteps(connectors: ConnectorSummary[], mappings: MappingSummary[], runs: RunSummary[]): FirstStep[] {
  const untested = connectors.find(({ state }) => state !== "active");
  const works = connectors.some(({ state }) => state === "active");
  const last = mappings.flatMap(({ lastRun }) => lastRun ?? []);
  if ([...last, ...runs].some(reconciles)) return [];
  const mapping = mappings[0];
  const planned = mappings.find(({ lastRun }) => lastRun !== null && hasPlan(lastRun));
  return [
    { title: t`Connect a system`, done: works, action: untested ? t`Go on` : t`New connector`, go: untested ? { to: "/connectors/$name", params: { name: untested.name } } : { to: "/connectors/new" } },
    { title: t`Say what becomes what: a mapping`, done: mappings.length > 0, action: t`New mapping`, go: { to: "/mappings/new" } },
    { title: t`Look at the plan: a preview`, done: planned !== undefined, action: t`Open the mapping`, go: toMapping(mapping) },
    { title: t`Carry it out: reconcile`, done: false, action: t`Open the plan`, go: toMapping(planned ?? mapping) },
  ];
}

export function FirstSteps({ steps }: { steps: FirstStep[] }) {
  const current = steps.findIndex(({ done }) => !done);
  return (
    <ol aria-label={t`First steps`} className="flex flex-col">
      {steps.map(({ title, done, action, go }, index) => (
        <li key={title} aria-current={index === current ? "step" : undefined} className="flex min-h-9 items-center gap-3 border-b border-line last:border-0">
          <span
            aria-hidden="true"
            className={`flex size-5 shrink-0 items-center justify-center rounded-full text-xs ${done ? "bg-fine-soft text-fine" : index === current ? "bg-accent-fill text-on-accent" : "border border-line-strong/60 text-soft"}`}
          >
            {done ? <Icon name="check" size={12} /> : index + 1}
          </span>
          <span className={`min-w-0 flex-1 truncate ${index === current ? "font-medium" : "text-soft"}`}>
            {title}
            {done && <span className="sr-only">{t`, done`}</span>}
          </span>
          {index === current && (
            <GoButton look="primary" go={go}>
              {action}
            </GoButton>
          )}
        </li>
      ))}
    </ol>
  );
}
