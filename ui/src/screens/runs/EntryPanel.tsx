import { t } from "@lingui/core/macro";
import { Link } from "@tanstack/react-router";
import { Fragment, type ReactNode } from "react";

import type { EntryRow } from "../../backend/bindings/EntryRow";
import { IconButton } from "../../parts/Button";
import { Id } from "../../parts/Outside";
import { Notice } from "../../parts/Problem";
import { SidePanel } from "../../parts/SidePanel";
import { State } from "../../parts/State";
import { actionWords } from "../../words/actions";
import { sentence } from "../../words/error";
import { fixWords } from "../../words/fix";
import { situationMeaning } from "../../words/situations";
import { cellText } from "../../words/value";
import { useIsAsked } from "../inbox/queries";
import { ENTRY_STATUS } from "./entryStatus";
import { FixButtons } from "./FixButtons";
import { Trace } from "./Trace";

/** One record of a run, opened to the side: before and after, why, what to do, and where it is. */
export function EntryPanel({ entry, mapping, undo, asked, targetIsUser, onClose }: {
  entry: EntryRow;
  mapping: string;
  undo: boolean;
  /** Its run has put its questions into the inbox. */
  asked: boolean;
  targetIsUser: boolean;
  onClose: () => void;
}) {
  const meaning = situationMeaning(entry.situation, entry.meaning);
  const status = ENTRY_STATUS[entry.status];
  const inInbox = useIsAsked(asked && entry.sourceId !== null ? entry.fix : null, mapping, entry.sourceId ?? "");
  return (
    <SidePanel label={t`Details of ${entry.title || t`record`}`} onClose={onClose}>
      <div className="flex items-start gap-2">
        <h2 className="min-w-0 flex-1 text-lg font-semibold break-words">
          <bdi>{entry.title || t`(no name)`}</bdi>
        </h2>
        <IconButton icon="close" label={t`Close details`} onClick={onClose} />
      </div>
      <dl className="grid grid-cols-[76px_minmax(0,1fr)] gap-y-1.5">
        <Fact name={t`Situation`}>
          <code className="font-mono text-sm">{entry.situation}</code>
          <div className="text-soft">{undo ? t`in the undone run: ${meaning}` : meaning}</div>
        </Fact>
        <Fact name={t`Action`}>{actionWords(entry.action).label}</Fact>
        <Fact name={t`State`}>
          <State tone={status.tone}>{status.text}</State>
        </Fact>
        {entry.reason && entry.reason !== entry.meaning && (
          <Fact name={t`Why`}>
            <bdi className="break-words">{sentence(entry.reason)}</bdi>
          </Fact>
        )}
      </dl>
      {entry.remedy && (
        <div className="flex flex-col gap-2">
          {inInbox === false ? (
            <Notice tone="off">{t`The inbox no longer asks about it: it was answered, or put away.`}</Notice>
          ) : (
            <Notice tone={entry.status === "failed" ? "needs" : "waits"}>
              <bdi>{entry.fix ? fixWords(entry.fix) : sentence(entry.remedy)}</bdi>
            </Notice>
          )}
          {entry.fix && (
            <div className="flex flex-wrap gap-2 empty:hidden">
              <FixButtons fix={entry.fix} mapping={mapping} about={entry.title || t`record`} asked={asked && inInbox !== false} />
            </div>
          )}
        </div>
      )}
      {entry.changes.length > 0 && <BeforeAfter entry={entry} />}
      {entry.sourceId && !undo && <Trace key={entry.id} mapping={mapping} sourceId={entry.sourceId} qualifier={entry.linkQualifier} />}
      <dl className="grid grid-cols-[76px_minmax(0,1fr)] gap-y-1">
        {entry.sourceId && (
          <Fact name={t`Source id`}>
            <Id id={entry.sourceId} what={t`source id`} whole />
          </Fact>
        )}
        {entry.targetId && (
          <Fact name={t`Target id`}>
            <Id id={entry.targetId} what={t`target id`} whole />
          </Fact>
        )}
        {entry.ambiguousTargetIds.length > 0 && (
          <Fact name={t`Matches`}>
            <ul>
              {entry.ambiguousTargetIds.map((id) => (
                <li key={id}>
                  <Id id={id} what={t`matching id`} whole />
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {entry.linkQualifier !== "default" && <Fact name={t`Qualifier`}>{entry.linkQualifier}</Fact>}
      </dl>
      {targetIsUser && entry.targetId && (
        <Link to="/users/$id" params={{ id: entry.targetId }} className="self-start rounded-sm text-accent hover:underline">
          {t`Open user`}
        </Link>
      )}
    </SidePanel>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}

function BeforeAfter({ entry }: { entry: EntryRow }) {
  return (
    <table className="rows rounded-md border border-line bg-surface" aria-label={t`Before and after`}>
      <thead>
        <tr>
          <th scope="col" className="w-[28%]">{t`Attribute`}</th>
          <th scope="col">{t`Before`}</th>
          <th scope="col">{t`After`}</th>
        </tr>
      </thead>
      <tbody>
        {entry.changes.map((change) => (
          <tr key={change.attribute}>
            <th scope="row" className="py-1.5 align-top" title={change.attribute}>
              {change.attribute}
            </th>
            <td className="py-1.5 align-top break-words whitespace-normal text-soft">{blankOr(change.before)}</td>
            <td className="py-1.5 align-top font-medium break-words whitespace-normal">{blankOr(change.after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function blankOr(value: unknown) {
  const text = cellText(value);
  return text === "" ? <span className="font-normal text-soft">{"\u2013"}</span> : <bdi>{parted(text)}</bdi>;
}

/** A long address breaks at its signs, not in the middle of a word. */
function parted(text: string) {
  const parts = text.split(/(?<=[@._/-])/);
  // The parts have no name of their own; their place is what they are.
  // oxlint-disable-next-line react/no-array-index-key
  return parts.map((part, index) => <Fragment key={index}>{index > 0 && <wbr />}{part}</Fragment>);
}
