import { t } from "@lingui/core/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import type { ObjectsChanged } from "../../backend/bindings/ObjectsChanged";
import { call } from "../../backend";
import { refresh } from "../../backend/query";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { whenFocusIsLost } from "../../parts/focusLost";
import { Confirm, Dialog, useOpen } from "../../parts/Dialog";
import { SelectField } from "../../parts/Field";
import { Outside } from "../../parts/Outside";
import { Problem } from "../../parts/Problem";
import { errorWords } from "../../words/error";
import { number } from "../../words/numbers";
import { AttributeField } from "./AttributeField";
import { carryOut, type Progress } from "./bulk";
import { DeleteEffects } from "./DeleteEffects";
import { ExportButton } from "./ExportButton";
import { isEditable } from "./draft";
import { type Kind, objectsCount } from "./kind";
import type { ListState } from "./listState";
import type { Picked } from "./useSelection";

/** As many as are picked at once from a list, loaded or not. */
const MOST_PICKED = 10_000;
const PAGE = 1000;

/** What can be done with all objects that are picked. */
export function BulkBar({ kind, state, picked, columns, total, totalIsLeast }: { kind: Kind; state: ListState; picked: Picked; columns: string[]; total: number; totalIsLeast: boolean }) {
  const { ids, pick, clear } = picked;
  const changing = useOpen();
  const deleting = useOpen();
  const bulk = useBulk(kind.name);
  const everything = useMutation({ mutationFn: () => idsOf(kind.name, state), onSuccess: pick });
  const many = objectsCount(kind, ids.length);
  const pickable = Math.min(total, MOST_PICKED);

  function remove() {
    bulk.mutate(
      { ids, change: (part) => call("objects_delete", { kind: kind.name, ids: part }) },
      {
        onSuccess: ({ done, refused }) => {
          announce(t`${number(done)} deleted`);
          whenFocusIsLost(() => document.querySelector<HTMLElement>("main table :is(input, button, a, [tabindex='0'])"));
          pick(refused.map(({ id }) => id));
          deleting.hide();
        },
      },
    );
  }

  return (
    <div role="group" aria-label={t`Selected`} className="flex h-12 shrink-0 items-center gap-2 border-t border-line bg-sunken px-6">
      <span role="status" className="font-medium">
        {t`${many} selected`}
      </span>
      {ids.length < pickable && picked.selection.all === "all" && (
        <Button look="quiet" busy={everything.isPending} onClick={() => everything.mutate()}>
          {totalIsLeast || total > MOST_PICKED ? t`Select the first ${number(pickable)}` : t`Select all ${number(pickable)}`}
        </Button>
      )}
      <Button look="quiet" onClick={clear}>
        {t`Clear`}
      </Button>
      {everything.error && <span role="alert" className="truncate text-needs">{errorWords(everything.error)}</span>}
      <span className="ml-auto" />
      <Button onClick={changing.show}>{t`Set attribute`}</Button>
      <ExportButton kind={kind} state={state} columns={columns} ids={ids} />
      <Button onClick={deleting.show}>{t`Delete`}</Button>
      {changing.open && <SetAttribute kind={kind} ids={ids} onClose={changing.hide} onRefused={pick} />}
      <Confirm title={t`Delete ${many}?`} action={bulk.progress ? t`${number(bulk.progress.looked)} of ${number(ids.length)}` : t`Delete ${many}`} open={deleting.open} busy={bulk.isPending} onClose={() => (bulk.isPending ? bulk.stop() : deleting.hide())} onConfirm={remove}>
        <p>{t`They are deleted here. Elsewhere:`}</p>
        {deleting.open && !bulk.isPending && <DeleteEffects kind={kind.name} ids={ids} />}
        {bulk.error && <Problem error={bulk.error} />}
      </Confirm>
      <Refused progress={bulk.data} title={(done, refused) => t`${done} deleted, ${refused} refused`} onClose={bulk.reset} />
    </div>
  );
}

/** Carries a change out over many objects, part by part, with its progress and a way to stop it. */
function useBulk(kind: string) {
  const client = useQueryClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const stopped = useRef(false);
  const bulk = useMutation({
    mutationFn: ({ ids, change }: { ids: string[]; change: (part: string[]) => Promise<ObjectsChanged> }) => {
      stopped.current = false;
      return carryOut(ids, change, (now) => {
        setProgress(now);
        return !stopped.current;
      });
    },
    onSettled: () => {
      setProgress(null);
      return refresh(client, "objects_list", "object_get", "object_history", "queue_list", "app_status", "audit_list");
    },
    meta: { kind },
  });
  return { ...bulk, progress, stop: () => (stopped.current = true) };
}

