import { t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";

import { Page } from "../../parts/Page";
import { RunsTable } from "./RunsTable";
import { Timeline } from "./Timeline";

export function RunsPage() {
  const navigate = useNavigate();
  return (
    <Page flush title={t`Runs`}>
      <Timeline />
      <RunsTable mapping={null} onOpen={(run) => void navigate({ to: "/runs/$id", params: { id: run.id } })} />
    </Page>
  );
}
