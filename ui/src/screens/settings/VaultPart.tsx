import { plural, t } from "@lingui/core/macro";
import { type ReactNode, useState } from "react";

import type { VaultStatus } from "../../backend/bindings/VaultStatus";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { whenFocusIsLost } from "../../parts/focusLost";
import { Confirm, Dialog, useOpen } from "../../parts/Dialog";
import { TextField } from "../../parts/Field";
import { CopyButton } from "../../parts/Outside";
import { Notice, Problem } from "../../parts/Problem";
import { State, type Tone } from "../../parts/State";
import { sentence } from "../../words/error";
import { Facts } from "./Facts";
import { useChangePassphrase, useKeyring, useNewRecoveryKey, useRotateKeys } from "./queries";

const STATES: Record<VaultStatus["state"], { tone: Tone; text: string }> = {
  new: { tone: "off", text: t`Not used yet` },
  needsPassphrase: { tone: "waits", text: t`Waits for its passphrase` },
  unlocked: { tone: "fine", text: t`Open` },
  locked: { tone: "needs", text: t`Locked` },
};

const SOURCES: Record<string, string> = { keyring: t`this computer's keyring`, passphrase: t`a passphrase` };

/** As the vault itself asks for. */
const LEAST = 8;

/** What keeps the keys of the connectors, and what can be done to it. */
export function VaultPart({ vault }: { vault: VaultStatus }) {
  const { tone, text } = STATES[vault.state];
  const open = vault.state === "unlocked";
  return (
    <>
      <Facts
        facts={[
          [t`State`, <State key="state" tone={tone}>{text}</State>],
          [t`Protected by`, vault.source ? (SOURCES[vault.source] ?? vault.source) : t`chosen with the first secret`],
        ]}
      />
      {vault.message && <p className="mt-2 text-soft">{sentence(vault.message)}</p>}
      {vault.recovered && (
        <div className="mt-3">
          <Notice tone="needs">{t`The vault was opened with its recovery key, and the next start asks for it again. Set a passphrase, or keep the key in the keyring of this computer.`}</Notice>
        </div>
      )}
      {open && (
        <ul className="mt-4 flex flex-col rounded-md border border-line">
          <RecoveryKey />
          <Passphrase byKeyring={vault.source === "keyring"} />
          {(vault.source === "passphrase" || vault.recovered) && <Keyring again={vault.source === "keyring"} />}
          <Rotate />
        </ul>
      )}
    </>
  );
}

function Row({ title, text, action, children }: { title: string; text: string; action: ReactNode; children?: ReactNode }) {
  return (
    <li className="border-b border-line px-4 py-3 last:border-0">
      <div className="flex items-center gap-4">
        <div className="min-w-0 flex-1">
          <h3 className="font-medium">{title}</h3>
          <p className="text-soft">{text}</p>
        </div>
        {action}
      </div>
      {children}
    </li>
  );
}

function RecoveryKey() {
  const asking = useOpen();
  const make = useNewRecoveryKey();
  const key = make.data?.key;
  return (
    <Row
      title={t`Recovery key`}
      text={t`Opens the vault when the keyring or the passphrase is lost. It is shown once; keep it on paper.`}
      action={<Button onClick={asking.show}>{t`New recovery key`}</Button>}
    >
      <Confirm
        title={t`Make a new recovery key?`}
        action={t`Make a new one`}
        open={asking.open && !key}
        busy={make.isPending}
        onClose={asking.hide}
        onConfirm={() => make.mutate()}
      >
        {t`The one that was made before, if there is one, opens nothing any more.`}
        {make.error && <Problem error={make.error} />}
      </Confirm>
      <Dialog
        title={t`Your recovery key`}
        keep
        open={asking.open && key !== undefined}
        onClose={() => {
          asking.hide();
          make.reset();
        }}
      >
        <p className="text-soft">{t`Write it down now. It is not shown again, and Concord does not keep it.`}</p>
        <div className="flex items-center gap-2 rounded-md bg-sunken px-3 py-2">
          <code aria-label={t`Recovery key`} className="min-w-0 flex-1 font-mono text-sm break-all select-all">
            {key}
          </code>
          {key && <CopyButton text={key} label={t`Copy recovery key`} />}
        </div>
        <div className="flex justify-end">
          <Button
            look="primary"
            onClick={() => {
              asking.hide();
              make.reset();
            }}
          >
            {t`I have written it down`}
          </Button>
        </div>
      </Dialog>
    </Row>
  );
}

