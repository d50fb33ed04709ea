import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";

import type { Trouble } from "../../backend/bindings/Trouble";
import { Button } from "../../parts/Button";
import { GoButton } from "../../parts/GoButton";
import { formOf, needsConsent } from "./draft";
import { connectorDetail, useTestConnector } from "./queries";

/** What may be mended by itself or elsewhere: the test says whether it is. */
const TRIED_AGAIN = new Set<Trouble>(["permission", "reach", "wait", "other"]);

/** The buttons that do what a system in trouble asks for. */
export function TroubleButtons({ connector, trouble, test }: {
  connector: string;
  trouble: Trouble;
  /** Tests it again; left out where that button stands beside these anyway. */
  test?: ReturnType<typeof useTestConnector>;
}) {
  // Whether there is somebody to give consent, or a key to be entered.
  const detail = useQuery({ ...connectorDetail(connector), enabled: trouble === "authorize" });
  const place = (at: string) => ({ to: "/connectors/$name", params: { name: connector }, search: { at } }) as const;
  return (
    <>
      {trouble === "authorize" &&
        detail.data &&
        (needsConsent(detail.data, formOf(detail.data)) ? (
          <GoButton go={place("authorize")} aria-label={t`Authorize ${connector} again`}>{t`Authorize again`}</GoButton>
        ) : (
          <GoButton go={place("keys")} aria-label={t`Enter the key of ${connector} again`}>{t`Enter the key again`}</GoButton>
        ))}
      {trouble === "permission" && <GoButton go={place("keys")} aria-label={t`Which scopes ${connector} needs`}>{t`Which scopes it needs`}</GoButton>}
      {trouble === "settings" && <GoButton go={place("settings")} aria-label={t`Correct the settings of ${connector}`}>{t`Correct the settings`}</GoButton>}
      {trouble === "reach" && <GoButton go={{ to: "/settings", search: { part: "network" } }}>{t`Network settings`}</GoButton>}
      {trouble === "vault" && <GoButton go={{ to: "/settings", search: { part: "vault" } }}>{t`Open the vault`}</GoButton>}
      {test && TRIED_AGAIN.has(trouble) && (
        <Button icon="retry" busy={test.isPending} aria-label={t`Test ${connector} again`} onClick={() => test.mutate(connector)}>
          {t`Test again`}
        </Button>
      )}
    </>
  );
}
