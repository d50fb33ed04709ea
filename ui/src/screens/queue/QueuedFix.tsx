import type { Fix } from "../../backend/bindings/Fix";
import type { Trouble } from "../../backend/bindings/Trouble";
import { fixWords, unaskedFixWords } from "../../words/fix";
import { useIsAsked } from "../inbox/queries";
import { FixButtons } from "../runs/FixButtons";

/** What to do about a change of an object that waits or failed, in words and as buttons. */
export function QueuedFix({ fix, trouble, mapping, objectId, about }: { fix: Fix | null; trouble: Trouble | null; mapping: string; objectId: string; about: string }) {
  const asked = useIsAsked(fix, mapping, objectId);
  return (
    <>
      {fix && <bdi className="block text-sm break-words text-soft">{asked === false ? unaskedFixWords(fix) : fixWords(fix)}</bdi>}
      {(fix || trouble) && (
        <span className="mt-1 flex flex-wrap gap-1.5 empty:hidden">
          <FixButtons fix={fix} trouble={trouble} mapping={mapping} about={about} asked={asked !== false} />
        </span>
      )}
    </>
  );
}
