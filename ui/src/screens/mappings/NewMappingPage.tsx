import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import type { MappingProposal } from "../../backend/bindings/MappingProposal";
import type { ResourceInfo } from "../../backend/bindings/ResourceInfo";
import { ask } from "../../backend/query";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Choice, Field, TextField } from "../../parts/Field";
import { GoButton } from "../../parts/GoButton";
import { Nothing, Page, Section, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { SegmentedChoice } from "../../parts/SegmentedChoice";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { errorWords, sentence } from "../../words/error";
import { readDocument } from "./document";
import { DocumentField } from "./DocumentField";
import { complaintOf } from "./editor/complaint";
import { useSaveMappings } from "./queries";

const FORM = "mapping-form";

type Way = "resources" | "document";

/** A mapping from two resources and a first draft, or as a document. */
export function NewMappingPage() {
  const [way, setWay] = useState<Way>("resources");
  return (
    <Page
      flush
      title={t`New mapping`}
      trail={
        <Link to="/mappings" className="rounded-sm hover:underline">
          {t`Mappings`}
        </Link>
      }
      actions={
        <SegmentedChoice<Way>
          label={t`How to begin`}
          hideLabel
          value={way}
          options={[
            { value: "resources", label: t`From two resources` },
            { value: "document", label: t`From a document` },
          ]}
          onChange={setWay}
        />
      }
    >
      {way === "resources" ? <FromResources /> : <FromDocument />}
    </Page>
  );
}

function useCreate() {
  const save = useSaveMappings();
  const navigate = useNavigate();
  const create = (configs: Record<string, unknown>[]) =>
    save.mutate(
      configs.map((config) => ({ create: true, config })),
      {
        onSuccess: (saved) => {
          announce(t`${plural(saved.length, { one: "# mapping", other: "# mappings" })} saved`);
          const only = saved.length === 1 ? saved[0] : undefined;
          void (only ? navigate({ to: "/mappings/$name", params: { name: only.summary.name }, ignoreBlocker: true }) : navigate({ to: "/mappings", ignoreBlocker: true }));
        },
      },
    );
  return { save, create };
}

function FromResources() {
  const resources = useQuery(ask("resources_list", {}));
  const [source, setSource] = useState("");
  const [target, setTarget] = useState("");
  const [links, setLinks] = useState<string | null>(null);
  const [template, setTemplate] = useState<string | null>(null);
  const [typedName, setTypedName] = useState<string | null>(null);
  const { save, create } = useCreate();
  const both = source !== "" && target !== "" && source !== target;
  const proposal = useQuery({ ...ask("mapping_propose", { source, target, links: null }), enabled: both, refetchOnWindowFocus: false });
  const chosen = proposal.data?.templates.find(({ id }) => id === template) ?? proposal.data?.templates[0];
  const linked = proposal.data && links !== null ? (proposal.data.linkable.includes(links) ? links : "") : (proposal.data?.linkable[0] ?? "");
  const name = typedName ?? String(chosen?.config["name"] ?? "");
  const wrong = save.error ? complaintOf(save.error.message) : null;

  function forget() {
    setLinks(null);
    setTemplate(null);
    setTypedName(null);
    save.reset();
  }

  if (resources.error) return <div className="px-6 py-5"><Problem error={resources.error} /></div>;
  if (!resources.data) return <div className="px-6 py-5"><Skeleton rows={6} /></div>;
  return (
    <>
      <form
        id={FORM}
        className="min-h-0 flex-1 overflow-y-auto px-6 py-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (chosen) create([{ ...chosen.config, name: name.trim(), ...(linked ? { links: linked } : {}) }]);
        }}
      >
        <div className="max-w-3xl">
          <Section title={t`From where to where`}>
            {resources.data.length < 2 && (
              <div className="mb-4">
                <Nothing action={<GoButton go={{ to: "/connectors/new" }}>{t`New connector`}</GoButton>}>{t`There is no connector yet, so there is nothing to map users to.`}</Nothing>
              </div>
            )}
            <div className="grid grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)] items-start gap-3">
              <ResourceSelect label={t`Source`} value={source} other={target} resources={resources.data} onChange={(path) => {
                setSource(path);
                forget();
              }} />
              <Button
                aria-label={t`Swap source and target`}
                title={t`Swap source and target`}
                className="mt-6"
                disabled={source === "" && target === ""}
                onClick={() => {
                  setSource(target);
                  setTarget(source);
                  forget();
                }}
              >
                {"\u21c4"}
              </Button>
              <ResourceSelect label={t`Target`} value={target} other={source} resources={resources.data} onChange={(path) => {
                setTarget(path);
                forget();
              }} />
            </div>
            {source !== "" && source === target && <p role="alert" className="mt-2 text-sm text-needs">{t`Source and target are the same. Choose two different resources.`}</p>}
          </Section>
          {both && proposal.error && <Problem error={proposal.error} />}
          {both && proposal.isPending && <Skeleton rows={4} />}
          {both && proposal.data && chosen && (
            <>
              <Section title={t`First draft`}>
                <Choice legend={t`Begin with`} name="template" value={chosen.id} options={proposal.data.templates.map(({ id, label, help }) => ({ value: id, label, help }))} onChange={setTemplate} />
                <Pairs config={chosen.config} />
              </Section>
              <Section title={t`Name and links`}>
                <div className="flex max-w-100 flex-col gap-4">
                  <TextField label={t`Name`} required mono help={t`Stays as it is once the mapping is saved.`} errors={wrong ? [wrong.text] : []} value={name} onChange={setTypedName} />
                  <Linked proposal={proposal.data} value={linked} onChange={setLinks} />
                </div>
              </Section>
            </>
          )}
        </div>
      </form>
      <UnsavedBar
        form={FORM}
        always
        ready={both && chosen !== undefined}
        changes={source === "" && target === "" ? 0 : 1}
        saving={save.isPending}
        onUndo={() => {
          setSource("");
          setTarget("");
          forget();
        }}
      />
    </>
  );
}

