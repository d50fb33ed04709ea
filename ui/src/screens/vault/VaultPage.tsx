import { t } from "@lingui/core/macro";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import type { VaultStatus } from "../../backend/bindings/VaultStatus";
import { refresh } from "../../backend/query";
import { Button } from "../../parts/Button";
import { Switch, TextField } from "../../parts/Field";
import { Mark } from "../../parts/Icon";
import { Problem } from "../../parts/Problem";
import { useUnlock } from "./queries";

/** Stands in for every screen while secrets cannot be read. */
export function VaultPage({ vault }: { vault: VaultStatus }) {
  const [passphrase, setPassphrase] = useState("");
  const [shown, setShown] = useState(false);
  const unlock = useUnlock();
  const client = useQueryClient();
  const first = vault.state === "needsPassphrase" && vault.source === null;
  return (
    <main className="flex h-full justify-center overflow-y-auto bg-sunken px-6 pt-[16vh]">
      <form
        className="flex w-[400px] flex-col gap-4 self-start"
        onSubmit={(event) => {
          event.preventDefault();
          unlock.mutate(passphrase, { onSettled: () => setPassphrase("") });
        }}
      >
        <div className="flex items-center gap-2 font-semibold">
          <Mark size={22} /> Concord
        </div>
        <h1 className="text-xl font-semibold">{first ? t`Choose a passphrase` : t`The vault is locked`}</h1>
        <p className="text-soft">
          {first ? t`Tokens and keys are kept encrypted. This computer offers no keyring, so a passphrase of yours protects them.` : t`Tokens and keys are kept encrypted. The passphrase opens them.`}
        </p>
        {vault.message && (
          <p className="text-sm break-words text-soft">
            <bdi>{vault.message}</bdi>
          </p>
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
          help={first ? t`Keep it safe: without it the stored secrets are lost.` : undefined}
        />
        <Switch label={t`Show passphrase`} checked={shown} onChange={setShown} />
        {unlock.error && <Problem error={unlock.error} />}
        <div className="flex gap-2">
          <Button look="primary" type="submit" busy={unlock.isPending} disabled={passphrase === ""}>
            {first ? t`Set passphrase` : t`Unlock`}
          </Button>
          <Button onClick={() => void refresh(client, "app_status")}>{t`Check again`}</Button>
        </div>
      </form>
    </main>
  );
}
