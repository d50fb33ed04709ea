import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import type { ApiError } from "../../backend/bindings/ApiError";
import type { ManagedTypeDetail } from "../../backend/bindings/ManagedTypeDetail";
import type { TypeProblem } from "../../backend/bindings/TypeProblem";
import { announce } from "../../parts/Announcer";
import { Confirm } from "../../parts/Dialog";
import { TextField } from "../../parts/Field";
import { Page, Skeleton } from "../../parts/Page";
import { NotSaved, Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { useBase } from "../../parts/useBase";
import { errorWords } from "../../words/error";
import { AddProperty } from "./AddProperty";
import { ImportClaims } from "./ImportClaims";
import { Problems } from "./Problems";
import { PropertiesTable } from "./PropertiesTable";
import { PropertyPanel } from "./PropertyPanel";
import { managedType, managedTypes, useSaveType } from "./queries";
import { RemoveType } from "./RemoveType";
import { added, blankType, differences, orderOf, removed, titleOfType, type TypeDocument, withTitle } from "./schema";

const FORM = "type-form";
const TRAIL = (
  <Link to="/types" className="rounded-sm hover:underline">
    {t`Managed Objects`}
  </Link>
);

export function NewTypePage() {
  const types = useQuery(managedTypes);
  // Any type knows which policies are checked.
  const some = types.data?.[0]?.name;
  const other = useQuery({ ...managedType(some ?? ""), enabled: some !== undefined });
  if (other.data) return <Editor detail={null} known={other.data.knownPolicies} onReload={() => undefined} />;
  return <Waiting title={t`New type`} error={types.error ?? other.error} />;
}

export function TypePage() {
  const { name } = useParams({ from: "/types/$name" });
  const type = useQuery(managedType(name));
  if (type.data) return <Editor key={name} detail={type.data} known={type.data.knownPolicies} onReload={() => void type.refetch()} />;
  return <Waiting title={name} error={type.error} />;
}

function Waiting({ title, error }: { title: string; error: ApiError | null }) {
  return (
    <Page title={title} trail={TRAIL}>
      {error ? <Problem error={error} /> : <Skeleton rows={10} />}
    </Page>
  );
}

/** The first of the form. */
const nameField = () => document.getElementById(FORM)?.querySelector("input");

function Editor({ detail, known, onReload }: { detail: ManagedTypeDetail | null; known: string[]; onReload: () => void }) {
  const [edited, setEdited] = useState<TypeDocument | null>(null);
  const { property } = useSearch({ strict: false });
  const [open, setOpen] = useState<string | null>(property ?? null);
  const [before, setBefore] = useState(property);
  if (property !== before) {
    setBefore(property);
    if (property !== undefined) setOpen(property);
  }
  const [blank] = useState(blankType);
  const save = useSaveType();
  const navigate = useNavigate();
  const [on, setOn] = useBase(detail, edited !== null);
  const base = on?.config ?? blank;
  const doc = edited ?? base;
  const changes = edited ? differences(base, edited) : 0;
  const answer = save.data;
  // What a save said holds for the document that was sent; what is known of the stored type holds until it is edited.
  const said = answer && save.variables?.config === doc ? answer.problems : changes === 0 ? (answer?.saved ? answer.problems : (detail?.problems ?? [])) : [];
  const toConfirm = answer && !answer.saved && save.variables?.config === doc && !answer.problems.some(({ gravity }) => gravity === "refused") ? answer.problems.filter(({ gravity }) => gravity === "confirm") : [];
  const [asking, setAsking] = useState(false);
  const names = orderOf(doc);
  const title = titleOfType(doc) || detail?.summary.title || t`the type`;
  const of = (name: string | null) => said.filter(({ property }) => property === name);
  const elsewhere = said.filter(({ property }) => property === null || !names.includes(property));
  const shown = open !== null && names.includes(open) ? open : null;

  const [tried, setTried] = useState(false);
  // A name that another type has stands at its field until it is another name.
  const taken = save.error?.field === "name" && save.variables?.config["name"] === doc["name"] ? save.error : null;
  const nameless = typeof doc["name"] !== "string" || doc["name"].trim() === "";

  function submit(confirmed: boolean) {
    setTried(true);
    if (nameless) {
      nameField()?.focus();
      return;
    }
    save.mutate({ config: doc, create: !detail, rev: on?.rev ?? null, confirmed }, {
      onError: ({ field }) => {
        if (field === "name") nameField()?.focus();
      },
      onSuccess: ({ saved, problems, detail: now }) => {
        setAsking(!saved && problems.every(({ gravity }) => gravity !== "refused"));
        if (!saved) return;
        setOn(now);
        setEdited((edited) => (edited === doc ? null : edited));
        announce(t`${title} was saved`);
        if (!detail && now) void navigate({ to: "/types/$name", params: { name: now.summary.name }, replace: true, ignoreBlocker: true });
      },
    });
  }

  return (
    <Page
      flush
      title={detail ? detail.summary.title : t`New type`}
      trail={TRAIL}
      beside={
        detail && (
          <span className="shrink-0 text-soft">
            {t`${plural(detail.summary.objects, { one: "# object", other: "# objects" })}, ${plural(detail.summary.properties, { one: "# property", other: "# properties" })}`}
            {detail.summary.indexing.length > 0 && <State tone="busy">{t`indexing ${detail.summary.indexing.join(", ")}`}</State>}
          </span>
        )
      }
      actions={
        detail && (
          <>
            {/* Claims are about people. */}
            {detail.summary.name === "user" && <ImportClaims doc={doc} onApply={setEdited} />}
            <RemoveType type={detail.summary} />
          </>
        )
      }
    >
      <div className="flex min-h-0 flex-1">
        <form
          id={FORM}
          noValidate
          className="min-h-0 min-w-0 flex-1 overflow-y-auto px-6 py-4"
          onSubmit={(event) => {
            event.preventDefault();
            submit(false);
          }}
        >
          {/* Enter in one of the many fields is no wish to save the whole. */}
          <button type="submit" disabled hidden />
          {save.error && save.error.field !== "name" && (
            <div className="mb-4">
              <NotSaved
                error={save.error}
                changes={changes}
                onReload={() => {
                  save.reset();
                  setEdited(null);
                  onReload();
                }}
              />
            </div>
          )}
          <Refused problems={said} />
          {elsewhere.length > 0 && (
            <div className="mb-4">
              <Problems problems={elsewhere} />
            </div>
          )}
          <div className="mb-4 grid max-w-2xl grid-cols-2 gap-4">
            <TextField
              label={t`Name`}
              mono
              required={!detail}
              value={typeof doc["name"] === "string" ? doc["name"] : ""}
              errors={tried && nameless ? [t`Give the type a name.`] : taken ? [errorWords(taken)] : []}
              help={detail ? undefined : t`Letters and digits; mappings call it managed/<name>. It cannot be changed later.`}
              onChange={detail ? undefined : (name) => setEdited({ ...doc, name })}
            />
            <TextField label={t`Title`} placeholder={detail?.summary.title} value={titleOfType(doc)} onChange={(typed) => setEdited(withTitle(doc, typed))} />
          </div>
          <PropertiesTable
            doc={doc}
            problemsOf={of}
            open={shown}
            onChange={setEdited}
            onOpen={(name) => setOpen(name === shown ? null : name)}
            onRemove={(name) => setEdited(removed(doc, name))}
          />
          <AddProperty
            doc={doc}
            onAdd={(name) => {
              setEdited(added(doc, name));
              setOpen(name);
            }}
          />
        </form>
        {shown !== null && <PropertyPanel key={shown} doc={doc} name={shown} known={known} problems={of(shown)} onChange={setEdited} onClose={() => setOpen(null)} />}
      </div>
      <UnsavedBar
        form={FORM}
        always={!detail}
        changes={changes}
        saving={save.isPending}
        onUndo={() => {
          setEdited(null);
          save.reset();
        }}
      />
      <Confirm title={t`Save ${title} all the same?`} action={t`Save with ${plural(toConfirm.length, { one: "# consequence", other: "# consequences" })}`} open={asking && toConfirm.length > 0} busy={save.isPending} onClose={() => setAsking(false)} onConfirm={() => submit(true)}>
        <Problems problems={toConfirm} />
      </Confirm>
    </Page>
  );
}

/** Says at the top that nothing was saved; the reasons stand at their properties. */
function Refused({ problems }: { problems: TypeProblem[] }) {
  const refused = problems.filter(({ gravity }) => gravity === "refused");
  if (refused.length === 0) return null;
  const properties = [...new Set(refused.flatMap(({ property }) => (property === null ? [] : [property])))];
  return (
    <p role="alert" className="mb-4 text-needs">
      {properties.length > 0 ? t`Not saved: see ${properties.join(", ")} below.` : t`Not saved.`}
    </p>
  );
}
