import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { Button } from "../../parts/Button";
import { Dialog, useOpen } from "../../parts/Dialog";
import { Outside } from "../../parts/Outside";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { SearchBox } from "../../parts/SearchBox";
import { matching, type Others, type Part } from "./others";
import { others } from "./queries";

/** What others wrote and this program holds, with its licences; it is read when somebody asks. */
export function OthersPart() {
  const list = useOpen();
  return (
    <>
      <Button onClick={list.show}>{t`Show the licences of others`}</Button>
      <Dialog wide title={t`Licences of others`} open={list.open} onClose={list.hide}>
        <Told />
      </Dialog>
    </>
  );
}

function Told() {
  const told = useQuery(others);
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState<Part>();
  const parts = useMemo(() => (told.data ? matching(told.data.parts, search) : []), [told.data, search]);
  if (told.error) return <Problem error={told.error} />;
  if (!told.data) return <Skeleton rows={8} />;
  return (
    <>
      <div className="flex items-center justify-between gap-4">
        <SearchBox label={t`Search parts and licences`} value={search} onChange={setSearch} atOnce />
        <span className="text-soft" role="status">
          {plural(parts.length, { one: "# part by others", other: "# parts by others" })}
        </span>
      </div>
      <ul aria-label={t`Parts`} className="min-h-0 overflow-y-auto border-t border-line">
        {parts.map((part) => (
          <li key={`${part.kind} ${part.name} ${part.version}`} className="border-b border-line">
            <button
              type="button"
              aria-expanded={part === shown}
              className="flex min-h-8 w-full items-center gap-3 px-1 text-left hover:bg-hover"
              onClick={() => setShown(part === shown ? undefined : part)}
            >
              <span className="min-w-0 flex-1 truncate">
                <Outside text={part.name} /> <span className="text-soft">{part.version}</span>
              </span>
              <Outside className="w-1/2 text-soft" text={part.licence} />
            </button>
            {part === shown && <Texts part={part} all={told.data} />}
          </li>
        ))}
      </ul>
    </>
  );
}

function Texts({ part, all }: { part: Part; all: Others }) {
  return (
    <div className="flex flex-col gap-3 bg-sunken p-3">
      <Outside className="font-mono text-sm text-soft" text={part.home} />
      {part.texts.map((number) => (
        <pre key={number} className="font-mono text-xs whitespace-pre-wrap break-words">
          {all.texts[number]}
        </pre>
      ))}
    </div>
  );
}
