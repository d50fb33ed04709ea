import { t } from "@lingui/core/macro";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { Icon } from "../../../parts/Icon";
import { Page } from "../../../parts/Page";

export type Step = "system" | "keys" | "authorize" | "test" | "types" | "data" | "mapping";

const STEPS: { id: Step; title: string }[] = [
  { id: "system", title: t`System` },
  { id: "keys", title: t`Keys` },
  { id: "authorize", title: t`Authorize` },
  { id: "test", title: t`Test` },
  { id: "types", title: t`Object types` },
  { id: "data", title: t`Your data` },
  { id: "mapping", title: t`First mapping` },
];

/** The frame of all steps: which there are, which are behind, and the way on at the foot. */
export function WizardFrame({ at, consent = true, foot, children }: {
  at: Step;
  /** Whether a person has to agree at the provider. */
  consent?: boolean;
  foot?: ReactNode;
  children: ReactNode;
}) {
  const steps = STEPS.filter(({ id }) => consent || id !== "authorize");
  const current = steps.findIndex(({ id }) => id === at);
  return (
    <Page
      flush
      title={t`New connector`}
      told={t`Step ${current + 1} of ${steps.length}: ${steps[current]?.title ?? ""}`}
      trail={
        <Link to="/connectors" className="rounded-sm hover:underline">
          {t`Connectors`}
        </Link>
      }
    >
      <div className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
        <div className="grid max-w-5xl grid-cols-[132px_minmax(0,1fr)] gap-x-8">
          <ol aria-label={t`Steps`} className="sticky top-0 flex flex-col gap-1 self-start">
            {steps.map(({ id, title }, index) => (
              <li
                key={id}
                aria-current={id === at ? "step" : undefined}
                className={`flex h-7 items-center gap-2 ${id === at ? "font-medium text-ink" : "text-soft"}`}
              >
                <span
                  aria-hidden="true"
                  className={`flex size-5 items-center justify-center rounded-full text-xs ${id === at ? "bg-accent-fill text-on-accent" : index < current ? "bg-fine-soft text-fine" : "border border-line-strong/60"}`}
                >
                  {index < current ? <Icon name="check" size={12} /> : index + 1}
                </span>
                {title} {index < current && <span className="sr-only">{t`(done)`}</span>}
              </li>
            ))}
          </ol>
          <div className="min-w-0">{children}</div>
        </div>
      </div>
      {foot}
    </Page>
  );
}

/** The foot of a step that has no form. */
export function WizardFoot({ said, children }: { said?: string; children: ReactNode }) {
  return (
    <div className="flex h-12 shrink-0 items-center gap-2 border-t border-line bg-surface px-6">
      <span role="status" className="text-soft">
        {said}
      </span>
      <span className="ml-auto" />
      {children}
    </div>
  );
}
