import { useNavigate } from "@tanstack/react-router";

import type { UserDetail } from "../../backend/bindings/UserDetail";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Outside } from "../../parts/Outside";
import { Problem } from "../../parts/Problem";
import { count } from "../../words/numbers";
import { userName } from "./draft";
import { useDeleteUser } from "./queries";
import { useUsersList } from "./usersList";

export function DeleteUser({ detail }: { detail: UserDetail }) {
  const asking = useOpen();
  const remove = useDeleteUser();
  const navigate = useNavigate();
  const list = useUsersList();
  const { user, linked } = detail;
  const name = userName(user.attributes);
  return (
    <>
      <Button onClick={asking.show}>Delete</Button>
      <Confirm
        title={`Delete ${name}?`}
        action="Delete 1 user"
        open={asking.open}
        busy={remove.isPending}
        onClose={asking.hide}
        onConfirm={() =>
          remove.mutate(
            { id: user.id, rev: user.rev },
            {
              onSuccess: (saved) => {
                const failed = saved.sync.filter((result) => result.state === "failed").length;
                announce(failed > 0 ? `${name} was deleted here; ${count(failed, "target")} failed, see the queue` : `${name} was deleted`);
                void navigate({ to: "/users", search: list, ignoreBlocker: true });
              },
            },
          )
        }
      >
        {linked.length === 0 ? (
          <p>The user is linked to no other system, so nothing happens elsewhere.</p>
        ) : (
          <>
            <p>
              {count(linked.length, "linked record")} in other systems {linked.length === 1 ? "is" : "are"} then handled as the policies of the mappings say:
            </p>
            <ul className="list-disc pl-5">
              {linked.map((system) => (
                <li key={`${system.mapping} ${system.uid}`}>
                  <span className="text-ink">
                    <bdi>{system.connectorTitle}</bdi> {system.objectType}
                  </span>{" "}
                  <Outside text={system.uid} className="font-mono text-sm" /> by <bdi>{system.mapping}</bdi>
                </li>
              ))}
            </ul>
          </>
        )}
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  );
}
