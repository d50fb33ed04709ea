import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import type { InboxAnswer } from "../../backend/bindings/InboxAnswer";
import type { InboxQuestion } from "../../backend/bindings/InboxQuestion";
import { ask } from "../../backend/query";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { GoButton } from "../../parts/GoButton";
import { objectPlace } from "../users/kind";
import type { useAnswer } from "./queries";
import { isTaken, offersLink, ownerOf } from "./question";

const MANAGED = "managed/";

/** What an answer says beside the question that it is for. */
export type Part = Partial<InboxAnswer> & Pick<InboxAnswer, "choice">;

/** The ways to answer a question, and to put it away. */
export function Answers({ question, title, source, target, sourcePath, answer, chosen, onAnswer }: {
  question: InboxQuestion;
  title: string;
  /** What the systems of both sides are called. */
  source: string;
  target: string;
  sourcePath: string;
  answer: ReturnType<typeof useAnswer>;
  /** The record that was chosen among those that match. */
  chosen: { id: string } | null;
  onAnswer: (part: Part) => void;
}) {
  const busy = (choice: InboxAnswer["choice"]) => answer.isPending && answer.variables.choice === choice;
  const plain = (choice: InboxAnswer["choice"], text: string): ReactNode => (
    <Button busy={busy(choice) && answer.variables?.attribute === null} disabled={answer.isPending} onClick={() => onAnswer({ choice })}>
      {text}
    </Button>
  );
  function ways() {
    switch (question.kind) {
      case "conflict":
        return (
          <>
            {plain("source", t`Keep ${source}`)}
            {plain("target", t`Keep ${target}`)}
          </>
        );
      case "sourceGone":
        return (
          <>
            {plain("unlink", t`Keep it without the link`)}
            <DeleteToo question={question} title={title} target={target} busy={busy("delete")} disabled={answer.isPending} onConfirm={() => onAnswer({ choice: "delete" })} />
          </>
        );
      case "targetGone":
        return plain("create", t`Make it again`);
      default:
        return isTaken(question) ? (
          <>
            <Owner question={question} sourcePath={sourcePath} />
            <GoButton go={{ to: "/mappings/$name", params: { name: question.mapping }, search: { tab: "association" } }} aria-label={t`Look at the links: ${title}`}>
              {t`Look at the links`}
            </GoButton>
          </>
        ) : (
          <>
            {offersLink(question) && (
              <Button look="primary" busy={busy("link")} disabled={chosen === null || answer.isPending} onClick={() => chosen && onAnswer({ choice: "link", target: chosen.id })}>
                {t`Link to the chosen one`}
              </Button>
            )}
            {/* Where a record matches alone, another one would match it too. */}
            {question.kind !== "alreadyLinked" && plain("create", t`Create a record of its own`)}
          </>
        );
    }
  }
  return (
    <div className="mt-3 flex flex-wrap gap-2">
      {ways()}
      <Button look="quiet" busy={busy("dismiss")} disabled={answer.isPending} title={t`The next run asks again if it still has to`} onClick={() => onAnswer({ choice: "dismiss" })}>
        {t`Dismiss`}
      </Button>
    </div>
  );
}

/** Deletes a record after its source; asked once more, as it may not be possible to take it back. */
function DeleteToo({ question, title, target, busy, disabled, onConfirm }: { question: InboxQuestion; title: string; target: string; busy: boolean; disabled: boolean; onConfirm: () => void }) {
  const confirm = useOpen();
  const record = title === question.source ? t`the record` : title;
  return (
    <>
      <Button busy={busy} disabled={disabled} onClick={confirm.show}>
        {t`Delete it too`}
      </Button>
      <Confirm
        title={t`Delete ${record}?`}
        action={t`Delete ${target}`}
        open={confirm.open}
        onClose={confirm.hide}
        onConfirm={() => {
          confirm.hide();
          onConfirm();
        }}
      >
        {t`Its record in the other system is gone already. If that one is there again by now, nothing is deleted.`}
      </Confirm>
    </>
  );
}

/** The way to the record that has the one that matches, where Concord has a page of it. */
function Owner({ question, sourcePath }: { question: InboxQuestion; sourcePath: string }) {
  const owner = ownerOf(question);
  const there = owner !== null && sourcePath.startsWith(MANAGED);
  const named = useQuery({ ...ask("records_named", { resource: sourcePath, ids: owner === null ? [] : [owner] }), enabled: there, refetchOnWindowFocus: false, staleTime: 60_000 });
  if (!there) return null;
  return <GoButton go={objectPlace(sourcePath.slice(MANAGED.length), owner)}>{t`Open ${named.data?.records[0]?.title ?? t`the record that has it`}`}</GoButton>;
}
