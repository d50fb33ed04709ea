import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";

import type { ApiError } from "../../backend/bindings/ApiError";
import type { MappingDetail } from "../../backend/bindings/MappingDetail";
import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import type { RunMode } from "../../backend/bindings/RunMode";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Menu } from "../../parts/Menu";
import { Page, Skeleton } from "../../parts/Page";
import { NotSaved, Notice, Problem } from "../../parts/Problem";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { useBase } from "../../parts/useBase";
import { isGone, sentence } from "../../words/error";
import { lastRunWords } from "../../words/run";
import { useNow } from "../../words/useNow";
import { FailedTests } from "../connectors/FailedTests";
import { MappingDrift } from "../connectors/MappingDrift";
import { useCancelRun, useStartRun } from "../runs/queries";
import { RunsTable } from "../runs/RunsTable";
import { filterOf, searchOf } from "../runs/filterSearch";
import { RunView } from "../runs/RunView";
import { AdvancedTab } from "./editor/AdvancedTab";
import { AssociationTab } from "./editor/AssociationTab";
import { BehaviorsTab } from "./editor/BehaviorsTab";
import { complaintOf, tabOf } from "./editor/complaint";
import { EditorProvider } from "./editor/EditorContext";
import { JsonTab, type Typed } from "./editor/JsonTab";
import { hasNoNumber } from "./editor/numbers";
import { PropertiesTab } from "./editor/PropertiesTab";
import { SchedulingTab } from "./editor/SchedulingTab";
import { type Draft, useDraft } from "./editor/useDraft";
import { mappingDetail, useSaveMappings } from "./queries";
import { RemoveMapping } from "./RemoveMapping";

const TRAIL = (
  <Link to="/mappings" className="rounded-sm hover:underline">
    {t`Mappings`}
  </Link>
);

const FORM = "mapping-editor";

const EDITOR_TABS = [
  ["properties", t`Properties`],
  ["association", t`Association`],
  ["behaviors", t`Behaviors`],
  ["scheduling", t`Scheduling`],
  ["advanced", t`Advanced`],
] as const;
const TABS = new Set<string>([...EDITOR_TABS.map(([id]) => id), "runs", "json"]);

export function MappingPage() {
  const { name } = useParams({ from: "/mappings/$name" });
  const mapping = useQuery(mappingDetail(name));
  if (!mapping.data) {
    return (
      <Page title={name} trail={TRAIL}>
        {mapping.error ? <Problem error={mapping.error} action={isGone(mapping.error) && <BackToList />} /> : <Skeleton rows={10} />}
      </Page>
    );
  }
  // The edits belong to one mapping and go with it.
  return <Editor key={name} detail={mapping.data} gone={isGone(mapping.error) ? mapping.error : null} onReload={() => void mapping.refetch()} />;
}

function BackToList() {
  const navigate = useNavigate();
  // What was edited has nowhere to go any more: there is nothing to ask about.
  return <Button onClick={() => void navigate({ to: "/mappings", ignoreBlocker: true })}>{t`Back to the list`}</Button>;
}

