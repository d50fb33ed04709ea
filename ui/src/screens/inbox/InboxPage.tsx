import { plural, t } from "@lingui/core/macro";
import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { InboxQuestion } from "../../backend/bindings/InboxQuestion";
import { ask } from "../../backend/query";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Outside } from "../../parts/Outside";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { sentence } from "../../words/error";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { Answers, type Part } from "./Answers";
import { Candidates } from "./Candidates";
import { ConflictTable } from "./ConflictTable";
import { addressOf } from "../mappings/editor/records";
import { inboxList, useAnswer } from "./queries";
import { answeredWords, candidatesOf, conflictsOf, kindOf, offersLink } from "./question";
import { useQuestionKeys } from "./useQuestionKeys";

/** What only a person can decide, each with its choices. */
export function InboxPage() {
  const inbox = useInfiniteQuery(inboxList);
  const mappings = useQuery(ask("mappings_list", {}));
  const questions = inbox.data?.pages.flatMap((page) => page.questions) ?? [];
  const total = inbox.data?.pages[0]?.total ?? 0;
  const list = useQuestionKeys();
  const sides = (name: string) => mappings.data?.find((mapping) => mapping.name === name);
  const sources = useSources(questions, (name) => sides(name)?.source);
  return (
    <Page
      title={t`Inbox`}
      beside={
        <span role="status" className="text-soft">
          {inbox.data && (total === 0 ? t`empty` : t`${plural(total, { one: "# question", other: "# questions" })} for you`)}
        </span>
      }
    >
      {inbox.error ? (
        <Problem error={inbox.error} />
      ) : !inbox.data ? (
        <Skeleton rows={6} />
      ) : questions.length === 0 ? (
        <Nothing>{t`Nothing waits for you. When several records match, both sides of a link were changed, or one of them is gone, the question comes here.`}</Nothing>
      ) : (
        <>
          <ul ref={list} aria-label={t`Questions`} className="flex max-w-4xl flex-col">
            {questions.map((question) => {
              const mapping = sides(question.mapping);
              return <Question key={question.id} question={question} address={sources.get(`${mapping?.source ?? ""} ${question.source}`) ?? ""} source={mapping?.sourceTitle ?? t`Source`} target={mapping?.targetTitle ?? t`Target`} sourcePath={mapping?.source ?? ""} targetPath={mapping?.target ?? ""} />;
            })}
          </ul>
          {inbox.hasNextPage && (
            <div className="mt-3">
              <Button busy={inbox.isFetchingNextPage} onClick={() => void inbox.fetchNextPage()}>
                {t`More questions`}
              </Button>
            </div>
          )}
        </>
      )}
    </Page>
  );
}

/** As many records are named at once. */
const NAMED_AT_ONCE = 100;

/** The addresses of the records that are asked about, by resource and id: asked for once for all questions of a source. */
function useSources(questions: InboxQuestion[], pathOf: (mapping: string) => string | undefined): Map<string, string> {
  const wanted = new Map<string, Set<string>>();
  for (const { mapping, source } of questions) {
    const path = pathOf(mapping);
    if (path !== undefined) wanted.set(path, (wanted.get(path) ?? new Set()).add(source));
  }
  const named = useQueries({
    queries: [...wanted].map(([resource, ids]) => ({ ...ask("records_named", { resource, ids: [...ids].slice(0, NAMED_AT_ONCE) }), refetchOnWindowFocus: false, staleTime: 60_000 })),
  });
  const paths = [...wanted.keys()];
  return new Map(named.flatMap(({ data }, index) => (data?.records ?? []).map((record) => [`${paths[index] ?? ""} ${record.id}`, addressOf(record)] as const)));
}

function Question({ question, address, source, target, sourcePath, targetPath }: { question: InboxQuestion; /** What tells the record that is asked about from others of its name. */ address: string; source: string; target: string; sourcePath: string; targetPath: string }) {
  const now = useNow();
  const answer = useAnswer();
  const [chosen, setChosen] = useState<{ id: string; name: string } | null>(null);
  const kind = kindOf(question);
  const conflicts = conflictsOf(question);
  const candidates = candidatesOf(question);
  const title = question.title || question.source;
  const give = (part: Part) =>
    answer.mutate({ id: question.id, target: null, attribute: null, ...part }, { onSuccess: ({ message }) => announce(answeredWords(part.choice, { title, target: chosen?.name ?? "" }, message)) });
  return (
    <li aria-label={title} className="border-b border-line py-4 first:pt-0">
      <div className="flex items-baseline gap-3">
        <h2 data-question tabIndex={-1} className="min-w-0 truncate rounded-sm font-semibold">
          <Outside text={title} />
        </h2>
        {address !== "" && (
          <bdi className="min-w-0 truncate text-soft" title={address}>
            {address}
          </bdi>
        )}
        <State tone="needs">{kind.title}</State>
        <span className="min-w-0 flex-1 truncate text-soft">
          <Link to="/mappings/$name" params={{ name: question.mapping }} className="rounded-sm hover:underline" title={question.mapping}>
            <bdi>{source}</bdi> {"\u2192"} <bdi>{target}</bdi>
          </Link>
        </span>
        <span className="shrink-0 text-sm text-soft" title={fullTime(question.created)}>
          {t`asked ${ago(question.created, now)}`}
        </span>
      </div>
      <p className="mt-1 break-words text-soft">
        <bdi>{sentence(question.reason)}</bdi> {kind.means}
      </p>
      <div className="mt-3">
        {question.kind === "conflict" ? (
          <ConflictTable conflicts={conflicts} source={source} target={target} busy={answer.isPending} onKeep={(side, attribute) => give({ choice: side, attribute })} />
        ) : (
          candidates.length > 0 && (
            <Candidates question={question} candidates={candidates} targetPath={targetPath} chosen={chosen?.id ?? null} onChoose={offersLink(question) ? (id, name) => setChosen({ id, name }) : null} onEnter={() => !answer.isPending && chosen && give({ choice: "link", target: chosen.id })} />
          )
        )}
      </div>
      <Answers question={question} title={title} source={source} target={target} sourcePath={sourcePath} answer={answer} chosen={chosen} onAnswer={give} />
      {answer.error && (
        <div className="mt-2">
          <Problem error={answer.error} />
        </div>
      )}
    </li>
  );
}
