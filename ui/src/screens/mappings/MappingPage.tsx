import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";

import type { RunMode } from "../../backend/bindings/RunMode";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Button } from "../../parts/Button";
import { Page, Skeleton } from "../../parts/Page";
import { Notice, Problem } from "../../parts/Problem";
import { lastRunWords } from "../../words/run";
import { useNow } from "../../words/useNow";
import { useCancelRun, useStartRun } from "../runs/queries";
import { RunsTable } from "../runs/RunsTable";
import { RunView } from "../runs/RunView";
import { DocumentTab } from "./DocumentTab";
import { OverviewTab } from "./OverviewTab";
import { mappingDetail } from "./queries";
import { RemoveMapping } from "./RemoveMapping";

const TRAIL = (
  <Link to="/mappings" className="rounded-sm hover:underline">
    Mappings
  </Link>
);

export function MappingPage() {
  const { name } = useParams({ from: "/mappings/$name" });
  const search = useSearch({ from: "/mappings/$name" });
  const navigate = useNavigate();
  const mapping = useQuery(mappingDetail(name));
  const start = useStartRun();
  const cancel = useCancelRun();
  const now = useNow();
  const show = (next: { tab?: string; run?: string }) => void navigate({ to: "/mappings/$name", params: { name }, search: next });
  const showRun = (run: RunSummary) => show({ tab: "run", run: run.id });
  const begin = (mode: RunMode) => start.mutate({ mapping: name, mode }, { onSuccess: showRun });

  if (!mapping.data) {
    return (
      <Page title={name} trail={TRAIL}>
        {mapping.error ? <Problem error={mapping.error} /> : <Skeleton rows={10} />}
      </Page>
    );
  }
  const { summary } = mapping.data;
  const active = summary.lastRun?.state === "active" ? summary.lastRun : null;
  const tab = search.run ? "run" : search.tab === "runs" || search.tab === "json" ? search.tab : "overview";
  const error = start.error ?? cancel.error;
  const starting = start.isPending ? start.variables.mode : null;
  return (
    <Tabs
      className="h-full"
      selectedKey={tab}
      onSelectionChange={(key) => (key === "run" ? undefined : show(key === "overview" ? {} : { tab: String(key) }))}
    >
      <Page
        flush
        title={name}
        trail={TRAIL}
        actions={
          <>
            {active ? (
              <>
                {search.run !== active.id && <Button onClick={() => showRun(active)}>Show run</Button>}
                {search.run !== active.id && (
                  <Button busy={cancel.isPending} onClick={() => cancel.mutate(active.id)}>
                    Cancel
                  </Button>
                )}
              </>
            ) : (
              <>
                <Button look={search.run ? "plain" : "primary"} busy={starting === "preview"} disabled={summary.problem !== null || start.isPending} onClick={() => begin("preview")}>
                  Preview
                </Button>
                <Button busy={starting === "reconcile"} disabled={summary.problem !== null || start.isPending} onClick={() => begin("reconcile")}>
                  Reconcile
                </Button>
              </>
            )}
            <RemoveMapping name={name} disabled={active !== null} />
          </>
        }
        below={
          <div className="-mb-3">
            <p className="flex min-w-0 items-baseline gap-4">
              <span className="shrink-0">
                <bdi>{summary.sourceTitle}</bdi> <span aria-label="to" role="img" className="text-soft">{"\u2192"}</span> <bdi>{summary.targetTitle}</bdi>
              </span>
              <span className="truncate text-soft">{lastRunWords(summary.lastRun, now)}</span>
            </p>
            {summary.problem && (
              <div className="mt-2">
                <Notice tone="needs" action={<ProblemLink problem={summary.problem} />}>
                  <bdi>{summary.problem}</bdi>
                </Notice>
              </div>
            )}
            {error && (
              <div className="mt-2">
                <Problem error={error} />
              </div>
            )}
            <TabList aria-label="Parts of the mapping" className="mt-2 flex gap-4">
              <MappingTab id="overview">Overview</MappingTab>
              {search.run && <MappingTab id="run">Run</MappingTab>}
              <MappingTab id="runs">Runs</MappingTab>
              <MappingTab id="json">JSON</MappingTab>
            </TabList>
          </div>
        }
      >
        <TabPanel id="overview" className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
          <OverviewTab detail={mapping.data} />
        </TabPanel>
        {search.run && (
          <TabPanel id="run" className="flex min-h-0 flex-1 flex-col">
            <RunView key={search.run} embedded id={search.run} targetIsUser={summary.target === "managed/user"} onRun={showRun} onDiscard={() => show({})} />
          </TabPanel>
        )}
        <TabPanel id="runs" className="flex min-h-0 flex-1 flex-col">
          <RunsTable mapping={name} onOpen={showRun} />
        </TabPanel>
        <TabPanel id="json" className="flex min-h-0 flex-1 flex-col">
          <DocumentTab detail={mapping.data} />
        </TabPanel>
      </Page>
    </Tabs>
  );
}

/** A mapping's problem is nearly always its connector's; the way there stands beside it. */
function ProblemLink({ problem }: { problem: string }) {
  const named = /connector `([^`]+)`/i.exec(problem)?.[1];
  return (
    <Link {...(named ? { to: "/connectors/$name", params: { name: named } } : { to: "/connectors" })} className="shrink-0 rounded-sm font-medium underline">
      Open connector
    </Link>
  );
}

function MappingTab({ id, children }: { id: string; children: string }) {
  return (
    <Tab
      id={id}
      className="h-8 rounded-t-sm border-b-2 border-transparent px-0.5 leading-8 text-soft outline-none hover:text-ink data-[focus-visible]:outline-2 data-[focus-visible]:outline-accent data-[selected]:border-accent data-[selected]:font-medium data-[selected]:text-ink"
    >
      {children}
    </Tab>
  );
}
