import { plural, select, t } from "@lingui/core/macro";
import { useMutation } from "@tanstack/react-query";

import type { MatchReport } from "../../../backend/bindings/MatchReport";
import { call } from "../../../backend";
import { Button } from "../../../parts/Button";
import { Problem } from "../../../parts/Problem";
import { number } from "../../../words/numbers";
import type { Doc } from "./document";
import { useEditor } from "./EditorContext";

/** How the rule does, before it is saved: matches counted over a sample of both sides. */
export function Matches({ qualifier }: { qualifier: string | null }) {
  const { doc } = useEditor();
  const counted = useMutation({ mutationFn: ({ config, linkQualifier }: { config: Doc; linkQualifier: string | null }) => call("mapping_matches", { config, linkQualifier }) });
  // A count belongs to the rule that it was made with.
  const current = counted.variables?.config === doc && counted.variables.linkQualifier === qualifier;
  return (
    <div className="flex flex-col gap-3">
      <Button className="self-start" busy={counted.isPending} onClick={() => counted.mutate({ config: doc, linkQualifier: qualifier })}>
        {t`Count matches`}
      </Button>
      {current && counted.error && <Problem error={counted.error} />}
      {current && counted.data && <Report report={counted.data} />}
    </div>
  );
}

function Report({ report }: { report: MatchReport }) {
  const parts = [
    { label: t`one match`, meaning: t`would be linked`, value: report.one, fill: "bg-bar-link" },
    { label: t`no match`, meaning: t`would be new`, value: report.none, fill: "bg-bar-create" },
    { label: t`several`, meaning: t`a person has to choose`, value: report.several, fill: "bg-bar-needs" },
    { label: t`nothing to compare`, meaning: t`the attributes of the rule are empty`, value: report.noKey, fill: "bg-bar-skip" },
    { label: t`does not qualify`, meaning: t`left out by the conditions below`, value: report.unqualified, fill: "bg-bar-unchanged" },
  ].filter(({ value }) => value > 0);
  return (
    <div role="status" className="flex flex-col gap-3">
      <p className="text-soft">
        {t`${select(report.more ? "some" : "all", { some: "The first", other: "All" })} ${plural(report.looked, { one: "# record", other: "# records" })} of the source, compared with ${select(report.more ? "some" : "all", { some: "up to ", other: "" })}${plural(report.compared, { one: "# record", other: "# records" })} of the target. Links that there are already do not count here.`}
      </p>
      <div aria-hidden="true" className="flex h-3 overflow-hidden rounded-sm">
        {parts.map(({ label, value, fill }) => (
          <div key={label} className={fill} style={{ flexGrow: value }} />
        ))}
      </div>
      <ul className="flex flex-wrap gap-x-6 gap-y-1">
        {parts.map(({ label, meaning, value, fill }) => (
          <li key={label} className="flex items-center gap-1.5" title={meaning}>
            <span aria-hidden="true" className={`size-2 rounded-[2px] ${fill}`} />
            <span className="font-medium">{number(value)}</span> {label}
          </li>
        ))}
      </ul>
      <Examples title={t`Match several`} examples={report.ambiguous} />
      <Examples title={t`Match one`} examples={report.matched} />
    </div>
  );
}

function Examples({ title, examples }: { title: string; examples: MatchReport["matched"] }) {
  if (examples.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3 className="mb-1 text-sm text-soft">{title}</h3>
      <ul className="flex flex-col">
        {examples.map(({ source, targets }) => (
          <li key={source.id} className="flex min-w-0 items-baseline gap-2 border-b border-line py-1">
            <bdi className="w-1/3 shrink-0 truncate font-medium" title={source.id}>
              {source.title}
            </bdi>
            <span aria-label={t`matches`} role="img" className="text-soft">
              {"\u2192"}
            </span>
            <bdi className="min-w-0 truncate" title={targets.map(({ id }) => id).join("\n")}>
              {targets.map((target) => target.title).join(", ")}
            </bdi>
          </li>
        ))}
      </ul>
    </section>
  );
}
