import { t } from "@lingui/core/macro";

import { Section } from "../../parts/Page";
import { advancedGroups, type FormPart, otherProperties } from "./draft";
import { PropertyFields } from "./PropertyField";

/** What few people need: limits, pages, proxy, certificates. */
export function AdvancedTab(parts: FormPart) {
  const groups = advancedGroups(otherProperties(parts.detail, parts.form));
  if (groups.length === 0) return <p className="text-soft">{t`This connector has no further settings.`}</p>;
  return (
    <div className="max-w-2xl">
      {groups.map(({ title, text, properties }) => (
        <Section key={title} title={title}>
          {text && <p className="mb-3 text-soft">{text}</p>}
          <PropertyFields {...parts} properties={properties} />
        </Section>
      ))}
    </div>
  );
}
