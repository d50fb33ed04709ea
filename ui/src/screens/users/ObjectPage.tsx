import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import type { ApiError } from "../../backend/bindings/ApiError";
import type { ObjectDetail } from "../../backend/bindings/ObjectDetail";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Id } from "../../parts/Outside";
import { intoView } from "../../parts/intoView";
import { Page, Section, Skeleton } from "../../parts/Page";
import { Notice, Problem } from "../../parts/Problem";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { useBase } from "../../parts/useBase";
import { useSeekFault } from "../../parts/useSeekFault";
import { isGone } from "../../words/error";
import { cellText } from "../../words/value";
import { SecretField } from "../connectors/SecretField";
import { AttributeField } from "./AttributeField";
import { DeleteObject } from "./DeleteObjects";
import { type Attributes, changedAttributes, changedElsewhere, differing, editedSince, hasPlace, isWide, objectName, policyErrors, policyHint } from "./draft";
import { History } from "./History";
import { type Kind, listPlace, objectPlace, objectsWord } from "./kind";
import { LinkedSystems } from "./LinkedSystems";
import { useListState } from "./listState";
import { kindQuery, objectDetail, useReloadObject, useSaveObject } from "./queries";
import { SyncResults } from "./SyncResults";

const FORM = "object-form";

/** The way back to the list: to the search that the object was found with, if it was. */
function Trail({ kind, title }: { kind: string; title: string }) {
  const list = useListState();
  return (
    <Link {...listPlace(kind, list)} className="rounded-sm hover:underline">
      {title}
    </Link>
  );
}

export function NewUserPage() {
  return <NewObject kind="user" />;
}

export function NewKindPage() {
  const { kind } = useParams({ from: "/objects/$kind/new" });
  return <NewObject key={kind} kind={kind} />;
}

export function UserPage() {
  const { id } = useParams({ from: "/users/$id" });
  return <ExistingObject key={id} kind="user" id={id} />;
}

export function KindObjectPage() {
  const { kind, id } = useParams({ from: "/objects/$kind/$id" });
  return <ExistingObject key={`${kind} ${id}`} kind={kind} id={id} />;
}

function NewObject({ kind: name }: { kind: string }) {
  const kind = useQuery(kindQuery(name));
  if (kind.data) return <Editor kind={kind.data} detail={null} gone={null} onReload={async () => undefined} />;
  return <Waiting kind={name} error={kind.error} />;
}

function ExistingObject({ kind: name, id }: { kind: string; id: string }) {
  const kind = useQuery(kindQuery(name));
  const object = useQuery(objectDetail(name, id));
  const reload = useReloadObject(name);
  if (kind.data && object.data) return <Editor kind={kind.data} detail={object.data} gone={isGone(object.error) ? object.error : null} onReload={() => reload(id)} />;
  return <Waiting kind={name} error={object.error ?? kind.error} />;
}

function Waiting({ kind, error }: { kind: string; error: ApiError | null }) {
  const title = kind === "user" ? t`User` : kind;
  return (
    <Page title={title} trail={<Trail kind={kind} title={title} />}>
      {error ? <Problem error={error} action={isGone(error) && <BackToList kind={kind} />} /> : <Skeleton rows={8} />}
    </Page>
  );
}

function BackToList({ kind }: { kind: string }) {
  const list = useListState();
  const navigate = useNavigate();
  // What was typed has nowhere to go any more: there is nothing to ask about.
  return <Button onClick={() => void navigate({ ...listPlace(kind, list), ignoreBlocker: true })}>{t`Back to the list`}</Button>;
}

/** The attribute to which a path leads. */
function headOf(path: string): string {
  return path.split("/")[0] ?? path;
}

