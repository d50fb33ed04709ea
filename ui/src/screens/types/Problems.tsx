import { plural, t } from "@lingui/core/macro";

import type { TypeProblem } from "../../backend/bindings/TypeProblem";
import { sentence } from "../../words/error";

const LOOKS = { refused: "text-needs", confirm: "text-waits", note: "text-soft" };
const WORDS = { refused: t`Not possible`, confirm: t`To be confirmed`, note: t`Note` };

/** What stands in the way of a change or comes of it, with how many objects it is about and some of them. */
export function Problems({ problems }: { problems: TypeProblem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul aria-label={t`Problems`} className="flex flex-col gap-1">
      {problems.map((problem) => (
        <li key={`${problem.property ?? ""} ${problem.message}`} className={`text-sm break-words whitespace-normal ${LOOKS[problem.gravity]}`}>
          <span className="font-medium">{WORDS[problem.gravity]}:</span> <bdi>{sentence(problem.message)}</bdi>
          {problem.objects !== null && <> {"\u00b7"} {plural(problem.objects, { one: "# object", other: "# objects" })}</>}
          {problem.examples.length > 0 && (
            <>
              {" "}
              (<bdi>{problem.examples.join(", ")}</bdi>
              {problem.objects !== null && problem.objects > problem.examples.length ? "\u2026" : ""})
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
