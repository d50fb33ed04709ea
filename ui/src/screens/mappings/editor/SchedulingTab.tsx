import { t } from "@lingui/core/macro";

import { Choice, Switch } from "../../../parts/Field";
import { Section } from "../../../parts/Page";
import { SegmentedChoice } from "../../../parts/SegmentedChoice";
import { MappingSchedules } from "../../schedules/MappingSchedules";
import { flagOf, textOf, withKey } from "./document";
import { useEditor, useErrors } from "./EditorContext";
import { NamesField } from "./NamesField";

/** When changes flow: at once, in whole runs at their times, and as the source tells of them. */
export function SchedulingTab() {
  const { doc, draft, name, source, target } = useEditor();
  const triggers = doc["triggerSyncProperties"];
  const names = Array.isArray(triggers) ? triggers.filter((item): item is string => typeof item === "string") : null;
  const on = flagOf(doc, "enableSync", true);
  const managed = source.path.startsWith("managed/");
  const put = (key: string, label: string) => (value: unknown) => draft.edit(key, label, (old) => withKey(old, key, value));
  const errors = useErrors("triggerSyncProperties");
  return (
    <div className="max-w-5xl px-6 py-5">
      <Section title={t`Implicit sync`}>
        <div className="flex flex-col gap-4">
          <Switch
            label={t`Changes of single records flow by themselves`}
            help={managed ? t`A change of a user is delivered to ${target.title} as it is saved. Reconciliation is not affected.` : t`Changes that Concord itself sees in ${source.title} are carried on at once. Reconciliation is not affected.`}
            checked={on}
            onChange={(checked) => put("enableSync", t`implicit sync`)(checked)}
          />
          {on && managed && (
            <>
              <Choice
                legend={t`Saving a user`}
                name="syncMode"
                value={textOf(doc, "syncMode") === "blocking" ? "blocking" : "background"}
                options={[
                  { value: "background", label: t`Comes back at once`, help: t`the change is delivered in the background` },
                  { value: "blocking", label: t`Waits for the first delivery`, help: t`and says what came of it` },
                ]}
                onChange={(value) => put("syncMode", t`saving a user`)(value === "blocking" ? "blocking" : undefined)}
              />
              <div className="flex flex-col gap-2">
                <SegmentedChoice
                  label={t`When`}
                  value={names ? "some" : "any"}
                  options={[
                    { value: "any", label: t`Any attribute changes` },
                    { value: "some", label: t`One of these changes` },
                  ]}
                  onChange={(value) => put("triggerSyncProperties", t`what sets off a sync`)(value === "some" ? [source.attributes[0]?.name ?? "mail"] : undefined)}
                />
                {names && <NamesField of="attribute" values={names} options={source.suggestions} errors={errors} onChange={put("triggerSyncProperties", t`what sets off a sync`)} />}
              </div>
            </>
          )}
        </div>
      </Section>
      <MappingSchedules mapping={name} source={source.path} />
    </div>
  );
}
