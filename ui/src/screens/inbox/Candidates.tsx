import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { InboxQuestion } from "../../backend/bindings/InboxQuestion";
import { ask } from "../../backend/query";
import { Id, Outside } from "../../parts/Outside";
import { cellText } from "../../words/value";
import { userName } from "../users/draft";

const MANAGED = "managed/";

/** The records that match, one of them to be chosen. */
export function Candidates({ question, candidates, targetPath, chosen, onChoose }: {
  question: InboxQuestion;
  candidates: string[];
  /** The resource that they are records of. */
  targetPath: string;
  chosen: string | null;
  onChoose: (id: string) => void;
}) {
  const kind = targetPath.startsWith(MANAGED) ? targetPath.slice(MANAGED.length) : null;
  return (
    <fieldset className="flex flex-col">
      <legend className="mb-1 text-sm text-soft">Records that match</legend>
      {candidates.map((id) => (
        <div key={id} className="flex min-h-8 items-center gap-2 border-b border-line last:border-0">
          <input type="radio" name={`question-${question.id}`} aria-label={`Choose ${id}`} className="size-3.5 accent-accent-fill" checked={chosen === id} onChange={() => onChoose(id)} />
          {kind === null ? null : <ManagedRecord kind={kind} id={id} />}
          <Id id={id} what="record id" />
          {id === question.target && <span className="text-sm text-soft">linked until now</span>}
        </div>
      ))}
    </fieldset>
  );
}

/** What people know a managed object by. */
function ManagedRecord({ kind, id }: { kind: string; id: string }) {
  const record = useQuery(ask("object_get", { kind, id }));
  if (!record.data) return null;
  const { attributes } = record.data.object;
  const mail = cellText(attributes["mail"]);
  const name = <Outside text={userName(attributes)} />;
  return (
    <>
      {kind === "user" ? (
        <Link to="/users/$id" params={{ id }} className="rounded-sm font-medium hover:underline">
          {name}
        </Link>
      ) : (
        <span className="font-medium">{name}</span>
      )}
      {mail !== "" && (
        <span className="min-w-0 truncate text-soft">
          <Outside text={mail} />
        </span>
      )}
    </>
  );
}
