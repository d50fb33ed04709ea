import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import { Button } from "../../parts/Button";
import { GoButton } from "../../parts/GoButton";
import { Outside } from "../../parts/Outside";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { useNow } from "../../words/useNow";
import { BudgetCell } from "./BudgetLine";
import { connectorsList, useTestConnector } from "./queries";
import { CONNECTOR_STATE, providerName, stateSince, stateWords } from "./state";
import { TroubleButtons } from "./TroubleButtons";

export function ConnectorsPage() {
  const connectors = useQuery(connectorsList);
  const add = (
    <GoButton look="primary" icon="plus" go={{ to: "/connectors/new" }}>
      {t`New connector`}
    </GoButton>
  );
  return (
    <Page title={t`Connectors`} actions={add}>
      {connectors.error && <Problem error={connectors.error} />}
      {connectors.isPending ? (
        <Skeleton rows={4} />
      ) : connectors.data?.length === 0 ? (
        <Nothing>{t`No system is connected yet. A connector holds the address of one and the keys to it.`}</Nothing>
      ) : (
        <ul aria-label={t`Connectors`} className="flex flex-col">
          {connectors.data?.map((connector) => (
            <ConnectorRow key={connector.name} connector={connector} />
          ))}
        </ul>
      )}
    </Page>
  );
}

function ConnectorRow({ connector }: { connector: ConnectorSummary }) {
  const test = useTestConnector();
  const now = useNow();
  const state = CONNECTOR_STATE[connector.state];
  const wrong = stateWords(connector);
  const since = stateSince(connector, now);
  return (
    <li className="border-b border-line py-3 first:pt-0">
      <div className="grid grid-cols-[minmax(0,2fr)_minmax(0,1.6fr)_124px_minmax(96px,1fr)_minmax(112px,1.5fr)_auto] items-center gap-4 max-[1100px]:gap-3 max-[960px]:grid-cols-[minmax(0,1.4fr)_minmax(0,1fr)_minmax(124px,auto)]">
        <div className="min-w-0">
          <Link to="/connectors/$name" params={{ name: connector.name }} className="block truncate rounded-sm font-medium hover:underline">
            <Outside text={connector.title} />
          </Link>
          <code className="block truncate font-mono text-sm text-soft" title={connector.name}>
            {connector.name}
          </code>
        </div>
        <div className="min-w-0">
          <div>{providerName(connector.provider)}</div>
          <div className="truncate text-sm text-soft" title={connector.host}>
            {connector.host}
          </div>
        </div>
        <div>
          <div className="flex">
            <State tone={state.tone}>{state.text}</State>
          </div>
          {since && (
            <div className="text-sm text-soft" title={since.title}>
              {since.text}
            </div>
          )}
        </div>
        <div className="min-w-0">
          <div className="truncate text-soft" title={connector.mappings.join(", ")}>
            {connector.mappings.length === 0 ? t`in no mapping` : t`in ${plural(connector.mappings.length, { one: "# mapping", other: "# mappings" })}`}
          </div>
          {connector.drift > 0 && (
            <Link to="/connectors/$name" params={{ name: connector.name }} search={{ tab: "types" }} className="block truncate rounded-sm text-sm text-waits hover:underline" title={t`What changed in its object types since somebody last looked`}>
              {t`schema: ${plural(connector.drift, { one: "# change", other: "# changes" })}`}
            </Link>
          )}
        </div>
        <div className="min-w-0">
          <BudgetCell connector={connector} />
        </div>
        <div className="flex gap-2 max-[960px]:justify-end">
          <Button busy={test.isPending} aria-label={t`Test ${connector.title}`} onClick={() => test.mutate(connector.name)}>
            {t`Test`}
          </Button>
          <GoButton go={{ to: "/connectors/$name", params: { name: connector.name } }} aria-label={t`Edit ${connector.title}`}>
            {t`Edit`}
          </GoButton>
        </div>
      </div>
      {connector.state === "error" && wrong && !test.isPending && (
        <div role="alert" className="mt-1.5 flex items-start gap-3">
          <bdi className="min-w-0 flex-1 break-words text-needs">{wrong}</bdi>
          {connector.trouble && <TroubleButtons connector={connector.name} trouble={connector.trouble} />}
        </div>
      )}
      {test.error && (
        <div className="mt-2">
          <Problem error={test.error} />
        </div>
      )}
    </li>
  );
}