function ResourceSelect({ label, value, other, resources, onChange }: { label: string; value: string; other: string; resources: ResourceInfo[]; onChange: (path: string) => void }) {
  const groups = useMemo(() => {
    const found = new Map<string, ResourceInfo[]>();
    for (const resource of resources) {
      const group = resource.connector ?? "Concord";
      found.set(group, [...(found.get(group) ?? []), resource]);
    }
    return [...found];
  }, [resources]);
  const chosen = resources.find(({ path }) => path === value);
  return (
    <Field label={label} required help={chosen ? <code className="font-mono">{chosen.path}</code> : "\u00a0"} errors={chosen?.problem ? [sentence(chosen.problem)] : []}>
      {(props) => (
        <select className="field" value={value} onChange={(event) => onChange(event.target.value)} {...props}>
          <option value="">{t`Choose`}</option>
          {groups.map(([group, members]) => (
            <optgroup key={group} label={group}>
              {members.map(({ path, title }) => (
                <option key={path} value={path} disabled={path === other}>
                  {title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      )}
    </Field>
  );
}

function Linked({ proposal, value, onChange }: { proposal: MappingProposal; value: string; onChange: (value: string) => void }) {
  if (proposal.linkable.length === 0) return null;
  return (
    <Field label={t`Linked mapping`} help={t`It goes the other way; with its links, records that it joined are joined here too.`}>
      {(props) => (
        <select className="field" value={value} onChange={(event) => onChange(event.target.value)} {...props}>
          {proposal.linkable.map((name) => (
            <option key={name}>{name}</option>
          ))}
          <option value="">{t`none: links of its own`}</option>
        </select>
      )}
    </Field>
  );
}

function Pairs({ config }: { config: Record<string, unknown> }) {
  const list = config["properties"];
  const pairs = Array.isArray(list) ? (list as { source?: string; target: string }[]) : [];
  if (pairs.length === 0) return null;
  return (
    <ul aria-label={t`Properties of the first draft`} className="mt-3 grid grid-cols-2 gap-x-6 rounded-md bg-sunken px-3 py-2 font-mono text-sm">
      {pairs.map(({ source, target }) => (
        <li key={target} className="flex min-w-0 gap-2 py-0.5">
          <bdi className="min-w-0 flex-1 truncate">{source}</bdi>
          <span aria-label={t`to`} role="img" className="text-soft">
            {"\u2192"}
          </span>
          <bdi className="min-w-0 flex-1 truncate">{target}</bdi>
        </li>
      ))}
    </ul>
  );
}

const EXAMPLE = `{
  "name": "systemHubspotContact_managedUser",
  "source": "system/hubspot/contact",
  "target": "managed/user",
  "correlationQuery": [
    {
      "linkQualifier": "default",
      "expressionTree": { "all": ["mail"] }
    }
  ],
  "properties": [
    { "source": "firstname", "target": "givenName" },
    { "source": "lastname", "target": "sn", "default": "-" },
    { "source": "email", "target": "mail" },
    { "source": "email", "target": "userName" }
  ],
  "policies": [
    { "situation": "ABSENT", "action": "CREATE" },
    { "situation": "FOUND", "action": "UPDATE" },
    { "situation": "CONFIRMED", "action": "UPDATE" },
    { "situation": "SOURCE_MISSING", "action": "EXCEPTION" }
  ]
}`;

function FromDocument() {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const { save, create } = useCreate();

  function submit() {
    const document = readDocument(text);
    setProblem("problem" in document ? document.problem : null);
    if ("configs" in document) create(document.configs);
  }

  const errors = problem ? [problem] : save.error ? [errorWords(save.error)] : [];
  return (
    <>
      <div className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
        <form
          id={FORM}
          className="grid max-w-5xl grid-cols-1 gap-8 min-[1000px]:grid-cols-2"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <DocumentField value={text} errors={errors} onChange={setText} />
          <section aria-label={t`Example`} className="min-w-0">
            <h2 className="mb-1 text-sm leading-5 text-soft">{t`For example`}</h2>
            {/* Long examples scroll, so the keyboard must be able to reach them. */}
            {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
            <pre tabIndex={0} className="overflow-x-auto rounded-md bg-sunken px-3 py-2 font-mono text-sm text-soft">
              {EXAMPLE}
            </pre>
          </section>
        </form>
      </div>
      <UnsavedBar
        form={FORM}
        always
        changes={text.trim() === "" ? 0 : 1}
        saving={save.isPending}
        onUndo={() => {
          setText("");
          setProblem(null);
          save.reset();
        }}
      />
    </>
  );
}
