import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useDeferredValue, useId, useMemo, useState } from "react";

import { ask } from "../backend/query";
import { announce } from "../parts/Announcer";
import { Dialog } from "../parts/Dialog";
import { Icon, type IconName } from "../parts/Icon";
import { useStartRun } from "../screens/runs/queries";
import { errorWords } from "../words/error";
import { PLACES } from "./places";
import { setTheme, type Theme } from "./theme";

interface Entry {
  label: string;
  /** Where labels may be the same. */
  key?: string;
  icon: IconName;
  run: () => void;
}

/** Ctrl+K: every place, every mapping and connector, users by their words, and what needs no more than a press. */
export function Palette({ open, onClose, onShortcuts }: { open: boolean; onClose: () => void; onShortcuts: () => void }) {
  return (
    <Dialog title={t`Commands`} open={open} onClose={onClose}>
      <Commands onClose={onClose} onShortcuts={onShortcuts} />
    </Dialog>
  );
}

function Commands({ onClose, onShortcuts }: { onClose: () => void; onShortcuts: () => void }) {
  const [text, setText] = useState("");
  const [current, setCurrent] = useState(0);
  const listId = useId();
  const entries = useEntries(onShortcuts);
  const people = usePeople(text);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  // People are found by their words already.
  const shown = [...entries.filter((entry) => words.every((word) => entry.label.toLowerCase().includes(word))), ...people];
  const active = Math.min(current, shown.length - 1);

  function take(entry: Entry | undefined) {
    if (!entry) return;
    onClose();
    entry.run();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = active + (event.key === "ArrowDown" ? 1 : -1);
      setCurrent((next + shown.length) % Math.max(shown.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(shown[active]);
    }
  }

  return (
    <>
      <input
        type="text"
        role="combobox"
        aria-label={t`Command`}
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
        className="field shrink-0"
        placeholder={t`Go to, do, or find a person`}
        autoComplete="off"
        // The palette was opened to type into.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setCurrent(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={listId} role="listbox" aria-label={t`Commands`} className="-mx-2 min-h-0 overflow-y-auto">
        {shown.map((entry, index) => (
          // The input keeps the focus and hears the keys for the whole list.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={entry.key ?? entry.label}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            ref={index === active ? (node) => node?.scrollIntoView?.({ block: "nearest" }) : undefined}
            className={`flex h-8 items-center gap-2 rounded-sm px-2 ${index === active ? "bg-picked" : "hover:bg-hover"}`}
            onClick={() => take(entry)}
          >
            <Icon name={entry.icon} />
            <bdi className="truncate">{entry.label}</bdi>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p role="status" className="text-soft">{t`No command has these words.`}</p>}
    </>
  );
}

function useEntries(onShortcuts: () => void): Entry[] {
  const navigate = useNavigate();
  const mappings = useQuery(ask("mappings_list", {}));
  const connectors = useQuery(ask("connectors_list", {}));
  const { mutate } = useStartRun();
  // The texts are macros, which the rule cannot look through.
  // oxlint-disable-next-line react/preserve-manual-memoization
  return useMemo(() => {
    const begin = (mapping: string, incremental: boolean) =>
      mutate({ mapping, mode: "preview", incremental }, { onSuccess: (run) => void navigate({ to: "/runs/$id", params: { id: run.id } }), onError: (error) => announce(errorWords(error)) });
    const places = PLACES.flatMap((group) => group.places).map((place): Entry => ({
      label: t`Go to ${place.label}`,
      icon: place.icon,
      run: () => void navigate({ to: place.to }),
    }));
    const actions: Entry[] = [
      { label: t`New user`, icon: "plus", run: () => void navigate({ to: "/users/new" }) },
      { label: t`New connector`, icon: "plus", run: () => void navigate({ to: "/connectors/new" }) },
      { label: t`New managed type`, icon: "plus", run: () => void navigate({ to: "/types/new" }) },
      { label: t`New mapping`, icon: "plus", run: () => void navigate({ to: "/mappings/new" }) },
      { label: t`Show keyboard shortcuts`, icon: "search", run: onShortcuts },
      ...THEMES.map(({ label, theme }): Entry => ({ label, icon: "settings", run: () => setTheme(theme) })),
      ...(mappings.data ?? [])
        .filter(({ problem, lastRun }) => problem === null && lastRun?.state !== "active")
        .flatMap(({ name }): Entry[] => [
          { label: t`Preview ${name}`, icon: "runs", run: () => begin(name, false) },
          { label: t`Preview ${name} incrementally`, icon: "runs", run: () => begin(name, true) },
          { label: t`Schedule ${name}`, icon: "clock", run: () => void navigate({ to: "/mappings/$name", params: { name }, search: { tab: "scheduling" } }) },
        ]),
    ];
    const opens = [
      ...(mappings.data ?? []).map((mapping): Entry => ({
        label: t`Open mapping ${mapping.name}`,
        icon: "mappings",
        run: () => void navigate({ to: "/mappings/$name", params: { name: mapping.name } }),
      })),
      ...(connectors.data ?? []).map((connector): Entry => ({
        label: t`Open connector ${connector.title}`,
        icon: "connectors",
        run: () => void navigate({ to: "/connectors/$name", params: { name: connector.name } }),
      })),
    ];
    return [...places, ...actions, ...opens];
  }, [navigate, mutate, onShortcuts, mappings.data, connectors.data]);
}

const THEMES: { label: string; theme: Theme }[] = [
  { label: t`Light appearance`, theme: "light" },
  { label: t`Dark appearance`, theme: "dark" },
  { label: t`Appearance as the system`, theme: "system" },
];

/** A few users whose attributes start with these words. */
function usePeople(text: string): Entry[] {
  const navigate = useNavigate();
  const search = useDeferredValue(text.trim());
  const asked = search.length >= 2;
  const users = useQuery({ ...ask("objects_list", { kind: "user", search, filter: null, sort: null, after: null, limit: PEOPLE, exactTotal: false }), enabled: asked });
  if (!asked) return [];
  return (users.data?.objects ?? []).map((user): Entry => {
    const attributes = user.attributes as Record<string, unknown>;
    const said = ["givenName", "sn", "mail"].map((name) => attributes[name]).filter((value) => typeof value === "string");
    return { key: user.id, label: said.length > 0 ? said.join(" ") : String(attributes["userName"] ?? user.id), icon: "user", run: () => void navigate({ to: "/users/$id", params: { id: user.id } }) };
  });
}

const PEOPLE = 6;
