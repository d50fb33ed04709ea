import { plural, t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";

import type { ManagedTypeSummary } from "../../backend/bindings/ManagedTypeSummary";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { useRemoveType } from "./queries";

/** A type goes only when nothing hangs on it; until then the button says what does. */
export function RemoveType({ type }: { type: ManagedTypeSummary }) {
  const asking = useOpen();
  const remove = useRemoveType();
  const navigate = useNavigate();
  const title = type.title || type.name;
  const why = type.name === "user" ? t`The type of the users stays` : inTheWay(type.objects, type.mappings.length);
  return (
    <>
      <Button disabled={why !== undefined} title={why} onClick={asking.show}>
        {t`Remove`}
      </Button>
      <Confirm
        title={t`Remove ${title}?`}
        action={t`Remove 1 type`}
        open={asking.open}
        busy={remove.isPending}
        onClose={asking.hide}
        onConfirm={() =>
          remove.mutate(type.name, {
            onSuccess: () => {
              announce(t`${title} was removed`);
              void navigate({ to: "/types", ignoreBlocker: true });
            },
          })
        }
      >
        <p>{t`It has no objects and is in no mapping. Its ${plural(type.properties, { one: "# property", other: "# properties" })} are gone with it.`}</p>
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  );
}

function inTheWay(objects: number, mappings: number): string | undefined {
  if (objects > 0 && mappings > 0) return t`${plural(objects, { one: "# object", other: "# objects" })} and ${plural(mappings, { one: "# mapping", other: "# mappings" })} need it`;
  if (objects > 0) return t`${plural(objects, { one: "# object", other: "# objects" })} need it`;
  return mappings > 0 ? t`${plural(mappings, { one: "# mapping", other: "# mappings" })} need it` : undefined;
}
