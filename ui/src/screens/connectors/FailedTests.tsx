import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import { Button } from "../../parts/Button";
import { Notice } from "../../parts/Problem";
import { saidBy } from "../../words/error";
import { connectorsList, useTestConnector } from "./queries";
import { TroubleButtons } from "./TroubleButtons";

/** The connectors of a mapping that are in trouble. They keep nobody from a run: what was wrong may be mended by now. */
export function useTroubled(mapping: MappingSummary): ConnectorSummary[] {
  const connectors = useQuery(connectorsList);
  if (mapping.problem !== null) return [];
  const paths = [mapping.source, mapping.target].map((path) => path.toLowerCase());
  return connectors.data?.filter(({ name, state }) => state === "error" && paths.some((path) => path.startsWith(`system/${name.toLowerCase()}/`))) ?? [];
}

/** What a mapping's connectors last said, where a test of theirs failed or a run was refused, with what mends it. */
export function FailedTests({ mapping }: { mapping: MappingSummary }) {
  return useTroubled(mapping).map((connector) => <FailedTest key={connector.name} connector={connector} />);
}

/** The same in a line of a list, whole on hover and at the connector. */
export function FailedTestLines({ mapping }: { mapping: MappingSummary }) {
  return useTroubled(mapping).map((connector) => (
    <p key={connector.name} className="mt-1.5 truncate pl-10 text-waits" title={saidBy(connector.message ?? "")}>
      <Said connector={connector} message={connector.message ?? ""} />
    </p>
  ));
}

function Said({ connector: { name, title, refusedAt }, message }: { connector: ConnectorSummary; message: string }) {
  const link = (
    <Link to="/connectors/$name" params={{ name }} className="rounded-sm underline">
      <bdi>{title}</bdi>
    </Link>
  );
  const said = <bdi>{saidBy(message)}</bdi>;
  return refusedAt === null ? <Trans>The last test of {link} failed: {said}</Trans> : <Trans>{link} refused its last use: {said}</Trans>;
}

function FailedTest({ connector }: { connector: ConnectorSummary }) {
  const { name, message, trouble } = connector;
  const test = useTestConnector();
  return (
    <div className="mt-2">
      <Notice
        tone="waits"
        action={
          <span className="flex shrink-0 flex-wrap justify-end gap-2">
            {trouble && <TroubleButtons connector={name} trouble={trouble} />}
            <Button icon="retry" busy={test.isPending} aria-label={t`Test ${name} again`} onClick={() => test.mutate(name)}>
              {t`Test again`}
            </Button>
          </span>
        }
      >
        <Said connector={connector} message={test.error?.message ?? message ?? ""} /> {t`A run may succeed all the same.`}
      </Notice>
    </div>
  );
}
