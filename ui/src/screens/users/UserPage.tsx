import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";

import type { ApiError } from "../../backend/bindings/ApiError";
import type { UserDetail } from "../../backend/bindings/UserDetail";
import type { UserSchema } from "../../backend/bindings/UserSchema";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Id } from "../../parts/Outside";
import { Page, Section, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { SecretField } from "../connectors/SecretField";
import { AttributeField } from "./AttributeField";
import { DeleteUser } from "./DeleteUser";
import { type Attributes, changedAttributes, hasPlace, policyErrors, userName } from "./draft";
import { History } from "./History";
import { LinkedSystems } from "./LinkedSystems";
import { userDetail, userSchema, userSecrets, userSecretsSet, useSaveUser } from "./queries";
import { SyncResults } from "./SyncResults";
import { useUsersList } from "./usersList";

const FORM = "user-form";

/** The way back to the list: to the search that the user was found with, if it was. */
function Trail() {
  const search = useUsersList();
  return (
    <Link to="/users" search={search} className="rounded-sm hover:underline">
      User
    </Link>
  );
}

export function NewUserPage() {
  const schema = useQuery(userSchema);
  if (schema.data) return <Editor schema={schema.data} detail={null} onReload={() => undefined} />;
  return <Waiting title="New user" error={schema.error} />;
}

export function UserPage() {
  const { id } = useParams({ from: "/users/$id" });
  const schema = useQuery(userSchema);
  const user = useQuery(userDetail(id));
  if (schema.data && user.data) return <Editor key={id} schema={schema.data} detail={user.data} onReload={() => void user.refetch()} />;
  return <Waiting title="User" error={user.error ?? schema.error} />;
}

function Waiting({ title, error }: { title: string; error: ApiError | null }) {
  return (
    <Page title={title} trail={<Trail />}>
      {error ? <Problem error={error} /> : <Skeleton rows={8} />}
    </Page>
  );
}

function Editor({ schema, detail, onReload }: { schema: UserSchema; detail: UserDetail | null; onReload: () => void }) {
  const [edits, setEdits] = useState<Attributes>({});
  const save = useSaveUser();
  const navigate = useNavigate();
  const secrets = useQuery(userSecrets).data ?? [];
  const set = useQuery({ ...userSecretsSet(detail?.user.id ?? ""), enabled: detail !== null }).data ?? [];
  const base = detail?.user.attributes ?? {};
  // A secret that was emptied again is one that was not typed.
  const changes = Object.fromEntries(Object.entries(changedAttributes(base, edits)).filter(([name, value]) => value !== null || !secrets.some((secret) => secret.name === name)));
  const errors = policyErrors(save.error);
  const known = new Set([...schema.attributes, ...secrets].map((attribute) => attribute.name));
  const placed = errors.size > 0 && [...errors.keys()].every((name) => known.has(name));
  const titleOf = (name: string) => [...schema.attributes, ...secrets].find((attribute) => attribute.name === name)?.title ?? name;
  const stale = save.error?.code === "stale";

  function submit() {
    save.mutate(
      { id: detail?.user.id ?? null, rev: detail?.user.rev ?? null, attributes: changes },
      {
        onSuccess: ({ object: user }) => {
          setEdits({});
          announce(`${userName(user.attributes)} was saved`);
          if (!detail) void navigate({ to: "/users/$id", params: { id: user.id }, replace: true, ignoreBlocker: true });
        },
      },
    );
  }

  return (
    <Page
      flush
      title={detail ? userName(base) : "New user"}
      trail={<Trail />}
      beside={detail && <Id id={detail.user.id} what="user id" />}
      actions={detail && <DeleteUser detail={detail} />}
    >
      <div className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
        <div className="grid max-w-6xl grid-cols-1 gap-x-10 gap-y-8 min-[1000px]:grid-cols-[minmax(0,1fr)_360px]">
          <div className="min-w-0">
            {save.error && (!placed || save.error.code !== "policy") && (
              <div className="mb-4">
                <Problem
                  error={save.error}
                  action={
                    stale && (
                      <Button
                        onClick={() => {
                          save.reset();
                          onReload();
                        }}
                      >
                        Reload
                      </Button>
                    )
                  }
                />
              </div>
            )}
            {save.error?.code === "policy" && placed && (
              <p role="alert" className="mb-4 text-needs">
                Not saved: {[...errors.keys()].map(titleOf).join(", ")} {errors.size === 1 ? "does" : "do"} not meet the policies below.
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
              {schema.attributes.filter((attribute) => hasPlace(attribute, base[attribute.name])).map((attribute) => (
                <AttributeField
                  key={attribute.name}
                  attribute={attribute}
                  value={attribute.name in edits ? edits[attribute.name] : base[attribute.name]}
                  errors={errors.get(attribute.name) ?? []}
                  onChange={(value) => setEdits((before) => ({ ...before, [attribute.name]: value }))}
                />
              ))}
              {secrets.map((secret) => {
                const stored = set.find(({ attribute }) => attribute === secret.name);
                const typed = edits[secret.name];
                return (
                  <SecretField
                    key={`${secret.name} ${stored?.updated ?? ""}`}
                    label={secret.title}
                    help={secret.policies.map(({ words }) => words).join("; ") || undefined}
                    status={detail ? { property: secret.name, set: stored !== undefined, updatedAt: stored?.updated ?? null } : undefined}
                    value={typeof typed === "string" ? typed : ""}
                    errors={errors.get(secret.name) ?? []}
                    onChange={(value) => setEdits((before) => ({ ...before, [secret.name]: value }))}
                  />
                );
              })}
            </form>
          </div>
          {detail && (
            <div className="min-w-0">
              {detail.sync.length > 0 && (
                <Section title="Delivery">
                  <SyncResults results={detail.sync} />
                </Section>
              )}
              <Section title="Linked Systems">
                <LinkedSystems linked={detail.linked} />
              </Section>
            </div>
          )}
          {detail && (
            <div className="col-span-full min-w-0">
              <History id={detail.user.id} titleOf={titleOf} />
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
