import { t } from "@lingui/core/macro";
import { Plural, Select, Trans } from "@lingui/react/macro";
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import type { SchemaDrift } from "../../backend/bindings/SchemaDrift";
import { Notice } from "../../parts/Problem";
import { connectorDrift } from "./queries";

/** What of a connector's drift touches a mapping. */
export function touching(drifts: SchemaDrift[], mapping: string) {
  return drifts.flatMap(({ objectType, changes }) =>
    changes.flatMap((change) =>
      change.mappings.filter((touched) => touched.mapping === mapping).map(({ effect, breaks }) => ({ objectType, attribute: change.attribute, words: change.words, effect, breaks })),
    ),
  );
}

/** Said above a mapping whose connector's schema changed in a way that concerns it. */
export function MappingDrift({ mapping }: { mapping: MappingSummary }) {
  const names = [...new Set([mapping.source, mapping.target].flatMap((path) => /^system\/([^/]+)\//.exec(path)?.[1] ?? []))];
  const found = useQueries({ queries: names.map(connectorDrift) });
  const notices = names.flatMap((name, index) => {
    const touched = touching(found[index]?.data ?? [], mapping.name);
    return touched.length > 0 ? [{ name, touched }] : [];
  });
  return notices.map(({ name, touched }) => {
    const [first] = touched;
    const breaks = touched.some((change) => change.breaks);
    return (
      <div key={name} className="mt-2">
        <Notice
          tone={breaks ? "needs" : "waits"}
          action={
            <Link to="/connectors/$name" params={{ name }} search={{ tab: "types", type: first?.objectType }} className="shrink-0 rounded-sm font-medium underline">
              {t`See what changed`}
            </Link>
          }
        >
          {first && touched.length === 1 ? (
            <>
              <Trans><code className="font-mono text-sm">{first.attribute}</code> <bdi>{first.words}</bdi> at {name}. This mapping {first.effect}.</Trans>
            </>
          ) : (
            <>
              <Trans><Plural value={touched.length} one="# change" other="# changes" /> at {name} concern this mapping: <bdi>{touched.slice(0, 3).map(({ attribute, words }) => `${attribute} ${words}`).join("; ")}</bdi><Select value={touched.length > 3 ? "more" : "all"} _more=", and more" other="" />.</Trans>
            </>
          )}
        </Notice>
      </div>
    );
  });
}