function Editor({ detail, gone: unread, onReload }: { detail: MappingDetail; /** That it was removed since it was read. */ gone: ApiError | null; onReload: () => void }) {
  const { summary } = detail;
  const { name } = summary;
  const search = useSearch({ from: "/mappings/$name" });
  const navigate = useNavigate();
  const draft = useDraft(detail.config);
  const [on, setOn] = useBase(detail, draft.begun);
  const [typed, setTyped] = useState<Typed | null>(null);
  const save = useSaveMappings();
  const show = (next: { tab?: string; run?: string }) => void navigate({ to: "/mappings/$name", params: { name }, search: next });
  const showRun = (run: RunSummary) => show({ tab: "run", run: run.id });
  const runs = useRuns(name, showRun);

  const active = summary.lastRun?.state === "active" ? summary.lastRun : null;
  const tab = search.run ? "run" : search.tab && TABS.has(search.tab) ? search.tab : "properties";
  const gone = isGone(save.error) ? save.error : unread;
  const error = gone ?? runs.error;
  // What was wrong when it was saved may be right once it is edited; what it is based on stays old.
  const refusal = gone === null && (save.error?.code === "stale" ? draft.begun : save.variables?.[0]?.config === draft.doc) ? save.error : null;
  const complaint = useMemo(() => refusal && complaintOf(refusal.message), [refusal]);
  const wrongTab = complaint && tabOf(complaint.place);
  const unreadable = typed?.problem ? 1 : 0;
  const numberless = hasNoNumber(draft.doc);
  const [seek, setSeek] = useState(false);
  const sought = useCallback(() => setSeek(false), []);

  function submit() {
    if (gone) return;
    if (unreadable > 0) {
      show({ tab: "json" });
      return;
    }
    if (numberless) {
      show({ tab: "advanced" });
      setSeek(true);
      return;
    }
    const sent = draft.doc;
    save.mutate([{ create: false, rev: on.rev, config: sent }], {
      onSuccess: ([now]) => {
        if (now) setOn(now);
        draft.saved(sent);
        setTyped((text) => (text === typed ? null : text));
        announce(t`${name} was saved`);
      },
      onError: (refused) => {
        const place = tabOf(complaintOf(refused.message).place);
        if (place && place !== tab && tab !== "json") show({ tab: place });
      },
    });
  }

  function undoAll() {
    draft.undoAll();
    setTyped(null);
    save.reset();
  }

  const changes = draft.changes + unreadable;
  return (
    <Tabs className="h-full" selectedKey={tab} onSelectionChange={(key) => (key === "run" ? undefined : show(key === "properties" ? {} : { tab: String(key) }))}>
      <Page
        flush
        title={name}
        trail={TRAIL}
        actions={
          <>
            {active ? (
              search.run !== active.id && <ActiveRun run={active} runs={runs} onShow={() => showRun(active)} />
            ) : (
              <NewRun runs={runs} unsaved={changes > 0} blocked={summary.problem !== null || gone !== null} loud={!search.run} />
            )}
            <RemoveMapping name={name} disabled={active !== null || gone !== null} />
          </>
        }
        below={
          <div className="-mb-3">
            <Ends summary={summary} />
            {summary.problem && (
              <div className="mt-2">
                <Notice tone="needs" action={<ProblemLink problem={summary.problem} />}>
                  <bdi>{sentence(summary.problem)}</bdi>
                </Notice>
              </div>
            )}
            {!gone && <FailedTests mapping={summary} />}
            {!gone && <MappingDrift mapping={summary} />}
            {error && (
              <div className="mt-2">
                <Problem error={error} action={gone && <BackToList />} />
              </div>
            )}
            {refusal && (
              <div className="mt-2">
                <NotSaved
                  error={refusal}
                  changes={changes}
                  onReload={() => {
                    undoAll();
                    onReload();
                  }}
                  action={wrongTab && wrongTab !== tab && <Button onClick={() => show({ tab: wrongTab })}>{t`Show`}</Button>}
                />
              </div>
            )}
            <TabList aria-label={t`Parts of the mapping`} className="mt-2 flex flex-wrap gap-x-4">
              {EDITOR_TABS.map(([id, label]) => (
                <MappingTab key={id} id={id} wrong={wrongTab === id || (id === "advanced" && numberless)}>
                  {label}
                </MappingTab>
              ))}
              {search.run && <MappingTab id="run">{t`Run`}</MappingTab>}
              <MappingTab id="runs">{t`Runs`}</MappingTab>
              <MappingTab id="json" wrong={unreadable > 0}>
                JSON
              </MappingTab>
            </TabList>
          </div>
        }
      >
        <EditorProvider detail={detail} draft={draft} complaint={complaint} gone={gone !== null}>
          <form
            id={FORM}
            className={tab === "run" || tab === "runs" ? "hidden" : "flex min-h-0 flex-1 flex-col"}
            onSubmit={(event) => {
              event.preventDefault();
              submit();
            }}
          >
            {/* Enter in one of the many fields is no wish to save the whole: it presses the first button, which cannot be pressed. */}
            <button type="submit" disabled hidden />
            <TabPanel id="properties" className="flex min-h-0 flex-1 flex-col">
              <PropertiesTab summary={summary} />
            </TabPanel>
            <TabPanel id="association" className="flex min-h-0 flex-1 flex-col">
              <AssociationTab detail={detail} />
            </TabPanel>
            <TabPanel id="behaviors" className="flex min-h-0 flex-1 flex-col">
              <BehaviorsTab />
            </TabPanel>
            <TabPanel id="scheduling" className="min-h-0 flex-1 overflow-y-auto">
              <SchedulingTab />
            </TabPanel>
            <TabPanel id="advanced" className="min-h-0 flex-1 overflow-y-auto">
              <AdvancedTab seek={seek} onSought={sought} />
            </TabPanel>
            <TabPanel id="json" className="min-h-0 flex-1 overflow-y-auto">
              <JsonTab typed={typed} onTyped={setTyped} />
            </TabPanel>
          </form>
        </EditorProvider>
        {search.run && (
          <TabPanel id="run" className="flex min-h-0 flex-1 flex-col">
            <RunView
              key={search.run}
              embedded
              id={search.run}
              targetIsUser={summary.target === "managed/user"}
              filter={filterOf(search)}
              onFilter={(next) => void navigate({ to: "/mappings/$name", params: { name }, search: { tab: search.tab, run: search.run, ...searchOf(next) }, replace: true })}
              onRun={showRun}
              onDiscard={() => show({})}
            />
          </TabPanel>
        )}
        <TabPanel id="runs" className="flex min-h-0 flex-1 flex-col">
          <RunsTable mapping={name} onOpen={showRun} />
        </TabPanel>
        {(changes > 0 || (tab !== "run" && tab !== "runs")) && (
          <EditBar
            draft={draft}
            changes={changes}
            saving={save.isPending}
            ready={gone === null}
            onUndoAll={undoAll}
          />
        )}
      </Page>
    </Tabs>
  );
}

