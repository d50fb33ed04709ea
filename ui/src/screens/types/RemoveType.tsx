import { useNavigate } from "@tanstack/react-router";

import type { ManagedTypeSummary } from "../../backend/bindings/ManagedTypeSummary";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { count } from "../../words/numbers";
import { useRemoveType } from "./queries";

/** A type goes only when nothing hangs on it; until then the button says what does. */
export function RemoveType({ type }: { type: ManagedTypeSummary }) {
  const asking = useOpen();
  const remove = useRemoveType();
  const navigate = useNavigate();
  const title = type.title || type.name;
  const inTheWay = [
    ...(type.objects > 0 ? [count(type.objects, "object")] : []),
    ...(type.mappings.length > 0 ? [count(type.mappings.length, "mapping")] : []),
  ];
  const why = type.name === "user" ? "The type of the users stays" : inTheWay.length > 0 ? `${inTheWay.join(" and ")} need it` : undefined;
  return (
    <>
      <Button disabled={why !== undefined} title={why} onClick={asking.show}>
        Remove
      </Button>
      <Confirm
        title={`Remove ${title}?`}
        action="Remove 1 type"
        open={asking.open}
        busy={remove.isPending}
        onClose={asking.hide}
        onConfirm={() =>
          remove.mutate(type.name, {
            onSuccess: () => {
              announce(`${title} was removed`);
              void navigate({ to: "/types", ignoreBlocker: true });
            },
          })
        }
      >
        <p>It has no objects and is in no mapping. Its {count(type.properties, "property", "properties")} are gone with it.</p>
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  );
}
