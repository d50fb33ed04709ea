import { t } from "@lingui/core/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { call } from "../../backend";
import { ask, refresh } from "../../backend/query";
import { Switch } from "../../parts/Field";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";

/** Whether the desktop says what a person should hear of while they look elsewhere. */
export function Notifications() {
  const client = useQueryClient();
  const preferences = useQuery(ask("preferences_get", {}));
  const save = useMutation({ mutationFn: (notifications: boolean) => call("preferences_save", { notifications }), onSettled: () => refresh(client, "preferences_get") });
  const error = preferences.error ?? save.error;
  return (
    <>
      {preferences.data ? (
        <Switch
          label={t`Tell me on the desktop`}
          help={t`When a run is held or fails, or a connector stops working, and another window is in front. Not every run.`}
          checked={preferences.data.notifications}
          onChange={save.mutateAsync}
        />
      ) : (
        !error && <Skeleton rows={1} />
      )}
      {error && <Problem error={error} />}
    </>
  );
}
