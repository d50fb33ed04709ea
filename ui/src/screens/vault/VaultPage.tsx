import { t } from "@lingui/core/macro";
import { useState } from "react";

import type { VaultStatus } from "../../backend/bindings/VaultStatus";
import { Button } from "../../parts/Button";
import { Switch, TextField } from "../../parts/Field";
import { Mark } from "../../parts/Icon";
import { Notice, Problem } from "../../parts/Problem";
import { sentence } from "../../words/error";
import { useAskKeyring, useUnlock } from "./queries";

/** Stands in for every screen while secrets cannot be read. */
export function VaultPage({ vault }: { vault: VaultStatus }) {
  const [passphrase, setPassphrase] = useState("");
  const [shown, setShown] = useState(false);
  const unlock = useUnlock();
  const ask = useAskKeyring();
  const first = vault.state === "needsPassphrase" && vault.source === null;
  const words = first
    ? t`Tokens and keys are kept encrypted. No keyring of this computer keeps their key, so a passphrase of yours protects them.`
    : vault.source === "keyring"
      ? t`Tokens and keys are kept encrypted. Their key is in this computer's keyring, which does not give it out. Unlock the keyring and ask it again, or enter the recovery key here.`
      : t`Tokens and keys are kept encrypted. The passphrase opens them.`;
  return (
    <main className="flex h-full justify-center overflow-y-auto bg-sunken px-6 pt-[16vh]">
      <form
        className="flex w-[400px] flex-col gap-4 self-start"
        onSubmit={(event) => {
          event.preventDefault();
          ask.reset();
          unlock.mutate(passphrase, { onSettled: () => setPassphrase("") });
        }}
      >
        <div className="flex items-center gap-2 font-semibold">
          <Mark size={22} /> Concord
        </div>
        <h1 className="text-xl font-semibold">{first ? t`Choose a passphrase` : t`The vault is locked`}</h1>
        <p className="text-soft">{words}</p>
        {vault.message && (first || vault.source === "keyring") && (
          <details className="text-sm text-soft">
            <summary className="rounded-sm">{t`What the keyring answered`}</summary>
            <bdi className="mt-1 block wrap-anywhere">{sentence(vault.message)}</bdi>
          </details>
        )}
        <TextField
          label={t`Passphrase`}
          type={shown ? "text" : "password"}
          value={passphrase}
          onChange={setPassphrase}
          autoComplete={first ? "new-password" : "current-password"}
          // The page asks for nothing else.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          help={first ? t`Keep it safe: without it the stored secrets are lost.` : t`The recovery key opens the vault too: enter it in the same field.`}
        />
        <Switch label={t`Show passphrase`} checked={shown} onChange={setShown} />
        {unlock.error && (unlock.error.code === "locked" ? <Notice tone="needs" live="alert">{t`This does not open the vault. Check the passphrase or the recovery key, and enter it again.`}</Notice> : <Problem error={unlock.error} />)}
        {ask.error && <Problem error={ask.error} />}
        <div className="flex gap-2">
          <Button look="primary" type="submit" busy={unlock.isPending} disabled={passphrase === ""}>
            {first ? t`Set passphrase` : t`Unlock`}
          </Button>
          {(first || vault.source === "keyring") && (
            <Button
              busy={ask.isPending}
              onClick={() => {
                unlock.reset();
                ask.mutate();
              }}
            >
              {t`Ask the keyring again`}
            </Button>
          )}
        </div>
      </form>
    </main>
  );
}
