import { useQuery } from "@tanstack/react-query";
import { Outlet } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { Announcer } from "../parts/Announcer";
import { Button } from "../parts/Button";
import { Skeleton } from "../parts/Page";
import { Problem } from "../parts/Problem";
import { VaultPage } from "../screens/vault/VaultPage";
import { Palette } from "./Palette";
import { appStatus, inboxCount } from "./queries";
import { Sidebar } from "./Sidebar";

/** The window: the sidebar and the screen in it, or the vault's page while the vault is not open. */
export function Shell() {
  const status = useQuery(appStatus);
  const [palette, setPalette] = useState(false);
  const shut = status.data?.vault.state === "locked" || status.data?.vault.state === "needsPassphrase";
  const inbox = useQuery({ ...inboxCount, enabled: status.data !== undefined && !shut });
  useKeys(() => setPalette(true));

  if (status.error && !status.data) {
    return (
      <main className="flex h-full items-center justify-center p-6">
        <div className="flex w-[480px] flex-col gap-3">
          <h1 className="text-lg font-semibold">Concord could not start</h1>
          <Problem error={status.error} action={<Button onClick={() => void status.refetch()}>Try again</Button>} />
        </div>
      </main>
    );
  }
  const vault = status.data?.vault;
  if (vault && shut) {
    return <VaultPage vault={vault} />;
  }
  return (
    <div className="flex h-full">
      <Sidebar waiting={{ "/inbox": inbox.data ?? 0, "/queue": status.data?.queue ?? 0 }} onPalette={() => setPalette(true)} />
      <main className="h-full min-w-0 flex-1">{status.data ? <Outlet /> : <FirstLook />}</main>
      <Palette open={palette} onClose={() => setPalette(false)} />
      <Announcer />
    </div>
  );
}

/** The frame of a screen while the program tells how it stands. */
function FirstLook() {
  return (
    <div className="flex h-full flex-col" aria-busy="true">
      <div className="h-[57px] shrink-0 border-b border-line" />
      <div className="px-6 py-5">
        <Skeleton rows={8} />
      </div>
    </div>
  );
}

/** Ctrl+K and `/`, wherever the focus is; `/` stays a character in text. */
function useKeys(openPalette: () => void) {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        openPalette();
        return;
      }
      const target = event.target;
      const typing = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const search = document.querySelector<HTMLInputElement>("main [data-search]");
        if (search) {
          event.preventDefault();
          search.select();
          search.focus();
        }
      }
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });
}
