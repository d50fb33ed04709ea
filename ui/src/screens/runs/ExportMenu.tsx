import { useMutation } from "@tanstack/react-query";

import type { Exported } from "../../backend/bindings/Exported";
import type { ExportFormat } from "../../backend/bindings/ExportFormat";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Menu } from "../../parts/Menu";
import { CopyButton } from "../../parts/Outside";
import { Notice, Problem } from "../../parts/Problem";
import { count } from "../../words/numbers";

/** Writes what a list shows into a file, and says which. */
export function useExport(write: (format: ExportFormat) => Promise<Exported>, thing: string) {
  const exporting = useMutation({
    mutationFn: write,
    onSuccess: ({ path, rows }) => announce(`${count(rows, thing)} exported to ${path}`),
  });
  return {
    menu: (
      <Menu
        label="Export"
        disabled={exporting.isPending}
        entries={[
          { id: "csv", label: "CSV", help: "a table for spreadsheets", run: () => exporting.mutate("csv") },
          { id: "json", label: "JSON", help: "documents for programs", run: () => exporting.mutate("json") },
        ]}
      >
        {exporting.isPending ? "Exporting\u2026" : "Export"}
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
              <CopyButton text={exporting.data.path} label="Copy the path" />
              <Button look="quiet" onClick={exporting.reset}>
                Dismiss
              </Button>
            </span>
          }
        >
          {count(exporting.data.rows, thing)} exported to <bdi className="font-mono text-sm break-all">{exporting.data.path}</bdi>
        </Notice>
      )
    ),
  };
}