const STATUS = "accountStatus";
const INACTIVE = "inactive";

function SetAttribute({ kind, ids, onClose, onRefused }: { kind: Kind; ids: string[]; onClose: () => void; onRefused: (ids: string[]) => void }) {
  // A value that only one object may have is none for several.
  const editable = kind.attributes.filter((attribute) => isEditable(attribute, null) && (ids.length === 1 || !attribute.unique));
  const [name, setName] = useState(() => (editable.find((attribute) => attribute.name === STATUS) ?? editable[0])?.name ?? "");
  const attribute = editable.find((one) => one.name === name);
  // Nothing is chosen yet: what is pressed in passing changes nobody.
  const [value, setValue] = useState<unknown>(undefined);
  const bulk = useBulk(kind.name);
  const many = objectsCount(kind, ids.length);
  if (!attribute) return null;
  const chosen = value !== undefined;
  const empty = chosen && (value === "" || value === null);
  const grave = empty || (name === STATUS && value === INACTIVE);
  return (
    <Dialog title={t`Set an attribute of ${many}`} open onClose={onClose}>
      <SelectField
        label={t`Attribute`}
        value={attribute.title}
        options={editable.map(({ title }) => title)}
        onChange={(title) => {
          setName(editable.find((one) => one.title === title)?.name ?? name);
          setValue(undefined);
        }}
      />
      {/* Nothing is required here: an emptied attribute is removed, and what its policies say of that is told. */}
      <AttributeField attribute={{ ...attribute, required: false }} path={attribute.name} value={value ?? ""} errors={() => []} onChange={setValue} />
      <label className="flex items-center gap-2 self-start">
        <input type="checkbox" className="size-3.5 accent-accent-fill" checked={empty} onChange={(event) => setValue(event.target.checked ? null : undefined)} />
        {t`Remove the value`}
      </label>
      <p className="text-soft">{empty ? t`The attribute is removed from all of them. The change goes on to linked systems as a change of each by hand would.` : t`The change goes on to linked systems as a change of each by hand would.`}</p>
      {bulk.error && <Problem error={bulk.error} />}
      <div className="mt-2 flex justify-end gap-2">
        <Button onClick={() => (bulk.isPending ? bulk.stop() : onClose())}>{bulk.isPending ? t`Stop` : t`Cancel`}</Button>
        <Button
          look={grave ? "danger" : "primary"}
          disabled={!chosen}
          busy={bulk.isPending}
          onClick={() =>
            bulk.mutate(
              { ids, change: (part) => call("objects_change", { kind: kind.name, ids: part, attributes: { [name]: empty ? null : value } }) },
              {
                onSuccess: ({ done, refused }) => {
                  announce(t`${number(done)} changed`);
                  onRefused(refused.length > 0 ? refused.map(({ id }) => id) : ids);
                  if (refused.length === 0) onClose();
                },
              },
            )
          }
        >
          {bulk.progress ? t`${number(bulk.progress.looked)} of ${number(ids.length)}` : t`Change ${many}`}
        </Button>
      </div>
      <Refused progress={bulk.data} title={(done, refused) => t`${done} changed, ${refused} refused`} onClose={onClose} />
    </Dialog>
  );
}

/** Those that were left as they are, each with its reason. They stay picked. */
function Refused({ progress, title: titled, onClose }: { progress: Progress | undefined; title: (done: string, refused: string) => string; onClose: () => void }) {
  const refused = progress?.refused ?? [];
  return (
    <Dialog title={titled(number(progress?.done ?? 0), number(refused.length))} open={refused.length > 0} onClose={onClose}>
      <ul aria-label={t`Refused`} className="flex min-h-0 flex-col gap-1 overflow-y-auto">
        {refused.map(({ id, title, message }) => (
          <li key={id}>
            <span className="font-medium">
              <Outside text={title} />
            </span>
            : <bdi className="text-soft">{message}</bdi>
          </li>
        ))}
      </ul>
      <div className="mt-2 flex justify-end">
        <Button onClick={onClose}>{t`Close`}</Button>
      </div>
    </Dialog>
  );
}

/** The ids of a list's objects in its order, as many as can be picked. */
async function idsOf(kind: string, { q = "", filter, sort }: ListState): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    // Each page begins where the one before ended.
    // oxlint-disable-next-line no-await-in-loop
    const page: { objects: { id: string }[]; next: string | null } = await call("objects_list", { kind, search: q.trim() || null, filter: filter ?? null, sort: sort ?? null, after, limit: PAGE, exactTotal: false });
    ids.push(...page.objects.map(({ id }) => id));
    after = page.next;
  } while (after !== null && ids.length < MOST_PICKED);
  return ids.slice(0, MOST_PICKED);
}
