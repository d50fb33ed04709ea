import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";

import type { DeleteEffect } from "../../backend/bindings/DeleteEffect";
import type { DeleteForesight } from "../../backend/bindings/DeleteForesight";
import { call } from "../../backend";
import { Outside } from "../../parts/Outside";
import { Skeleton } from "../../parts/Page";
import { Notice, Problem } from "../../parts/Problem";
import { number } from "../../words/numbers";
import { parts, together } from "./bulk";

/** More would take longer than anybody wants to wait for an answer. */
const MOST_FORESEEN = 2000;

const DOES: Record<string, (count: number) => string> = {
  DELETE: (count) => plural(count, { one: "# record will be deleted there", other: "# records will be deleted there" }),
  UNLINK: (count) => plural(count, { one: "the link of # record will be removed; the record stays there", other: "the links of # records will be removed; the records stay there" }),
  EXCEPTION: (count) => plural(count, { one: "# record stays there, and what becomes of it waits for you in the queue", other: "# records stay there, and what becomes of them waits for you in the queue" }),
};

/** What deleting some objects will do elsewhere, by the policies of the mappings, before it is done. Of more than are named, the first are looked at. */
export function DeleteEffects({ kind, ids, of = ids.length }: { kind: string; ids: string[]; of?: number }) {
  const asked = ids.slice(0, MOST_FORESEEN);
  const foresight = useQuery({
    queryKey: ["objects_foresee_delete", { kind, ids: asked }] as const,
    queryFn: async () => together(await Promise.all(parts(asked).map((part) => call("objects_foresee_delete", { kind, ids: part })))),
    gcTime: 0,
    staleTime: 0,
    refetchOnWindowFocus: false,
  });
  if (foresight.error) return <Problem error={foresight.error} />;
  if (!foresight.data) return <Skeleton rows={2} />;
  return <Effects foresight={foresight.data} looked={asked.length} partly={asked.length < of} />;
}

function Effects({ foresight: { effects, leftAlone }, looked, partly }: { foresight: DeleteForesight; looked: number; partly: boolean }) {
  return (
    <>
      {effects.length === 0 && leftAlone === 0 && <p>{t`Nothing happens in other systems: no record there is linked.`}</p>}
      {effects.length > 0 && (
        <ul aria-label={t`What happens elsewhere`} className="flex flex-col gap-2">
          {effects.map((effect) => (
            <li key={`${effect.mapping} ${effect.action} ${effect.situation} ${String(effect.needsYou)}`}>
              <Effect effect={effect} />
            </li>
          ))}
        </ul>
      )}
      {leftAlone > 0 && <p>{plural(leftAlone, { one: "# linked record stays as it is: no mapping carries a delete on to it.", other: "# linked records stay as they are: no mapping carries a delete on to them." })}</p>}
      {partly && <p>{t`This is what the first ${number(looked)} of them mean; the others follow the same policies.`}</p>}
    </>
  );
}

function Effect({ effect }: { effect: DeleteEffect }) {
  const does = DOES[effect.action]?.(effect.count) ?? plural(effect.count, { one: "nothing is done about # record there", other: "nothing is done about # records there" });
  return (
    <>
      <span className="font-medium text-ink">
        <Outside text={effect.targetTitle} />
      </span>
      {": "}
      {effect.action === "" ? (
        <Notice tone="waits">
          <Trans>What it would do cannot be told now: <bdi>{effect.reason}</bdi>. The deletes will wait in the queue.</Trans>
        </Notice>
      ) : (
        <span className={effect.action === "DELETE" ? "text-needs" : ""}>{does}</span>
      )}
      <span className="block text-sm">
        {effect.examples.length > 0 && (
          <>
            {effect.count > effect.examples.length ? (
              <Trans>
                <bdi>{effect.examples.join(", ")}</bdi> and {number(effect.count - effect.examples.length)} more
              </Trans>
            ) : (
              <bdi>{effect.examples.join(", ")}</bdi>
            )}
            {"; "}
          </>
        )}
        <Trans>by <bdi>{effect.mapping}</bdi></Trans>
        {effect.situation !== "" && (
          <>
            <Trans>, <code className="font-mono">{effect.situation}</code> is {effect.action}</Trans>
          </>
        )}
      </span>
    </>
  );
}
