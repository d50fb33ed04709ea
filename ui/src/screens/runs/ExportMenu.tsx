import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";

import type { Exported } from "../../backend/bindings/Exported";
import type { ExportFormat } from "../../backend/bindings/ExportFormat";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Menu } from "../../parts/Menu";
import { CopyButton } from "../../parts/Outside";
import { Notice, Problem } from "../../parts/Problem";

/** Writes what a list shows into a file, and says which; `things` says how many things that were. */
export function useExport(write: (format: ExportFormat) => Promise<Exported>, things: (rows: number) => string) {
  const exporting = useMutation({
    mutationFn: write,
    onSuccess: ({ path, rows }) => announce(t`${things(rows)} exported to ${path}`),
  });
  return {
    menu: (
      <Menu
        label={t`Export`}
        disabled={exporting.isPending}
        entries={[
          { id: "csv", label: "CSV", help: t`a table for spreadsheets`, run: () => exporting.mutate("csv") },
          { id: "json", label: "JSON", help: t`documents for programs`, run: () => exporting.mutate("json") },
        ]}
      >
        {exporting.isPending ? t`Exporting\u2026` : t`Export`}
      </Menu>
    ),
    told: exporting.error ? (
      <Problem error={exporting.error} />
    ) : (
      exporting.data && (
        <Notice
          tone="off"
          action={
            <span className="flex gap-1.5">
              <CopyButton text={exporting.data.path} label={t`Copy the path`} />
              <Button look="quiet" onClick={exporting.reset}>
                {t`Dismiss`}
              </Button>
            </span>
          }
        >
          <Trans>{things(exporting.data.rows)} exported to <bdi className="font-mono text-sm break-all">{exporting.data.path}</bdi></Trans>
        </Notice>
      )
    ),
  };
}
