import type { MappingDetail } from "../../backend/bindings/MappingDetail";
import { Outside } from "../../parts/Outside";
import { Section } from "../../parts/Page";
import { actionWords } from "../../words/actions";

export function OverviewTab({ detail }: { detail: MappingDetail }) {
  const { summary } = detail;
  return (
    <div className="max-w-5xl">
      <Section title="Properties">
        <Properties detail={detail} />
      </Section>
      <Section title="Association">
        <dl className="grid grid-cols-[200px_minmax(0,1fr)] gap-y-1.5">
          <dt className="text-soft">A record matches when</dt>
          <dd className="break-words">
            <bdi>{detail.correlation ?? "never by itself: nothing is compared"}</bdi>
          </dd>
          <dt className="text-soft">Only records where</dt>
          <dd className="break-words">
            <bdi>{detail.sourceCondition ?? "no condition: every record takes part"}</bdi>
          </dd>
          <dt className="text-soft">Links</dt>
          <dd>{summary.links ? <>shared with <bdi>{summary.links}</bdi></> : "its own"}</dd>
          <dt className="text-soft">Changes of single records</dt>
          <dd>{summary.enableSync ? "are delivered at once" : "wait for the next reconciliation"}</dd>
        </dl>
      </Section>
      <Section title="Behaviors">
        <Policies detail={detail} />
      </Section>
    </div>
  );
}

function Properties({ detail }: { detail: MappingDetail }) {
  return (
    <table className="rows inset" aria-label="Properties">
      <thead>
        <tr>
          <th scope="col">Source</th>
          <th scope="col" className="w-10"><span className="sr-only">becomes</span></th>
          <th scope="col">Target</th>
          <th scope="col">Transform</th>
          <th scope="col">When empty</th>
          <th scope="col">Condition</th>
        </tr>
      </thead>
      <tbody>
        {detail.properties.map((property) => (
          <tr key={`${property.source} ${property.target}`}>
            <td>
              {property.source ? <Outside text={property.source} className="font-mono text-sm" /> : <span className="text-soft">constant</span>}
            </td>
            <td className="text-soft" aria-hidden="true">
              {"\u2192"}
            </td>
            <th scope="row">
              <Outside text={property.target} className="font-mono text-sm" />
            </th>
            <td>{orDash(property.transform)}</td>
            <td title={property.default ?? undefined}>
              {property.whenEmpty}
              {property.default !== null && (
                <>
                  {" "}
                  <bdi className="text-soft">{JSON.stringify(property.default)}</bdi>
                </>
              )}
              {property.setOn !== "always" && <span className="text-soft"> ({property.setOn} only)</span>}
            </td>
            <td>{orDash(property.condition)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Policies({ detail }: { detail: MappingDetail }) {
  return (
    <table className="rows inset" aria-label="Policies">
      <thead>
        <tr>
          <th scope="col" className="w-56">Situation</th>
          <th scope="col">Meaning</th>
          <th scope="col" className="w-64">Action</th>
        </tr>
      </thead>
      <tbody>
        {detail.policies.map((policy, index) => (
          <tr key={`${policy.situation} ${index}`}>
            <th scope="row">
              <code className="font-mono text-sm">{policy.situation}</code>
            </th>
            <td className="text-soft" title={policy.meaning}>
              {policy.meaning}
            </td>
            <td>
              <span className="inline-flex items-center gap-1.5">
                <span aria-hidden="true" className={`size-2 rounded-[2px] ${actionWords(policy.action).fill}`} />
                {actionWords(policy.action).label}
                <code className="font-mono text-xs text-soft">{policy.action}</code>
                {!policy.isDefault && <span className="text-sm text-accent">set here</span>}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function orDash(text: string | null) {
  return text === null ? <span className="text-soft">{"\u2013"}</span> : <Outside text={text} className="font-mono text-sm" />;
}
