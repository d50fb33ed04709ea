import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, type NavigateOptions } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { appStatus, failedChanges } from "../../app/queries";
import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { FailureCause } from "../../backend/bindings/FailureCause";
import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Button } from "../../parts/Button";
import { GoButton } from "../../parts/GoButton";
import { Icon, type IconName } from "../../parts/Icon";
import { Outside } from "../../parts/Outside";
import { Nothing, Page, Section, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { errorWords, saidBy, sentence } from "../../words/error";
import { fixWords } from "../../words/fix";
import { number } from "../../words/numbers";
import { isLook, lastRunWords, runState } from "../../words/run";
import { ago } from "../../words/time";
import { useNow } from "../../words/useNow";
import { BudgetCell } from "../connectors/BudgetLine";
import { useTestConnector } from "../connectors/queries";
import { CONNECTOR_STATE, stateWords } from "../connectors/state";
import { TroubleButtons } from "../connectors/TroubleButtons";
import { FixButtons } from "../runs/FixButtons";
import { FirstSteps, firstSteps } from "./FirstSteps";
import { PeopleChart } from "./PeopleChart";
import { connectors as connectorsQuery, inboxOf, mappings as mappingsQuery, overview, recentRuns, useSampleSetup } from "./queries";

export function DashboardPage() {
  const status = useQuery(appStatus);
  const connectors = useQuery(connectorsQuery);
  const mappings = useQuery(mappingsQuery);
  const seen = useQuery(overview);
  const error = status.error ?? connectors.error ?? mappings.error;
  const first = connectors.data?.length === 0 && mappings.data?.length === 0;
  const runs = useQuery(recentRuns);
  const undelivered = status.data?.queue ?? 0;
  const failed = useQuery({ ...failedChanges, enabled: undelivered > 0 }).data ?? 0;
  const steps = connectors.data && mappings.data ? firstSteps(connectors.data, mappings.data, runs.data?.runs ?? []) : [];
  return (
    <Page title={t`Dashboard`}>
      {error && <Problem error={error} />}
      {!connectors.data || !mappings.data || !status.data ? (
        !error && <Skeleton rows={8} />
      ) : first ? (
        <Doors />
      ) : (
        <div className="max-w-6xl">
          <dl className="mb-7 grid grid-cols-5 gap-px overflow-hidden rounded-md border border-line bg-line">
            <Figure name={t`Users`} value={status.data.users} to="/users" />
            <Figure name={t`Connectors`} value={connectors.data.length} to="/connectors" />
            <Figure name={t`Mappings`} value={mappings.data.length} to="/mappings" />
            <Figure name={t`Changes not delivered`} short={t`Not delivered`} value={undelivered} to="/queue" loud={undelivered === 0 ? undefined : failed > 0 ? "needs" : "waits"} />
            <Figure name={t`Questions for you`} value={seen.data?.inbox ?? 0} to="/inbox" loud={(seen.data?.inbox ?? 0) > 0 ? "needs" : undefined} />
          </dl>
          <div className="mb-8 grid grid-cols-1 gap-x-10 gap-y-8 min-[1000px]:grid-cols-2 [&>section]:mb-0">
            <Section title={t`People`}>{seen.error ? <Problem error={seen.error} /> : seen.data ? <PeopleChart days={seen.data.days} /> : <Skeleton rows={4} />}</Section>
            {steps.length > 0 && runs.isPending ? (
              <Skeleton rows={4} />
            ) : steps.length > 0 ? (
              <Section title={t`First steps`}>
                <FirstSteps steps={steps} />
              </Section>
            ) : (
              <Section title={t`Quick start`}>
                <QuickStart />
              </Section>
            )}
          </div>
          <NeedsYou mappings={mappings.data} connectors={connectors.data} recent={runs.data?.runs ?? []} failed={undelivered > 0 ? failed : 0} />
          {seen.data && seen.data.causes.length > 0 && <Causes causes={seen.data.causes} mappings={mappings.data} />}
          <Section title={t`Mappings`}>
            {mappings.data.length === 0 ? (
              <Nothing action={<GoButton go={{ to: "/mappings/new" }}>{t`New mapping`}</GoButton>}>{t`No mapping yet. A mapping says which record becomes which, and how.`}</Nothing>
            ) : (
              <MappingRows mappings={mappings.data} />
            )}
          </Section>
          <Section title={t`Connectors`}>
            {connectors.data.length === 0 ? (
              <Nothing action={<GoButton go={{ to: "/connectors/new" }}>{t`New connector`}</GoButton>}>{t`No system is connected yet. A connector holds the address of one and the keys to it.`}</Nothing>
            ) : (
              <ConnectorRows connectors={connectors.data} />
            )}
          </Section>
        </div>
      )}
    </Page>
  );
}

const QUICK: { icon: IconName; title: string; go: NavigateOptions }[] = [
  { icon: "connectors", title: t`New connector`, go: { to: "/connectors/new" } },
  { icon: "mappings", title: t`New mapping`, go: { to: "/mappings/new" } },
  { icon: "user", title: t`New user`, go: { to: "/users/new" } },
  { icon: "types", title: t`Managed objects`, go: { to: "/types" } },
  { icon: "runs", title: t`All runs`, go: { to: "/runs" } },
  { icon: "audit", title: t`Audit`, go: { to: "/audit" } },
];

function QuickStart() {
  return (
    <ul className="grid grid-cols-2 gap-px overflow-hidden rounded-md border border-line bg-line">
      {QUICK.map(({ icon, title, go }) => (
        <li key={title} className="bg-surface">
          <Link {...go} className="flex h-11 items-center gap-2 px-4 hover:bg-hover">
            <span className="text-accent">
              <Icon name={icon} />
            </span>
            {title}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** What went wrong in the last run of each mapping, with what to do about it. */
function Causes({ causes, mappings }: { causes: FailureCause[]; mappings: MappingSummary[] }) {
  const endOf = (run: string) => mappings.find(({ lastRun }) => lastRun?.id === run)?.lastRun?.ended ?? null;
  return (
    <Section title={t`Errors by cause`}>
      <ul aria-label={t`Errors by cause`} className="flex flex-col">
        {causes.map(({ reason, remedy, fix, count: n, mapping, run }) => (
          <li key={`${run} ${reason}`} className="grid grid-cols-[40px_minmax(0,1fr)_auto] items-center gap-x-3 gap-y-1.5 border-b border-line py-2">
            <span className="font-medium text-needs">{number(n)}</span>
            <div className="min-w-0">
              <p className="truncate" title={sentence(reason)}>
                <bdi>{sentence(reason)}</bdi>
              </p>
              <p className="truncate text-sm text-soft" title={remedy ?? undefined}>
                <bdi>{fix ? fixWords(fix) : remedy} </bdi>
                <bdi>({mapping})</bdi>
              </p>
            </div>
            <div className="flex flex-wrap justify-end gap-2">
              {fix && <FixButtons fix={fix} mapping={mapping} about={reason} run={run} failedAt={endOf(run)} />}
              <GoButton look="quiet" go={{ to: "/runs/$id", params: { id: run } }} aria-label={t`Open the run of ${mapping}: ${reason}`}>
                {t`Open run`}
              </GoButton>
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Figure({ name, short = name, value, to, loud }: { name: string; /** What there is room for. */ short?: string; value: number; to: "/users" | "/connectors" | "/mappings" | "/queue" | "/inbox"; loud?: "waits" | "needs" }) {
  return (
    <div className="flex flex-col bg-surface px-4 py-3">
      <dt className="truncate text-sm text-soft" title={name}>{short}</dt>
      <dd>
        <Link to={to} aria-label={`${name}: ${number(value)}`} className={`rounded-sm text-xl font-semibold hover:underline ${loud === "needs" ? "text-needs" : loud === "waits" ? "text-waits" : ""}`}>
          {number(value)}
        </Link>
      </dd>
    </div>
  );
}

/** The two ways in, when nothing is set up yet. */
function Doors() {
  const sample = useSampleSetup();
  return (
    <div className="mx-auto flex max-w-3xl flex-col gap-5 pt-[8vh]">
      <div>
        <h2 className="text-xl font-semibold">{t`Keep people in sync`}</h2>
        <p className="mt-1 text-soft">{t`Concord compares the people in your systems with its own list of users, shows every change before it makes it, and then makes it.`}</p>
      </div>
      <div className="grid grid-cols-2 gap-4">
        <Door
          icon="sample"
          title={t`Try it with sample data`}
          text={t`A made-up HubSpot runs on this computer, with contacts and two mappings. Nothing leaves it.`}
          action={
            <Button look="primary" busy={sample.isPending} onClick={() => sample.mutate()}>
              {t`Try it with sample data`}
            </Button>
          }
        />
        <Door
          icon="connectors"
          title={t`Connect HubSpot or Salesforce`}
          text={t`With a key or an app of your own. The first look only reads.`}
          action={
            <GoButton go={{ to: "/connectors/new" }}>{t`Connect a system`}</GoButton>
          }
        />
      </div>
      {sample.error && <Problem error={sample.error} />}
    </div>
  );
}

function Door({ icon, title, text, action }: { icon: IconName; title: string; text: string; action: ReactNode }) {
  return (
    <section className="flex flex-col gap-2 rounded-lg border border-line p-5">
      <div className="flex items-center gap-2">
        <span className="text-accent">
          <Icon name={icon} size={20} />
        </span>
        <h3 className="font-semibold">{title}</h3>
      </div>
      <p className="flex-1 text-soft">{text}</p>
      <div className="mt-2">{action}</div>
    </section>
  );
}

/** What waits for a person, each with the way to it. */
function NeedsYou({ mappings, connectors, recent, failed }: { mappings: MappingSummary[]; connectors: ConnectorSummary[]; recent: RunSummary[]; failed: number }) {
  const broken = connectors.filter((connector) => connector.state === "error");
  const runs = mappings.flatMap(({ lastRun, name }) => {
    const run = telling(lastRun, recent);
    return run && (run.state === "held" || run.state === "failed" || run.failed > 0 || run.needsYou > 0) ? [{ name, lastRun: run }] : [];
  });
  if (broken.length === 0 && runs.length === 0 && failed === 0) return null;
  return (
    <Section title={t`Needs you`}>
      <ul className="flex flex-col">
        {broken.map((connector) => (
          <Broken key={connector.name} connector={connector} />
        ))}
        {failed > 0 && (
          <Item action={<GoButton go={{ to: "/queue" }}>{t`Open queue`}</GoButton>}>
            <span className="font-medium">{plural(failed, { one: "# change", other: "# changes" })}</span> <span className="text-soft">{t`failed to be delivered`}</span>
          </Item>
        )}
        {runs.map(({ name, lastRun }) => (
          <LeftByRun key={name} name={name} run={lastRun} />
        ))}
      </ul>
    </Section>
  );
}

const putAway = (run: RunSummary) => isLook(run) && (run.state === "canceled" || run.undoes !== null);

/** The run that tells how a mapping stands. A look that was put away tells nothing: what was left before is left still. */
function telling(last: RunSummary | null, recent: RunSummary[]): RunSummary | null {
  if (!last || !putAway(last)) return last;
  return recent.find((run) => run.mapping === last.mapping && !putAway(run)) ?? null;
}

/** What a run of a mapping left to a person. Not all of it is a question of the inbox. */
function LeftByRun({ name, run }: { name: string; run: RunSummary }) {
  const asked = useQuery({ ...inboxOf(name), enabled: run.state !== "held" && run.needsYou > 0 }).data ?? 0;
  return (
    <Item
      action={
        <>
          {asked > 0 && <GoButton go={{ to: "/inbox" }} aria-label={t`Decide about the records of ${name} in the inbox`}>{t`Decide in the inbox`}</GoButton>}
          <GoButton go={{ to: "/runs/$id", params: { id: run.id } }} aria-label={t`Open the run of ${name}`}>{t`Open run`}</GoButton>
        </>
      }
    >
      <bdi className="font-medium">{name}</bdi>{" "}
      <span className="text-soft" title={run.message ? sentence(run.message) : undefined}>
        {[
          run.state === "held" && t`held before the first write`,
          run.state === "failed" && (run.message ? t`the run failed: ${saidBy(run.message)}` : t`the run failed`),
          run.failed > 0 && t`${number(run.failed)} failed`,
          run.needsYou > 0 && plural(run.needsYou, { one: "# needs you", other: "# need you" }),
          asked > 0 && asked !== run.needsYou && t`${number(asked)} in the inbox`,
        ]
          .filter(Boolean)
          .join(", ")}
      </span>
    </Item>
  );
}

/** A connector whose last test failed, or whose last use was refused, with what mends it. */
function Broken({ connector }: { connector: ConnectorSummary }) {
  const test = useTestConnector();
  return (
    <Item
      title={stateWords(connector) ?? undefined}
      action={
        <>
          {connector.trouble && <TroubleButtons connector={connector.name} trouble={connector.trouble} test={test} />}
          <GoButton look="quiet" go={{ to: "/connectors/$name", params: { name: connector.name } }} aria-label={t`Open connector ${connector.title}`}>{t`Open connector`}</GoButton>
        </>
      }
    >
      <bdi className="font-medium">{connector.title}</bdi> <bdi className="text-soft">{test.error ? errorWords(test.error) : stateWords(connector)}</bdi>
    </Item>
  );
}

function Item({ action, title, children }: { action: ReactNode; title?: string; children: ReactNode }) {
  return (
    <li className="flex min-h-10 items-center gap-3 border-b border-line">
      <span className="text-needs">
        <Icon name="warning" />
      </span>
      <p className="min-w-0 flex-1 truncate" title={title}>{children}</p>
      {action}
    </li>
  );
}

function MappingRows({ mappings }: { mappings: MappingSummary[] }) {
  const now = useNow();
  return (
    <table className="rows inset" aria-label={t`Mappings`}>
      <thead>
        <tr>
          <th scope="col">{t`Mapping`}</th>
          <th scope="col">{t`From, to`}</th>
          <th scope="col" className="w-32">{t`State`}</th>
          <th scope="col" className="w-[32%]">{t`Last run`}</th>
        </tr>
      </thead>
      <tbody>
        {mappings.map((mapping) => {
          const state = mapping.lastRun && runState(mapping.lastRun);
          return (
            <tr key={mapping.name}>
              <th scope="row">
                <Link to="/mappings/$name" params={{ name: mapping.name }} className="rounded-sm font-medium hover:underline">
                  <Outside text={mapping.name} />
                </Link>
              </th>
              <td title={`${mapping.sourceTitle} \u2192 ${mapping.targetTitle}`}>
                {mapping.sourceTitle} <span role="img" aria-label={t`to`}>{"\u2192"}</span> {mapping.targetTitle}
              </td>
              <td>{state && <State tone={state.tone}>{state.text}</State>}</td>
              <td className="text-soft" title={mapping.problem ? sentence(mapping.problem) : lastRunWords(mapping.lastRun, now)}>
                {mapping.problem ? <span className="text-needs">{sentence(mapping.problem)}</span> : lastRunWords(mapping.lastRun, now)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function ConnectorRows({ connectors }: { connectors: ConnectorSummary[] }) {
  const now = useNow();
  return (
    <table className="rows inset" aria-label={t`Connectors`}>
      <thead>
        <tr>
          <th scope="col">{t`Connector`}</th>
          <th scope="col">{t`Host`}</th>
          <th scope="col" className="w-32">{t`State`}</th>
          <th scope="col" className="w-[24%]">{t`API budget`}</th>
          <th scope="col" className="w-[28%]">{t`Details`}</th>
        </tr>
      </thead>
      <tbody>
        {connectors.map((connector) => (
          <tr key={connector.name}>
            <th scope="row">
              <Link to="/connectors/$name" params={{ name: connector.name }} className="rounded-sm font-medium hover:underline">
                <Outside text={connector.title} />
              </Link>
            </th>
            <td title={connector.host}>{connector.host}</td>
            <td>
              <State tone={CONNECTOR_STATE[connector.state].tone}>{CONNECTOR_STATE[connector.state].text}</State>
            </td>
            <td>
              <BudgetCell connector={connector} />
            </td>
            <td className="text-soft" title={stateWords(connector) ?? undefined}>
              {connector.message ? (
                <bdi className="text-needs">{stateWords(connector)}</bdi>
              ) : connector.drift > 0 ? (
                <Link to="/connectors/$name" params={{ name: connector.name }} search={{ tab: "types" }} className="rounded-sm text-waits hover:underline">
                  {t`schema: ${plural(connector.drift, { one: "# change", other: "# changes" })}`}
                </Link>
              ) : (
                connector.testedAt && t`tested ${ago(connector.testedAt, now)}`
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
