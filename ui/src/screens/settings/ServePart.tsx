import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import type { ScimProfile } from "../../backend/bindings/ScimProfile";
import type { Serving } from "../../backend/bindings/Serving";
import { Button } from "../../parts/Button";
import { SelectField, Switch, TextField } from "../../parts/Field";
import { Section, Skeleton } from "../../parts/Page";
import { Notice, Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { sentence } from "../../words/error";
import { scimTokens, servingState, useMakeToken, useNewPassword, useRevokeToken, useServe } from "./serving";

const PROFILES: ScimProfile[] = ["generic", "wso2", "okta", "entra"];

/** Other systems and people reach Concord over HTTP: switched on and off, with the tokens of SCIM clients. */
export function ServePart() {
  const serving = useQuery(servingState);
  return (
    <Section title={t`Serving other systems`}>
      {serving.error ? <Problem error={serving.error} /> : serving.data ? <ServeSwitch serving={serving.data} /> : <Skeleton rows={3} />}
      <h3 className="mt-6 mb-2 font-semibold">{t`SCIM tokens`}</h3>
      <Tokens />
    </Section>
  );
}

function ServeSwitch({ serving }: { serving: Serving }) {
  const [port, setPort] = useState(String(serving.port));
  const serve = useServe();
  const renew = useNewPassword();
  const on = serving.addresses !== null;
  const number = Number(port);
  const fits = Number.isInteger(number) && number > 0 && number < 65536;
  const busy = serve.isPending || renew.isPending;
  // Shown until the screen is left: nobody can get at it again.
  const [password, setPassword] = useState<string | null>(null);
  const keep = { onSuccess: (changed: Serving) => changed.password && setPassword(changed.password) };
  const set = (wanted: { on: boolean; selfService: boolean }) => {
    renew.reset();
    return serve.mutateAsync({ ...wanted, port: number }, keep);
  };
  return (
    <div className="flex flex-col gap-4">
      <p className="text-soft"><Trans>Programs on this computer reach Concord by IDM&apos;s REST and by SCIM. It answers on 127.0.0.1 alone; for other machines start <code>concord serve</code> with a certificate.</Trans></p>
      <div className="flex flex-wrap items-end gap-4">
        <div className="w-28">
          <TextField label={t`Port`} value={port} inputMode="numeric" disabled={on || busy} onChange={setPort} errors={fits ? [] : [t`Enter a number from 1 to 65535.`]} />
        </div>
        <Switch label={t`Serve`} checked={on} disabled={busy || !fits} onChange={(wanted) => set({ on: wanted, selfService: serving.selfService })} />
        <State tone={on ? "fine" : "off"}>{on ? t`Serving, also after the next start` : t`Not serving`}</State>
      </div>
      <Switch
        label={t`People may create accounts`}
        help={t`Pages on which people register, sign in and keep their profile up to date; a change goes on by the mappings.`}
        checked={serving.selfService}
        disabled={busy || !fits}
        onChange={(selfService) => set({ on, selfService })}
      />
      {serving.problem && !serve.error && <Notice tone="needs" live="alert">{sentence(serving.problem)}</Notice>}
      {(serve.error ?? renew.error) && <Problem error={(serve.error ?? renew.error)!} />}
      {serving.addresses && <Addresses serving={serving} addresses={serving.addresses} />}
      <div className="flex flex-wrap items-center gap-3">
        <span className="text-soft">{t`REST user`}</span> <code>{serving.administrator}</code>
        <Button busy={renew.isPending} disabled={busy} onClick={() => { serve.reset(); renew.mutate(undefined, keep); }}>
          {t`New password`}
        </Button>
      </div>
      {password && <Once what={t`The password of ${serving.administrator}`} secret={password} />}
    </div>
  );
}

function Addresses({ serving, addresses }: { serving: Serving; addresses: NonNullable<Serving["addresses"]> }) {
  const rows: [string, string | null][] = [
    ["REST", addresses.rest],
    ["OpenAPI", addresses.openapi],
    [t`SCIM 2.0`, addresses.scim],
    [t`SCIM 1.1 (WSO2)`, addresses.scimOld],
    [t`Accounts`, serving.selfService ? addresses.selfService : null],
  ];
  return (
    <dl className="grid grid-cols-[160px_1fr] gap-y-1">
      {rows.filter(([, address]) => address).map(([name, address]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="min-w-0 font-mono text-sm break-all select-all">{address}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A secret on its only appearance. */
function Once({ what, secret }: { what: string; secret: string }) {
  return (
    <Notice tone="waits" live="status">
      <Trans>{what}, shown this once: <code className="font-mono break-all select-all">{secret}</code></Trans>
    </Notice>
  );
}

function Tokens() {
  const tokens = useQuery(scimTokens);
  const [name, setName] = useState("");
  const [profile, setProfile] = useState<ScimProfile>("generic");
  const [asked, setAsked] = useState<string | null>(null);
  const make = useMakeToken();
  const revoke = useRevokeToken();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate({ name: name.trim(), profile }, { onSuccess: () => setName("") });
  };
  return (
    <div className="flex flex-col gap-3">
      {tokens.error && <Problem error={tokens.error} />}
      {tokens.data && tokens.data.length > 0 && (
        <table className="w-full text-left">
          <caption className="sr-only">{t`SCIM tokens`}</caption>
          <thead className="text-sm text-soft">
            <tr><th scope="col" className="py-1 font-normal">{t`Name`}</th><th scope="col" className="font-normal">{t`Client`}</th><th scope="col" className="font-normal">{t`Created`}</th><th scope="col"><span className="sr-only">{t`Action`}</span></th></tr>
          </thead>
          <tbody>
            {tokens.data.map((token) => (
              <tr key={token.name} className="h-8 border-t border-line">
                <td><bdi>{token.name}</bdi></td>
                <td>{token.profile}</td>
                <td className="tabular-nums">{token.created.slice(0, 10)}</td>
                <td className="text-right">
                  {asked === token.name ? (
                    <span className="inline-flex gap-2">
                      <Button look="danger" busy={revoke.isPending} onClick={() => revoke.mutate(token.name, { onSettled: () => setAsked(null) })}>{t`Revoke ${token.name}`}</Button>
                      <Button look="quiet" onClick={() => setAsked(null)}>{t`Cancel`}</Button>
                    </span>
                  ) : (
                    <Button look="quiet" aria-label={t`Revoke ${token.name}…`} onClick={() => setAsked(token.name)}>{t`Revoke…`}</Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {tokens.data?.length === 0 && <p className="text-soft">{t`No SCIM client has a token yet.`}</p>}
      {revoke.error && <Problem error={revoke.error} />}
      <form className="flex flex-wrap items-end gap-3" onSubmit={submit}>
        <div className="w-48">
          <TextField label={t`Token name`} value={name} onChange={setName} placeholder="okta" />
        </div>
        <div className="w-32">
          <SelectField label={t`Client`} value={profile} options={PROFILES} onChange={(value) => setProfile(value as ScimProfile)} />
        </div>
        <Button type="submit" busy={make.isPending} disabled={name.trim() === ""}>{t`Create token`}</Button>
      </form>
      {make.error && <Problem error={make.error} />}
      {make.data && <Once what={t`The token ${make.data.name}`} secret={make.data.token} />}
    </div>
  );
}
