import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Ref } from "react";

import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { GoButton } from "../../parts/GoButton";
import { Icon } from "../../parts/Icon";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { Progress } from "../../parts/Progress";
import { State } from "../../parts/State";
import { useReorder } from "../../parts/useReorder";
import { sentence } from "../../words/error";
import { lastRunWords, runState, stageWords } from "../../words/run";
import { fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { FailedTestLines } from "../connectors/FailedTests";
import { useCancelRun, useStartRun } from "../runs/queries";
import { moved } from "./editor/document";
import { mappingsList, useReorderMappings } from "./queries";

export function MappingsPage() {
  const mappings = useQuery(mappingsList);
  const order = useReorderMappings();
  const list = mappings.data ?? [];
  const reorder = useReorder(list.length, (from, to) => {
    order.mutate(moved(list, from, to).map(({ name }) => name), {
      onSuccess: () => announce(t`${list[from]?.name ?? ""} is number ${to + 1} of ${list.length}`),
    });
  });
  return (
    <Page
      title={t`Mappings`}
      actions={
        <GoButton look="primary" icon="plus" go={{ to: "/mappings/new" }}>
          {t`New mapping`}
        </GoButton>
      }
    >
      {mappings.error && <Problem error={mappings.error} />}
      {order.error && <Problem error={order.error} />}
      {mappings.isPending ? (
        <Skeleton rows={5} />
      ) : mappings.data?.length === 0 ? (
        <Nothing>{t`No mapping yet. A mapping says which record becomes which, and what happens when one is new, changed or gone.`}</Nothing>
      ) : (
        mappings.data && (
          <>
            <ol aria-label={t`Mappings in the order in which they run`} className="flex flex-col">
              {list.map((mapping, index) => (
                <MappingRow
                  key={mapping.name}
                  mapping={mapping}
                  place={t`number ${index + 1} of ${list.length}`}
                  rowRef={reorder.row(index)}
                  handle={list.length > 1 ? reorder.handle(index) : null}
                  look={`${reorder.dragged === index ? "opacity-50" : ""} ${reorder.gap === index ? "shadow-[inset_0_2px_0_var(--accent)]" : reorder.gap === list.length && index === list.length - 1 ? "shadow-[inset_0_-2px_0_var(--accent)]" : ""}`}
                />
              ))}
            </ol>
            {list.length > 1 && <p className="mt-3 text-sm text-soft">{t`A change of a user is delivered in this order. Drag a row by its handle, or press the arrow keys on it.`}</p>}
          </>
        )
      )}
    </Page>
  );
}

function MappingRow({ mapping, place, rowRef, handle, look }: {
  mapping: MappingSummary;
  place: string;
  rowRef: Ref<HTMLLIElement>;
  /** What makes a button the row's handle; nothing where there is no order to change. */
  handle: ReturnType<ReturnType<typeof useReorder>["handle"]> | null;
  look: string;
}) {
  const start = useStartRun();
  const cancel = useCancelRun();
  const navigate = useNavigate();
  const now = useNow();
  const { name, lastRun, problem } = mapping;
  const active = lastRun?.state === "active" ? lastRun : null;
  const state = lastRun && runState(lastRun);
  const error = start.error ?? cancel.error;
  return (
    <li ref={rowRef} className={`border-b border-line py-3 ${look}`}>
      <div className="grid grid-cols-[24px_minmax(0,1fr)_minmax(0,1fr)_auto] items-center gap-x-4">
        {handle ? (
          <button type="button" aria-label={t`Move ${name}, ${place}`} title={t`Drag, or press the arrow keys`} className="flex size-6 touch-none items-center justify-center rounded-sm text-soft hover:bg-hover hover:text-ink" {...handle}>
            <Icon name="grip" size={14} />
          </button>
        ) : (
          <span />
        )}
        <div className="min-w-0">
          <div className="truncate font-medium">
            <bdi>{mapping.sourceTitle}</bdi> <span role="img" aria-label={t`to`} className="text-soft">{"\u2192"}</span> <bdi>{mapping.targetTitle}</bdi>
          </div>
          <Link to="/mappings/$name" params={{ name }} className="block truncate rounded-sm text-sm text-soft hover:text-ink hover:underline" title={name}>
            <bdi className="font-mono">{name}</bdi>
          </Link>
        </div>
        <div className="min-w-0" role="status">
          {active ? (
            <>
              <div className="truncate text-accent">{stageWords(active)}</div>
              <Progress label={t`Progress of ${name}`} done={active.processed} total={active.total} />
            </>
          ) : (
            <>
              <div className="flex">{state ? <State tone={state.tone}>{state.text}</State> : <State tone="off">{t`Not yet reconciled`}</State>}</div>
              {lastRun && (
                <Link
                  to="/mappings/$name"
                  params={{ name }}
                  search={{ tab: "run", run: lastRun.id }}
                  className="block truncate rounded-sm text-sm text-soft hover:text-ink hover:underline"
                  title={[fullTime(lastRun.started), lastRun.message && sentence(lastRun.message)].filter(Boolean).join("\n")}
                >
                  {lastRunWords(lastRun, now)}
                </Link>
              )}
            </>
          )}
        </div>
        <div className="flex w-44 justify-end gap-2">
          {active ? (
            <>
              <GoButton go={{ to: "/mappings/$name", params: { name }, search: { tab: "run", run: active.id } }} aria-label={t`Show run of ${name}`}>
                {t`Show run`}
              </GoButton>
              <Button busy={cancel.isPending} aria-label={t`Cancel ${name}`} onClick={() => cancel.mutate(active.id)}>
                {t`Cancel`}
              </Button>
            </>
          ) : (
            <>
              <Button
                data-once=""
                busy={start.isPending && start.variables.mode === "preview"}
                disabled={problem !== null || start.isPending}
                aria-label={t`Preview ${name}`}
                onClick={() =>
                  start.mutate(
                    { mapping: name, mode: "preview" },
                    { onSuccess: (run) => void navigate({ to: "/mappings/$name", params: { name }, search: { tab: "run", run: run.id } }) },
                  )
                }
              >
                {t`Preview`}
              </Button>
              <Button
                data-once=""
                busy={start.isPending && start.variables.mode === "reconcile"}
                disabled={problem !== null || start.isPending}
                aria-label={t`Reconcile ${name}`}
                onClick={() => start.mutate({ mapping: name, mode: "reconcile" })}
              >
                {t`Reconcile`}
              </Button>
            </>
          )}
        </div>
      </div>
      {problem && (
        <p role="alert" className="mt-1.5 pl-10 text-needs">
          <bdi>{sentence(problem)}</bdi>
        </p>
      )}
      <FailedTestLines mapping={mapping} />
      {error && (
        <div className="mt-2">
          <Problem error={error} />
        </div>
      )}
    </li>
  );
}
