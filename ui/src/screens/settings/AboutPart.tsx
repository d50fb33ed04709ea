import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";

import { CopyButton } from "../../parts/Outside";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { number, tenth } from "../../words/numbers";
import { Facts } from "./Facts";
import { OthersPart } from "./OthersPart";
import { about } from "./queries";

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** 48300000 -> "48.3 MB". */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? number(Math.round(value)) : tenth(value)} ${UNITS[unit]}`;
}

export function AboutPart() {
  const told = useQuery(about);
  if (told.error) return <Problem error={told.error} />;
  if (!told.data) return <Skeleton rows={4} />;
  const { version, dataDir, logsDir, licence, repositorySize } = told.data;
  return (
    <Facts
      facts={[
        [t`Version`, version],
        [t`Data folder`, <Folder key="data" path={dataDir} what={t`data folder`} />],
        [t`Logs`, <Folder key="logs" path={logsDir} what={t`folder of the logs`} />],
        [t`Repository`, size(repositorySize)],
        [t`Licence`, licence],
        [t`Parts by others`, <OthersPart key="others" />],
      ]}
    />
  );
}

function Folder({ path, what }: { path: string; what: string }) {
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <code className="truncate font-mono text-sm" title={path}>
        {path}
      </code>
      <CopyButton text={path} label={t`Copy the ${what}`} />
    </span>
  );
}