const PASSPHRASE = "passphrase-form";

function Passphrase({ byKeyring }: { byKeyring: boolean }) {
  const editing = useOpen();
  const change = useChangePassphrase();
  const [first, setFirst] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const short = first.length < LEAST ? [t`At least ${LEAST} characters.`] : [];
  const differs = first !== again ? [t`This is not the same as above.`] : [];

  function begin() {
    editing.show();
    whenFocusIsLost(() => document.querySelector<HTMLElement>(`#${PASSPHRASE} input`));
  }

  function leave() {
    editing.hide();
    whenFocusIsLost(() => document.querySelector<HTMLElement>("[data-passphrase]"));
    setFirst("");
    setAgain("");
    setTried(false);
    change.reset();
  }

  return (
    <Row
      title={byKeyring ? t`Protect it by a passphrase` : t`Passphrase`}
      text={byKeyring ? t`Asked for at every start, instead of the keyring of this computer.` : t`Asked for at every start. The secrets stay as they are; only their key is wrapped anew.`}
      action={
        !editing.open && (
          <Button data-passphrase="" onClick={begin}>{byKeyring ? t`Set passphrase` : t`Change passphrase`}</Button>
        )
      }
    >
      {editing.open && (
        <form
          id={PASSPHRASE}
          noValidate
          className="mt-3 flex max-w-100 flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            setTried(true);
            if (short.length > 0 || differs.length > 0) return;
            change.mutate(first, {
              onSuccess: () => {
                announce(t`The passphrase was changed`);
                leave();
              },
            });
          }}
        >
          <TextField label={t`New passphrase`} type="password" autoComplete="new-password" required value={first} errors={tried ? short : []} onChange={setFirst} />
          <TextField label={t`Once more`} type="password" autoComplete="new-password" required value={again} errors={tried ? differs : []} onChange={setAgain} />
          {change.error && <Problem error={change.error} />}
          <div className="flex gap-2">
            <Button look="primary" type="submit" busy={change.isPending}>
              {byKeyring ? t`Set passphrase` : t`Change passphrase`}
            </Button>
            <Button onClick={leave}>{t`Cancel`}</Button>
          </div>
        </form>
      )}
    </Row>
  );
}

function Keyring({ again }: { again: boolean }) {
  const move = useKeyring();
  return (
    <Row
      title={again ? t`Keep the key in the keyring again` : t`Protect it by the keyring`}
      text={t`The keyring of this computer opens the vault at every start, as long as you are signed in, and no passphrase does.`}
      action={
        <Button busy={move.isPending} onClick={() => move.mutate(undefined, { onSuccess: () => announce(t`The keyring protects the vault now`) })}>
          {t`Use the keyring`}
        </Button>
      }
    >
      {move.error && (
        <div className="mt-3">
          <Problem error={move.error} />
        </div>
      )}
    </Row>
  );
}

function Rotate() {
  const rotate = useRotateKeys();
  return (
    <Row
      title={t`Keys of the secrets`}
      text={t`Every secret is sealed with a fresh key. Do it when a copy of the data folder may be in other hands.`}
      action={
        <Button busy={rotate.isPending} onClick={() => rotate.mutate()}>
          {t`Rotate keys`}
        </Button>
      }
    >
      {rotate.data && (
        <div className="mt-3">
          <Notice tone="fine" live="status">
            {t`${plural(rotate.data.secrets, { one: "# secret", other: "# secrets" })} sealed with a fresh key.`}
          </Notice>
        </div>
      )}
      {rotate.error && (
        <div className="mt-3">
          <Problem error={rotate.error} />
        </div>
      )}
    </Row>
  );
}
