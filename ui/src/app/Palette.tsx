import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useId, useMemo, useState } from "react";

import { ask } from "../backend/query";
import { Dialog } from "../parts/Dialog";
import { Icon, type IconName } from "../parts/Icon";
import { PLACES } from "./places";

interface Entry {
  label: string;
  icon: IconName;
  run: () => void;
}

/** Ctrl+K: every place, every mapping, connector and the actions that need no more than a press. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog title="Commands" open={open} onClose={onClose}>
      <Commands onClose={onClose} />
    </Dialog>
  );
}

function Commands({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [current, setCurrent] = useState(0);
  const listId = useId();
  const entries = useEntries();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = entries.filter((entry) => words.every((word) => entry.label.toLowerCase().includes(word)));
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
        aria-label="Command"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
        className="field"
        placeholder="Go to or do"
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
      <ul id={listId} role="listbox" aria-label="Commands" className="-mx-2 min-h-0 overflow-y-auto">
        {shown.map((entry, index) => (
          // The input keeps the focus and hears the keys for the whole list.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={entry.label}
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
      {shown.length === 0 && <p role="status" className="text-soft">No command has these words.</p>}
    </>
  );
}

function useEntries(): Entry[] {
  const navigate = useNavigate();
  const mappings = useQuery(ask("mappings_list", {}));
  const connectors = useQuery(ask("connectors_list", {}));
  return useMemo(() => {
    const places = PLACES.flatMap((group) => group.places).map((place): Entry => ({
      label: `Go to ${place.label}`,
      icon: place.icon,
      run: () => void navigate({ to: place.to }),
    }));
    const actions: Entry[] = [
      { label: "New user", icon: "plus", run: () => void navigate({ to: "/users/new" }) },
      { label: "New connector", icon: "plus", run: () => void navigate({ to: "/connectors/new" }) },
      { label: "New managed type", icon: "plus", run: () => void navigate({ to: "/types/new" }) },
      { label: "New mapping", icon: "plus", run: () => void navigate({ to: "/mappings/new" }) },
    ];
    const opens = [
      ...(mappings.data ?? []).map((mapping): Entry => ({
        label: `Open mapping ${mapping.name}`,
        icon: "mappings",
        run: () => void navigate({ to: "/mappings/$name", params: { name: mapping.name } }),
      })),
      ...(connectors.data ?? []).map((connector): Entry => ({
        label: `Open connector ${connector.title}`,
        icon: "connectors",
        run: () => void navigate({ to: "/connectors/$name", params: { name: connector.name } }),
      })),
    ];
    return [...places, ...actions, ...opens];
  }, [navigate, mappings.data, connectors.data]);
}
