import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";

import { appStatus } from "../../app/queries";
import { setTheme, type Theme, useTheme } from "../../app/theme";
import { LANGUAGES, language, setLanguage } from "../../locales/language";
import { Choice } from "../../parts/Field";
import { Page, Section, Skeleton } from "../../parts/Page";
import { AboutPart } from "./AboutPart";
import { NetworkPart } from "./NetworkPart";
import { Notifications } from "./Notifications";
import { SandboxPart } from "./SandboxPart";
import { ServePart } from "./ServePart";
import { VaultPart } from "./VaultPart";

const THEMES: { value: Theme; label: string }[] = [
  { value: "system", label: t`As the system` },
  { value: "light", label: t`Light` },
  { value: "dark", label: t`Dark` },
];

/** What stays above a part that was gone to, in pixels. */
const ABOVE = 16;

const PARTS = [
  ["appearance", t`Appearance`],
  ["notifications", t`Notifications`],
  ["vault", t`Vault`],
  ["network", t`Network`],
  ["sandboxes", t`Sandboxes`],
  ["serving", t`Serving`],
  ["about", t`About`],
] as const;

export function SettingsPage() {
  const status = useQuery(appStatus);
  const theme = useTheme();
  const frame = useRef<HTMLDivElement>(null);
  const { part } = useSearch({ from: "/settings" });
  const go = (id: string) => bringUp(frame.current, id);
  const read = status.data !== undefined;
  useEffect(() => {
    if (part !== undefined && read) bringUp(frame.current, part);
  }, [part, read, frame]);
  return (
    <Page flush title={t`Settings`}>
      <div className="flex min-h-0 flex-1">
        <nav aria-label={t`Parts of the settings`} className="w-44 shrink-0 border-r border-line py-4 pr-2 pl-4">
          <ul>
            {PARTS.map(([id, title]) => (
              <li key={id}>
                <button type="button" className="flex h-7 w-full items-center rounded-sm px-2 text-left text-soft hover:bg-hover hover:text-ink" onClick={() => go(id)}>
                  {title}
                </button>
              </li>
            ))}
          </ul>
        </nav>
        <div ref={frame} className="relative min-h-0 flex-1 overflow-y-auto px-6 py-4">
          <div className="max-w-2xl">
            <Place id="appearance">
              <Section title={t`Appearance`}>
                <div className="flex flex-col gap-4">
                  <Choice legend={t`Theme`} name="theme" value={theme} options={THEMES} onChange={setTheme} />
                  {LANGUAGES.length > 1 && <Choice legend={t`Language`} name="language" value={language()} options={LANGUAGES.map(({ code, name }) => ({ value: code, label: name }))} onChange={setLanguage} />}
                </div>
              </Section>
            </Place>
            <Place id="notifications">
              <Section title={t`Notifications`}>
                <Notifications />
              </Section>
            </Place>
            <Place id="vault">
              <Section title={t`Vault`}>{status.data ? <VaultPart vault={status.data.vault} /> : <Skeleton rows={2} />}</Section>
            </Place>
            <Place id="network">
              <Section title={t`Network`}>
                <NetworkPart />
              </Section>
            </Place>
            <Place id="sandboxes">
              <Section title={t`Sandboxes`}>
                <SandboxPart />
              </Section>
            </Place>
            <Place id="serving">
              <ServePart />
            </Place>
            <Place id="about">
              <Section title={t`About`}>
                <AboutPart />
              </Section>
            </Place>
          </div>
        </div>
      </div>
    </Page>
  );
}

function bringUp(frame: HTMLElement | null, id: string) {
  const place = [...(frame?.querySelectorAll<HTMLElement>("[data-part]") ?? [])].find(({ dataset }) => dataset["part"] === id);
  if (!place || !frame) return;
  // Only this frame scrolls: scrollIntoView would move the whole window too.
  frame.scrollTop += place.getBoundingClientRect().top - frame.getBoundingClientRect().top - ABOVE;
  place.focus({ preventScroll: true });
}

/** Where a link of the list of parts leads, for the eye and for the keyboard. */
function Place({ id, children }: { id: string; children: ReactNode }) {
  return (
    <div data-part={id} tabIndex={-1} className="mb-8 outline-none last:mb-0">
      {children}
    </div>
  );
}
