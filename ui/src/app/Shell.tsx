import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { Announcer } from "../parts/Announcer";
import { Button } from "../parts/Button";
import { Skeleton } from "../parts/Page";
import { Problem } from "../parts/Problem";
import { VaultPage } from "../screens/vault/VaultPage";
import { Palette } from "./Palette";
import { JUMPS } from "./places";
import { appStatus, inboxCount } from "./queries";
import { Shortcuts } from "./Shortcuts";
import { Sidebar } from "./Sidebar";

/** The window: the sidebar and the screen in it, or the vault's page while the vault is not open. */
export function Shell() {
  const status = useQuery(appStatus);
  const [palette, setPalette] = useState(false);
  const [shortcuts, setShortcuts] = useState(false);
  const shut = status.data?.vault.state === "locked" || status.data?.vault.state === "needsPassphrase";
  const inbox = useQuery({ ...inboxCount, enabled: status.data !== undefined && !shut });
  useKeys({ openPalette: () => setPalette(true), openShortcuts: () => setShortcuts(true) });

  if (status.error && !status.data) {
    return (
      <main className="flex h-full items-center justify-center p-6">
        <div className="flex w-[480px] flex-col gap-3">
          <h1 className="text-lg font-semibold">{t`Concord could not start`}</h1>
          <Problem error={status.error} action={<Button onClick={() => void status.refetch()}>{t`Try again`}</Button>} />
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
      <Palette open={palette} onClose={() => setPalette(false)} onShortcuts={() => setShortcuts(true)} />
      <Shortcuts open={shortcuts} onClose={() => setShortcuts(false)} />
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

/** How long after `g` the second key may come. */
const JUMP_WITHIN = 1500;

/** The keys that work wherever the focus is; in text, those that write something stay characters. */
function useKeys({ openPalette, openShortcuts }: { openPalette: () => void; openShortcuts: () => void }) {
  const navigate = useNavigate();
  const router = useRouter();
  const jumping = useRef(0);
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      const control = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (control && key === "k") {
        event.preventDefault();
        openPalette();
        return;
      }
      if (control && key === "s") {
        // Nobody wants the page as a file.
        event.preventDefault();
        document.querySelector<HTMLButtonElement>("[data-save]:enabled")?.click();
        return;
      }
      if (event.altKey && !control && (key === "arrowleft" || key === "arrowright") && !isTyping(event.target)) {
        // The window has no bar with arrows of its own.
        event.preventDefault();
        if (key === "arrowleft") router.history.back();
        else router.history.forward();
        return;
      }
      if (control || event.altKey || isTyping(event.target) || document.querySelector("[role=dialog]")) return;
      if (event.timeStamp - jumping.current < JUMP_WITHIN) {
        jumping.current = 0;
        const to = JUMPS[key];
        if (to) {
          event.preventDefault();
          void navigate({ to });
          return;
        }
      }
      if (key === "g") {
        jumping.current = event.timeStamp;
      } else if (event.key === "?") {
        event.preventDefault();
        openShortcuts();
      } else if (event.key === "/") {
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

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]") !== null;
}
