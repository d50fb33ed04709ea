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
import { Problem } from "../../parts/Problem";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { useBase } from "../../parts/useBase";
import { useSeekFault } from "../../parts/useSeekFault";
import { SecretField } from "../connectors/SecretField";
import { AttributeField } from "./AttributeField";
import { DeleteObject } from "./DeleteObjects";
import { type Attributes, changedAttributes, differing, editedSince, hasPlace, objectName, policyErrors, policyHint } from "./draft";
import { History } from "./History";
import { type Kind, listPlace, objectPlace, objectsWord } from "./kind";
import { LinkedSystems } from "./LinkedSystems";
import { useListState } from "./listState";
import { kindQuery, objectDetail, useSaveObject } from "./queries";
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
  if (kind.data) return <Editor kind={kind.data} detail={null} onReload={async () => undefined} />;
  return <Waiting kind={name} error={kind.error} />;
}

function ExistingObject({ kind: name, id }: { kind: string; id: string }) {
  const kind = useQuery(kindQuery(name));
  const object = useQuery(objectDetail(name, id));
  if (kind.data && object.data) return <Editor kind={kind.data} detail={object.data} onReload={async () => (await object.refetch()).data} />;
  return <Waiting kind={name} error={object.error ?? kind.error} />;
}

function Waiting({ kind, error }: { kind: string; error: ApiError | null }) {
  const title = kind === "user" ? t`User` : kind;
  return (
    <Page title={title} trail={<Trail kind={kind} title={title} />}>
      {error ? <Problem error={error} /> : <Skeleton rows={8} />}
    </Page>
  );
}

/** The attribute to which a path leads. */
function headOf(path: string): string {
  return path.split("/")[0] ?? path;
}

function Editor({ kind, detail, onReload }: { kind: Kind; detail: ObjectDetail | null; onReload: () => Promise<ObjectDetail | undefined> }) {
  const [edits, setEdits] = useState<Attributes>({});
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
  const stale = save.error?.code === "stale";

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

  function submit() {
    save.mutate(
      { id: on?.object.id ?? null, rev: on?.object.rev ?? null, attributes: changes },
      {
        onSuccess: ({ object, sync }) => {
          const now: ObjectDetail = { linked: [], protected: [], ...on, object, sync };
          if (!detail) setMade(now);
          rebase(now, edits);
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
      actions={detail && <DeleteObject kind={kind} detail={detail} />}
    >
      <div className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
        <div className="grid max-w-6xl grid-cols-1 gap-x-10 gap-y-8 min-[1160px]:grid-cols-[minmax(0,1fr)_420px]">
          <div className="min-w-0">
            {save.error && (!placed || save.error.code !== "policy") && (
              <div ref={intoView} className="mb-4">
                <Problem
                  error={save.error}
                  action={
                    stale && (
                      <Button
                        onClick={() => {
                          save.reset();
                          void onReload().then((now) => now && rebase(now, {}));
                        }}
                      >
                        {t`Reload`}
                      </Button>
                    )
                  }
                />
              </div>
            )}
            {save.error?.code === "policy" && placed && (
              <p role="alert" className="mb-4 text-needs">
                {t`Not saved: ${[...errors.keys()].map(titleOf).join(", ")} ${plural(errors.size, { one: "does", other: "do" })} not meet the policies below.`}
              </p>
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
                <AttributeField
                  key={attribute.name}
                  attribute={attribute}
                  value={attribute.name in edits ? edits[attribute.name] : base[attribute.name]}
                  path={attribute.name}
                  errors={errorsOf}
                  onChange={(value) => edit(attribute.name, value)}
                />
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
                    <SyncResults results={detail.sync} />
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
        onUndo={() => {
          setEdits({});
          save.reset();
        }}
      />
    </Page>
  );
}
