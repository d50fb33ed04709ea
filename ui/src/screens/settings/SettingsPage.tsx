import { useQuery } from "@tanstack/react-query";

import { appStatus } from "../../app/queries";
import { setTheme, type Theme, useTheme } from "../../app/theme";
import type { VaultStatus } from "../../backend/bindings/VaultStatus";
import { Choice } from "../../parts/Field";
import { Page, Section, Skeleton } from "../../parts/Page";
import { State, type Tone } from "../../parts/State";
import { Notifications } from "./Notifications";
import { ServePart } from "./ServePart";

const THEMES: { value: Theme; label: string }[] = [
  { value: "system", label: "As the system" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

const VAULT: Record<VaultStatus["state"], { tone: Tone; text: string }> = {
  new: { tone: "off", text: "Not used yet" },
  needsPassphrase: { tone: "waits", text: "Waits for its passphrase" },
  unlocked: { tone: "fine", text: "Open" },
  locked: { tone: "needs", text: "Locked" },
};

const SOURCES: Record<string, string> = { keyring: "this computer's keyring", passphrase: "a passphrase" };

export function SettingsPage() {
  const status = useQuery(appStatus);
  const theme = useTheme();
  return (
    <Page title="Settings">
      <div className="max-w-2xl">
        <Section title="Appearance">
          <Choice legend="Theme" name="theme" value={theme} options={THEMES} onChange={setTheme} />
        </Section>
        <Section title="Notifications">
          <Notifications />
        </Section>
        <Section title="Vault">{status.data ? <Vault vault={status.data.vault} /> : <Skeleton rows={2} />}</Section>
        <ServePart />
        <Section title="About">
          {status.data ? (
            <Facts
              facts={[
                ["Version", status.data.version],
                ["Sample system", status.data.sandboxUrl ?? "not running"],
              ]}
            />
          ) : (
            <Skeleton rows={2} />
          )}
        </Section>
      </div>
    </Page>
  );
}

function Vault({ vault }: { vault: VaultStatus }) {
  const { tone, text } = VAULT[vault.state];
  return (
    <>
      <dl className="grid grid-cols-[160px_1fr] gap-y-1">
        <dt className="text-soft">State</dt>
        <dd>
          <State tone={tone}>{text}</State>
        </dd>
        <dt className="text-soft">Protected by</dt>
        <dd>{vault.source ? (SOURCES[vault.source] ?? vault.source) : "chosen with the first secret"}</dd>
      </dl>
      {vault.message && <p className="mt-2 text-soft">{vault.message}</p>}
    </>
  );
}

function Facts({ facts }: { facts: [string, string][] }) {
  return (
    <dl className="grid grid-cols-[160px_1fr] gap-y-1">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}
