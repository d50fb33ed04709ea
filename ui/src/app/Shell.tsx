import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { Activity, lazy, Suspense, useEffect, useRef, useState } from "react";

import { Announcer } from "../parts/Announcer";
import { Button } from "../parts/Button";
import { ignoreSecondHalves } from "../parts/doublePress";
import { Skeleton } from "../parts/Page";
import { Problem } from "../parts/Problem";
import { JUMPS } from "./places";
import { appStatus, failedChanges, inboxCount } from "./queries";
import { Sidebar } from "./Sidebar";
import { focusTitle, useScreenFocus } from "./useScreenFocus";

const rest = () => import("./screens");
const VaultPage = lazy(async () => ({ default: (await rest()).VaultPage }));
const Palette = lazy(async () => ({ default: (await rest()).Palette }));
const Shortcuts = lazy(async () => ({ default: (await rest()).Shortcuts }));

/** How long after the first screen the others are read, so that they are there when somebody goes to one. */
const REST_AFTER = 400;

/** The window: the sidebar and the screen in it, or the vault's page while the vault is not open. */
export function Shell() {
  const status = useQuery(appStatus);
  const [palette, setPalette] = useState(false);
  const [shortcuts, setShortcuts] = useState(false);
  const shut = status.data?.vault.state === "locked" || status.data?.vault.state === "needsPassphrase";
  const inbox = useQuery({ ...inboxCount, enabled: status.data !== undefined && !shut });
  const undelivered = useQuery({ ...failedChanges, enabled: !shut && (status.data?.queue ?? 0) > 0 });
  const there = status.data !== undefined;
  useEffect(() => {
    if (!there) return;
    const timer = setTimeout(() => void rest(), REST_AFTER);
    return () => clearTimeout(timer);
  }, [there]);
  useScreenFocus();
  useEffect(ignoreSecondHalves, []);
  useKeys({ on: !shut, openPalette: () => setPalette(true), openShortcuts: () => setShortcuts(true) });

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
  return (
    <>
      {status.data && shut && (
        <Suspense>
          <VaultPage vault={status.data.vault} />
        </Suspense>
      )}
      {/* What was typed before the vault shut is still there when it opens. */}
      <Activity mode={shut ? "hidden" : "visible"}>
        <div className="flex h-full">
          <a
            href="#screen"
            className="fixed top-2 left-2 z-50 -translate-y-24 rounded-sm bg-raised px-3 py-1.5 shadow-float focus:translate-y-0"
            onClick={(event) => {
              // What follows `#` is the screen's address.
              event.preventDefault();
              focusTitle();
            }}
          >
            {t`Skip to the screen`}
          </a>
          <Sidebar
            needed={undelivered.data ? ["/inbox", "/queue"] : ["/inbox"]}
            waiting={{ "/inbox": inbox.data ?? 0, "/queue": status.data?.queue ?? 0 }}
            onPalette={() => setPalette(true)}
          />
          <main id="screen" className="h-full min-w-0 flex-1">{status.data ? <Outlet /> : <FirstLook />}</main>
          <Suspense>
            {palette && <Palette open onClose={() => setPalette(false)} onShortcuts={() => setShortcuts(true)} />}
            {shortcuts && <Shortcuts open onClose={() => setShortcuts(false)} />}
          </Suspense>
          <Announcer />
        </div>
      </Activity>
    </>
  );
}

/** After so long somebody wonders what the program does. */
const WONDER_AFTER = 1500;

/** The frame of a screen while the program opens its data folder; it says so when that takes its time. */
function FirstLook() {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), WONDER_AFTER);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="flex h-full flex-col" aria-busy="true">
      <div className="h-[57px] shrink-0 border-b border-line" />
      <div className="px-6 py-5">
        <p role="status" className={long ? "mb-3 text-soft" : "sr-only"}>
          {long && t`Concord is opening its data folder. If your desktop asks for the password of the keyring, enter it there: the keyring holds the key to your secrets.`}
        </p>
        <Skeleton rows={8} />
      </div>
    </div>
  );
}

/** How long after `g` the second key may come. */
const JUMP_WITHIN = 1500;

/** The keys that work wherever the focus is; in text, those that write something stay characters. */
function useKeys({ on, openPalette, openShortcuts }: { on: boolean; openPalette: () => void; openShortcuts: () => void }) {
  const navigate = useNavigate();
  const router = useRouter();
  /** When a jump was begun, on the clock of events, which begins with the page. */
  const jumping = useRef(-Infinity);
  useEffect(() => {
    if (!on) return;
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
        // A question stands before everything behind it.
        const front = [...document.querySelectorAll("[role=dialog], [role=alertdialog]")].at(-1) ?? document;
        front.querySelector<HTMLButtonElement>("[data-save]:enabled")?.click();
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
        jumping.current = -Infinity;
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