/** The runs of a mapping, to be started and stopped. */
function useRuns(mapping: string, onBegun: (run: RunSummary) => void) {
  const start = useStartRun();
  const cancel = useCancelRun();
  return {
    begin: (mode: RunMode, incremental = false) => start.mutate({ mapping, mode, incremental }, { onSuccess: onBegun }),
    starting: start.isPending ? start.variables.mode : null,
    cancel: (run: RunSummary) => cancel.mutate(run.id),
    canceling: cancel.isPending,
    error: start.error ?? cancel.error,
  };
}

/** What can be done about a run that is under way and not in view. */
function ActiveRun({ run, runs, onShow }: { run: RunSummary; runs: ReturnType<typeof useRuns>; onShow: () => void }) {
  return (
    <>
      <Button onClick={onShow}>{t`Show run`}</Button>
      <Button data-once="" busy={runs.canceling} onClick={() => runs.cancel(run)}>
        {t`Cancel`}
      </Button>
    </>
  );
}

/** The ways to run a mapping as it is saved. */
function NewRun({ runs, unsaved, blocked, loud }: { runs: ReturnType<typeof useRuns>; unsaved: boolean; blocked: boolean; /** Whether it is what the screen is for now. */ loud: boolean }) {
  const disabled = blocked || unsaved || runs.starting !== null;
  const why = unsaved ? t`Save the mapping first: a run goes by what is saved` : undefined;
  return (
    <>
      <Button data-once="" look={loud && !unsaved ? "primary" : "plain"} busy={runs.starting === "preview"} disabled={disabled} title={why} onClick={() => runs.begin("preview")}>
        {t`Preview`}
      </Button>
      <Button data-once="" busy={runs.starting === "reconcile"} disabled={disabled} title={why} onClick={() => runs.begin("reconcile")}>
        {t`Reconcile`}
      </Button>
      <Menu
        label={t`More runs`}
        disabled={disabled}
        entries={[
          { id: "preview", label: t`Preview incrementally`, help: t`reads only what has changed since the last run looked`, run: () => runs.begin("preview", true) },
          { id: "reconcile", label: t`Reconcile incrementally`, help: t`the same, and carries it out; what was deleted takes a full run to be seen`, run: () => runs.begin("reconcile", true) },
        ]}
      />
    </>
  );
}

/** From where to where it goes, whose links it has, and what it did last. */
function Ends({ summary }: { summary: MappingSummary }) {
  const last = lastRunWords(summary.lastRun, useNow());
  return (
    <p className="flex min-w-0 items-baseline gap-x-4 max-[860px]:flex-wrap">
      <span className="shrink-0">
        <bdi>{summary.sourceTitle}</bdi> <span aria-label={t`to`} role="img" className="text-soft">{"\u2192"}</span> <bdi>{summary.targetTitle}</bdi>
      </span>
      {summary.links && (
        <span className="shrink-0 text-soft">
          <Trans>shares the links of{" "}
          <Link to="/mappings/$name" params={{ name: summary.links }} className="rounded-sm underline hover:text-ink">
            <bdi>{summary.links}</bdi>
          </Link></Trans>
        </span>
      )}
      <span className="truncate text-soft" title={last}>{last}</span>
    </p>
  );
}

function EditBar({ draft, changes, saving, ready, onUndoAll }: { draft: Draft; changes: number; saving: boolean; ready: boolean; onUndoAll: () => void }) {
  return (
    <UnsavedBar
      form={FORM}
      changes={changes}
      saving={saving}
      ready={ready}
      across="screens"
      onUndo={onUndoAll}
      undoLabel={t`Undo all`}
      before={
        <Button look="quiet" icon="undo" aria-keyshortcuts="Control+Z" disabled={draft.last === null || saving} title={draft.last === null ? undefined : t`Undo: ${draft.last}`} onClick={draft.undo}>
          {t`Undo`}
        </Button>
      }
    />
  );
}

/** A mapping's problem is nearly always its connector's; the way there stands beside it. */
function ProblemLink({ problem }: { problem: string }) {
  const named = /connector `([^`]+)`/i.exec(problem)?.[1];
  return (
    <Link {...(named ? { to: "/connectors/$name", params: { name: named } } : { to: "/connectors" })} className="shrink-0 rounded-sm font-medium underline">
      {t`Open connector`}
    </Link>
  );
}

function MappingTab({ id, wrong = false, children }: { id: string; wrong?: boolean; children: string }) {
  return (
    <Tab
      id={id}
      className="flex h-8 items-center gap-1.5 rounded-t-sm border-b-2 border-transparent px-0.5 whitespace-nowrap text-soft hover:text-ink data-[selected]:border-accent data-[selected]:font-medium data-[selected]:text-ink"
    >
      {children}
      {wrong && <span role="img" aria-label={t`something is wrong here`} className="size-1.5 rounded-full bg-needs" />}
    </Tab>
  );
}
