import type { TypeProblem } from "../../backend/bindings/TypeProblem";
import { count } from "../../words/numbers";

const LOOKS = { refused: "text-needs", confirm: "text-waits", note: "text-soft" };
const WORDS = { refused: "Not possible", confirm: "To be confirmed", note: "Note" };

/** What stands in the way of a change or comes of it, with how many objects it is about and some of them. */
export function Problems({ problems }: { problems: TypeProblem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul aria-label="Problems" className="flex flex-col gap-1">
      {problems.map((problem) => (
        <li key={`${problem.property ?? ""} ${problem.message}`} className={`text-sm break-words whitespace-normal ${LOOKS[problem.gravity]}`}>
          <span className="font-medium">{WORDS[problem.gravity]}:</span> <bdi>{problem.message}</bdi>
          {problem.objects !== null && <> {"\u00b7"} {count(problem.objects, "object")}</>}
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
