import { plural, t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";

import type { ObjectDetail } from "../../backend/bindings/ObjectDetail";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { DeleteEffects } from "./DeleteEffects";
import { objectName } from "./draft";
import { type Kind, listPlace, objectsWord } from "./kind";
import { useListState } from "./listState";
import { useDeleteObject } from "./queries";

/** Deletes one object, once it was read what that does elsewhere. */
export function DeleteObject({ kind, detail, disabled }: { kind: Kind; detail: ObjectDetail; disabled: boolean }) {
  const asking = useOpen();
  const remove = useDeleteObject(kind.name);
  const navigate = useNavigate();
  const list = useListState();
  const { object } = detail;
  const name = objectName(object.attributes);
  return (
    <>
      <Button disabled={disabled} onClick={asking.show}>{t`Delete`}</Button>
      <Confirm
        title={t`Delete ${name}?`}
        action={t`Delete 1 ${objectsWord(kind, false)}`}
        open={asking.open}
        busy={remove.isPending}
        onClose={asking.hide}
        onConfirm={() =>
          remove.mutate(
            { id: object.id, rev: object.rev },
            {
              onSuccess: (saved) => {
                const failed = saved.sync.filter((result) => result.state === "failed").length;
                announce(failed > 0 ? t`${name} was deleted here; ${plural(failed, { one: "# target", other: "# targets" })} failed, see the queue` : t`${name} was deleted`);
                void navigate({ ...listPlace(kind.name, list), ignoreBlocker: true });
              },
            },
          )
        }
      >
        <DeleteEffects kind={kind.name} ids={[object.id]} />
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  );
}
