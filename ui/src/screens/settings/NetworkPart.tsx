import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { NetworkSettings } from "../../backend/bindings/NetworkSettings";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { LeaveGuard } from "../../parts/LeaveGuard";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { errorWords } from "../../words/error";
import { network, useSaveNetwork } from "./queries";

/** The way to the network that connectors take unless they have one of their own. */
export function NetworkPart() {
  const settings = useQuery(network);
  if (settings.error) {
    return (
      <div className="flex flex-col gap-4">
        <Problem error={settings.error} />
        {settings.error.code === "storage" && <Form saved={NONE} unread />}
      </div>
    );
  }
  return settings.data ? <Form saved={settings.data} /> : <Skeleton rows={4} />;
}

const NONE: NetworkSettings = { proxyHost: null, proxyPort: null, proxyUser: null, caFile: null, proxyPasswordSet: false };

interface Typed {
  host: string;
  port: string;
  user: string;
  password: string;
  caFile: string;
}

function typedOf(saved: NetworkSettings): Typed {
  return { host: saved.proxyHost ?? "", port: saved.proxyPort === null ? "" : String(saved.proxyPort), user: saved.proxyUser ?? "", password: "", caFile: saved.caFile ?? "" };
}

/** What is `unread` may be saved as it stands: that replaces what cannot be read. */
function Form({ saved, unread = false }: { saved: NetworkSettings; unread?: boolean }) {
  const [edits, setEdits] = useState<Partial<Typed>>({});
  const [forget, setForget] = useState(false);
  const save = useSaveNetwork();
  const typed = { ...typedOf(saved), ...edits };
  const base = typedOf(saved);
  const changes = Number(forget) + Object.entries(typed).filter(([name, value]) => base[name as keyof Typed] !== value).length;
  const changed = changes > 0;
  const port = typed.port.trim() === "" ? null : Number(typed.port);
  const portFits = port === null || (Number.isInteger(port) && port > 0 && port < 65_536);
  const at = (field: string) => (save.error?.field === field ? [errorWords(save.error)] : []);
  const set = (part: Partial<Typed>) => setEdits((before) => ({ ...before, ...part }));
  const undo = () => {
    setEdits({});
    setForget(false);
    save.reset();
  };
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!portFits) return;
        save.mutate(
          { proxyHost: typed.host, proxyPort: port, proxyUser: typed.user, caFile: typed.caFile, proxyPassword: forget ? "" : typed.password === "" ? null : typed.password },
          {
            onSuccess: () => {
              announce(t`The network settings were saved`);
              undo();
            },
          },
        );
      }}
    >
      <p className="text-soft">{t`Connectors take this way unless they name one of their own under Advanced. Systems on this computer are always reached directly.`}</p>
      <div className="grid grid-cols-[minmax(0,1fr)_112px] gap-4">
        <TextField label={t`Proxy host`} value={typed.host} placeholder={t`none`} errors={at("proxyHost")} onChange={(host) => set({ host })} />
        <TextField label={t`Proxy port`} value={typed.port} placeholder="8080" inputMode="numeric" errors={portFits ? at("proxyPort") : [t`Enter a number from 1 to 65535.`]} onChange={(value) => set({ port: value })} />
      </div>
      <div className="grid grid-cols-2 gap-4">
        <TextField label={t`Proxy user`} value={typed.user} onChange={(user) => set({ user })} />
        <TextField
          label={t`Proxy password`}
          type="password"
          autoComplete="new-password"
          value={typed.password}
          disabled={forget}
          placeholder={saved.proxyPasswordSet ? (forget ? t`will be removed` : t`set; leave empty to keep it`) : ""}
          onChange={(password) => set({ password })}
          help={
            saved.proxyPasswordSet && (
              <button type="button" className="rounded-sm underline hover:text-ink" onClick={() => setForget((now) => !now)}>
                {forget ? t`Keep the stored password` : t`Remove the stored password`}
              </button>
            )
          }
        />
      </div>
      <TextField label={t`Certificate authority file`} mono value={typed.caFile} placeholder="/etc/ssl/company.pem" errors={at("caFile")} help={t`A PEM file; needed where a proxy looks into encrypted traffic.`} onChange={(caFile) => set({ caFile })} />
      {save.error && !["proxyHost", "proxyPort", "caFile"].includes(save.error.field ?? "") && <Problem error={save.error} />}
      <div className="flex gap-2">
        <Button look="primary" type="submit" disabled={!changed && !unread} busy={save.isPending}>
          {t`Save network`}
        </Button>
        <Button disabled={!changed || save.isPending} onClick={undo}>
          {t`Undo`}
        </Button>
      </div>
      <LeaveGuard changes={changes} saving={save.isPending} />
    </form>
  );
}
