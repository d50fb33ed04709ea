import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import { Button } from "../../parts/Button";
import { Notice } from "../../parts/Problem";
import { connectorsList, useTestConnector } from "./queries";
import { TroubleButtons } from "./TroubleButtons";

/** The connectors of a mapping whose last test failed. They keep nobody from a run: what was wrong may be mended by now. */
export function FailedTests({ mapping }: { mapping: MappingSummary }) {
  const connectors = useQuery(connectorsList);
  if (mapping.problem !== null) return null;
  const paths = [mapping.source, mapping.target].map((path) => path.toLowerCase());
  return connectors.data
    ?.filter(({ name, state }) => state === "error" && paths.some((path) => path.startsWith(`system/${name.toLowerCase()}/`)))
    .map((connector) => <FailedTest key={connector.name} connector={connector} />);
}

function FailedTest({ connector: { name, title, message, trouble } }: { connector: ConnectorSummary }) {
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
        <Trans>
          The last test of{" "}
          <Link to="/connectors/$name" params={{ name }} className="rounded-sm underline">
            <bdi>{title}</bdi>
          </Link>{" "}
          failed. A run may succeed all the same. What it said: <bdi>{test.error?.message ?? message}</bdi>
        </Trans>
      </Notice>
    </div>
  );
}
