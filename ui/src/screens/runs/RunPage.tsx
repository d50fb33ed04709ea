import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";

import { Page } from "../../parts/Page";
import { runName } from "../../words/run";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { useTargetIsUser } from "../mappings/queries";
import { filterOf, searchOf } from "./filterSearch";
import { runDetail, useUndone } from "./queries";
import { RunView } from "./RunView";

export function RunPage() {
  const { id } = useParams({ from: "/runs/$id" });
  const filter = filterOf(useSearch({ from: "/runs/$id" }));
  const navigate = useNavigate();
  const now = useNow();
  const run = useQuery(runDetail(id)).data?.summary;
  const undone = useUndone(run);
  const targetIsUser = useTargetIsUser(run?.mapping);
  return (
    <Page
      flush
      title={run ? runName(run, undone) : t`Run`}
      trail={
        <Link to="/runs" className="rounded-sm hover:underline">
          {t`Runs`}
        </Link>
      }
      beside={
        run && (
          <span className="shrink-0 text-soft" title={fullTime(run.started)}>
            {ago(run.started, now)}
          </span>
        )
      }
      actions={
        run && (
          <>
            {run.undoes !== null && (
              <Link to="/runs/$id" params={{ id: run.undoes }} className="mr-3 rounded-sm text-accent hover:underline">
                {t`Open the undone run`}
              </Link>
            )}
            <Link to="/mappings/$name" params={{ name: run.mapping }} className="rounded-sm text-accent hover:underline">
              {t`Open mapping`}
            </Link>
          </>
        )
      }
    >
      <RunView
        key={id}
        id={id}
        targetIsUser={targetIsUser}
        filter={filter}
        onFilter={(next) => void navigate({ to: "/runs/$id", params: { id }, search: searchOf(next), replace: true })}
        onRun={(next) => void navigate({ to: "/runs/$id", params: { id: next.id } })}
        onDiscard={() => (run ? void navigate({ to: "/mappings/$name", params: { name: run.mapping } }) : void navigate({ to: "/runs" }))}
      />
    </Page>
  );
}