function Editor({ kind, detail, gone: unread, onReload }: {
  kind: Kind;
  detail: ObjectDetail | null;
  /** That it was deleted since it was read. */
  gone: ApiError | null;
  onReload: () => Promise<ObjectDetail | undefined>;
}) {
  const [edits, setEdits] = useState<Attributes>({});
  // The edited attributes that somebody else changed too.
  const [both, setBoth] = useState<ReadonlySet<string>>(new Set());
  // A new object that was saved while more was typed: the page stays with it until that is saved too.
  const [made, setMade] = useState<ObjectDetail | null>(null);
  const edited = Object.keys(edits).length > 0;
  const [on, setOn] = useBase(detail ?? made, edited);
  const save = useSaveObject(kind.name);
  const seek = useSeekFault(FORM);
  const navigate = useNavigate();
  const { attributes, secrets } = kind;
  const set = detail?.protected ?? [];
  const base = on?.object.attributes ?? {};
  // A secret that was emptied again is one that was not typed.
  const changes = Object.fromEntries(Object.entries(changedAttributes(base, edits)).filter(([name, value]) => value !== null || !secrets.some((secret) => secret.name === name)));
  const errors = policyErrors(save.error);
  const known = new Set([...attributes, ...secrets].map((attribute) => attribute.name));
  const placed = errors.size > 0 && [...errors.keys()].every((path) => known.has(headOf(path)));
  // "Address / zip": a part of a group with the group's name before it.
  const titleOf = (path: string) => {
    const [head = "", ...inner] = path.split("/");
    return [[...attributes, ...secrets].find((attribute) => attribute.name === head)?.title ?? head, ...inner].join(" / ");
  };
  const errorsOf = (path: string) => errors.get(path) ?? [];
  const gone = detail && isGone(save.error) ? save.error : unread;
  const stale = save.error?.code === "stale";
  const clashes = attributes.map(({ name }) => name).filter((name) => name in edits && both.has(name));

  const id = made?.object.id;
  const leaving = id !== undefined && !edited;
  useEffect(() => {
    if (leaving) void navigate({ ...objectPlace(kind.name, id), replace: true, ignoreBlocker: true });
  }, [leaving, navigate, kind.name, id]);

  function edit(name: string, value: unknown) {
    // While a save is under way, the old value is a change again as soon as that is through.
    setEdits((before) => (save.isPending ? { ...before, [name]: value } : differing(base, { ...before, [name]: value })));
  }

  /** Puts what is stored now under the edits. */
  function rebase(now: ObjectDetail, sent: Attributes) {
    setOn(now);
    setEdits((edits) => differing(now.object.attributes, editedSince(sent, edits)));
  }

  /** What is stored now goes under the edits, and those that would undo somebody else's say so. */
  async function reload() {
    save.reset();
    const now = await onReload();
    if (!now) return;
    const met = changedElsewhere(base, now.object.attributes, edits);
    setBoth((before) => new Set([...before, ...met]));
    rebase(now, {});
  }

  function take(name: string) {
    setBoth((before) => new Set([...before].filter((other) => other !== name)));
    setEdits((edits) => Object.fromEntries(Object.entries(edits).filter(([other]) => other !== name)));
    announce(t`${titleOf(name)} is as it was stored meanwhile`);
  }

  function submit() {
    if (gone) return;
    save.mutate(
      { id: on?.object.id ?? null, rev: on?.object.rev ?? null, attributes: changes },
      {
        onSuccess: ({ object, sync }) => {
          const now: ObjectDetail = { linked: [], protected: [], ...on, object, sync };
          if (!detail) setMade(now);
          rebase(now, edits);
          setBoth(new Set());
          announce(t`${objectName(object.attributes)} was saved`);
        },
        onError: (error) => policyErrors(error).size > 0 && seek(),
      },
    );
  }

  return (
    <Page
      flush
      title={detail ? objectName(base) : t`New ${objectsWord(kind, false)}`}
      trail={<Trail kind={kind.name} title={kind.title} />}
      beside={
        detail && (
          <span className="shrink-0">
            <Id id={detail.object.id} what={t`${objectsWord(kind, false)} id`} />
          </span>
        )
      }
      actions={detail && <DeleteObject kind={kind} detail={detail} disabled={gone !== null} />}
    >
      <div className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
        <div className="grid max-w-6xl grid-cols-1 gap-x-10 gap-y-8 min-[1160px]:grid-cols-[minmax(0,1fr)_420px]">
          <div className="min-w-0">
            {gone && (
              <div ref={intoView} className="mb-4">
                <Problem error={gone} action={<BackToList kind={kind.name} />} />
              </div>
            )}
            {!gone && save.error && (!placed || save.error.code !== "policy") && (
              <div ref={intoView} className="mb-4">
                <Problem
                  error={save.error}
                  action={
                    stale && <Button onClick={() => void reload()}>{t`Reload`}</Button>
                  }
                />
              </div>
            )}
            {save.error?.code === "policy" && placed && (
              <p role="alert" className="mb-4 text-needs">
                {t`Not saved: ${[...errors.keys()].map(titleOf).join(", ")} ${plural(errors.size, { one: "does", other: "do" })} not meet the policies below.`}
              </p>
            )}
            {!gone && clashes.length > 0 && (
              <div ref={intoView} className="mb-4">
                <Notice tone="waits" live="alert">
                  <bdi>{clashes.map(titleOf).join(", ")}</bdi> {plural(clashes.length, { one: "was changed elsewhere too. Save to keep what you typed, or take what is stored.", other: "were changed elsewhere too. Save to keep what you typed, or take what is stored." })}
                </Notice>
              </div>
            )}
            <form
              id={FORM}
              noValidate
              className="grid grid-cols-2 items-start gap-x-5 gap-y-4"
              onSubmit={(event) => {
                event.preventDefault();
                submit();
              }}
            >
              {attributes.filter((attribute) => hasPlace(attribute, base[attribute.name])).map((attribute) => (
                <div key={attribute.name} className={`min-w-0 ${isWide(attribute) ? "col-span-full" : ""}`}>
                  <AttributeField
                    attribute={attribute}
                    value={attribute.name in edits ? edits[attribute.name] : base[attribute.name]}
                    path={attribute.name}
                    errors={errorsOf}
                    onChange={(value) => edit(attribute.name, value)}
                  />
                  {clashes.includes(attribute.name) && <Meanwhile title={attribute.title} value={base[attribute.name]} onTake={() => take(attribute.name)} />}
                </div>
              ))}
              {secrets.map((secret) => {
                const stored = set.find(({ attribute }) => attribute === secret.name);
                const typed = edits[secret.name];
                return (
                  <SecretField
                    key={`${secret.name} ${stored?.updated ?? ""}`}
                    label={secret.title}
                    help={policyHint(secret.policies.map(({ words }) => words))}
                    status={detail ? { property: secret.name, set: stored !== undefined, updatedAt: stored?.updated ?? null } : undefined}
                    value={typeof typed === "string" ? typed : ""}
                    errors={errorsOf(secret.name)}
                    onChange={(value) => edit(secret.name, value)}
                  />
                );
              })}
            </form>
          </div>
          {detail && (
            <div className="min-w-0 max-[1159px]:contents">
              {detail.sync.length > 0 && (
                // In one column, what has not arrived stands before the form that says "all saved".
                <div className={`min-w-0 min-[1160px]:mb-8 ${detail.sync.some(({ state }) => state !== "synced") ? "max-[1159px]:order-first" : ""}`}>
                  <Section title={t`Delivery`}>
                    <SyncResults id={detail.object.id} results={detail.sync} />
                  </Section>
                </div>
              )}
              <div className="min-w-0">
                <Section title={t`Linked Systems`}>
                  <LinkedSystems kind={kind} id={detail.object.id} linked={detail.linked} titleOf={titleOf} />
                </Section>
              </div>
            </div>
          )}
          {detail && (
            <div className="col-span-full min-w-0">
              <History kind={kind.name} id={detail.object.id} attributes={[...known]} titleOf={titleOf} />
            </div>
          )}
        </div>
      </div>
      <UnsavedBar
        form={FORM}
        always={!detail}
        changes={Object.keys(changes).length}
        saving={save.isPending}
        ready={gone === null}
        onUndo={() => {
          setEdits({});
          setBoth(new Set());
          save.reset();
        }}
      />
    </Page>
  );
}

/** What somebody else stored in a field that is being edited. */
function Meanwhile({ title, value, onTake }: { title: string; value: unknown; onTake: () => void }) {
  return (
    <div role="group" aria-label={t`${title}, stored meanwhile`} className="mt-1 flex items-start gap-2 text-sm text-waits">
      <span className="min-w-0 flex-1 pt-1 break-words">
        {t`stored meanwhile:`} {cellText(value) === "" ? t`nothing` : <bdi>{cellText(value)}</bdi>}
      </span>
      <Button aria-label={t`Take the stored ${title}`} onClick={onTake}>
        {t`Take`}
      </Button>
    </div>
  );
}
