import { t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";

import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { useRemoveMapping } from "./queries";

export function RemoveMapping({ name, disabled }: { name: string; disabled: boolean }) {
  const asking = useOpen();
  const remove = useRemoveMapping();
  const navigate = useNavigate();
  return (
    <>
      <Button disabled={disabled} onClick={asking.show}>
        {t`Remove`}
      </Button>
      <Confirm
        title={t`Remove ${name}?`}
        action={t`Remove 1 mapping`}
        open={asking.open}
        busy={remove.isPending}
        onClose={asking.hide}
        onConfirm={() =>
          remove.mutate(name, {
            onSuccess: () => {
              announce(t`${name} was removed`);
              void navigate({ to: "/mappings", ignoreBlocker: true });
            },
          })
        }
      >
        <p>{t`It no longer keeps its two sides in step. No record of either side is changed or deleted.`}</p>
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  );
}
