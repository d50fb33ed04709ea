import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { TabList, TabPanel, Tabs } from "react-aria-components";

import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Page, Skeleton } from "../../parts/Page";
import { PageTab } from "../../parts/PageTab";
import { NotSaved, Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { useBase } from "../../parts/useBase";
import { useSeekFault } from "../../parts/useSeekFault";
import { errorAtSetting } from "../../words/error";
import { AdvancedTab } from "./AdvancedTab";
import { DataTab } from "./DataTab";
import { DetailsTab } from "./DetailsTab";
import { changesOf, type ConnectorForm, draftOf, formOf, missing, otherProperties, settingAtFault } from "./draft";
import { ObjectTypesTab } from "./ObjectTypesTab";
import { connectorDetail, useEnableConnector, useSaveConnector, useTestConnector } from "./queries";
import { RemoveConnector } from "./RemoveConnector";
import { CONNECTOR_STATE, providerName } from "./state";

const FORM = "connector-form";

const TRAIL = (
  <Link to="/connectors" className="rounded-sm hover:underline">
    {t`Connectors`}
  </Link>
);

const TABS = ["details", "types", "data", "advanced"];

export function ConnectorPage() {
  const { name } = useParams({ from: "/connectors/$name" });
  const detail = useQuery(connectorDetail(name));
  if (detail.data) return <Editor key={name} detail={detail.data} onReload={() => void detail.refetch()} />;
  return (
    <Page title={name} trail={TRAIL}>
      {detail.error ? <Problem error={detail.error} /> : <Skeleton rows={8} />}
    </Page>
  );
}

function Editor({ detail, onReload }: { detail: ConnectorDetail; onReload: () => void }) {
  const { summary } = detail;
  const { name } = summary;
  const search = useSearch({ from: "/connectors/$name" });
  const navigate = useNavigate();
  const [edits, setEdits] = useState<Partial<ConnectorForm>>({});
  const [on, setOn] = useBase(detail, Object.keys(edits).length > 0);
  const base = formOf(on);
  const [tried, setTried] = useState(false);
  const form: ConnectorForm = { ...base, ...edits };
  const changes = changesOf(base, form);
  const save = useSaveConnector();
  const seek = useSeekFault(FORM);
  const test = useTestConnector();
  const enable = useEnableConnector();
  const change = (part: Partial<ConnectorForm>) => setEdits((before) => ({ ...before, ...part }));
  const gaps = missing(detail, form);
  const fault = settingAtFault(save.error);
  const errors = (property: string) => {
    const gap = tried ? gaps.get(property) : undefined;
    return [...(gap ? [gap] : []), ...(save.error && fault === property ? [errorAtSetting(save.error)] : [])];
  };
  const placed = fault !== null && ["name", "displayName", ...detail.properties.map((property) => property.name)].includes(fault);
  const tab = search.tab && TABS.includes(search.tab) ? search.tab : "details";
  const show = (next: string) => void navigate({ to: "/connectors/$name", params: { name }, search: next === "details" ? {} : { tab: next } });
  const state = CONNECTOR_STATE[summary.state];
  const parts = { detail, form, errors, onChange: change };

  function submit() {
    setTried(true);
    if (gaps.size > 0) {
      if (tab !== "details") show("details");
      seek();
      return;
    }
    save.mutate({ ...draftOf({ ...detail, config: on.config }, form, false), rev: on.rev }, {
      onSuccess: (saved) => {
        announce(t`${saved.summary.title} was saved`);
        setOn(saved);
        setEdits((now) => Object.fromEntries(Object.entries(now).filter(([part, value]) => value !== edits[part as keyof ConnectorForm])));
        setTried(false);
      },
      onError: (refused) => {
        const wrong = settingAtFault(refused);
        if (wrong === null) return;
        const place = otherProperties(detail, form).some((property) => property.name === wrong && property.advanced) ? "advanced" : "details";
        if (place !== tab) show(place);
        seek();
      },
    });
  }

  function undo() {
    setEdits({});
    setTried(false);
    save.reset();
  }

  const notSaved = save.error && !placed && (
    <NotSaved
      error={save.error}
      changes={changes.length}
      onReload={() => {
        undo();
        onReload();
      }}
    />
  );

  return (
    <Tabs className="h-full" selectedKey={tab} onSelectionChange={(key) => key !== tab && show(String(key))}>
      <Page
        flush
        title={name}
        trail={TRAIL}
        beside={<State tone={state.tone}>{state.text}</State>}
        actions={
          <>
            <Button busy={test.isPending} disabled={changes.length > 0} title={changes.length > 0 ? t`Save the changes to test them` : undefined} onClick={() => test.mutate(name)}>
              {t`Test`}
            </Button>
            <Button
              busy={enable.isPending}
              disabled={changes.length > 0}
              title={summary.enabled ? t`Runs and queued changes that need it wait until it is enabled again` : t`Lets runs use it`}
              onClick={() => enable.mutate({ name, enabled: !summary.enabled }, { onSuccess: () => announce(summary.enabled ? t`${summary.title} is disabled` : t`${summary.title} is enabled`) })}
            >
              {summary.enabled ? t`Disable` : t`Enable`}
            </Button>
            <RemoveConnector connector={summary} />
          </>
        }
        below={
          <div className="-mb-3">
            <p className="flex min-w-0 items-baseline gap-4">
              <span className="truncate">
                <bdi>{summary.title}</bdi>
              </span>
              <span className="truncate text-soft">
                <Trans>{providerName(summary.provider)} at <bdi>{summary.host}</bdi></Trans>
              </span>
              <span className="shrink-0 text-soft">{summary.mappings.length === 0 ? t`in no mapping` : t`in ${plural(summary.mappings.length, { one: "# mapping", other: "# mappings" })}`}</span>
            </p>
            {enable.error && (
              <div className="mt-2">
                <Problem error={enable.error} />
              </div>
            )}
            <TabList aria-label={t`Parts of the connector`} className="mt-2 flex flex-wrap gap-x-4">
              <PageTab id="details">{t`Details`}</PageTab>
              <PageTab id="types" mark={summary.drift > 0 ? t`${plural(summary.drift, { one: "# change", other: "# changes" })} not looked at yet` : undefined}>
                {t`Object Types`}
              </PageTab>
              <PageTab id="data">{t`Data`}</PageTab>
              <PageTab id="advanced">{t`Advanced`}</PageTab>
            </TabList>
          </div>
        }
      >
        <form
          id={FORM}
          className={tab === "details" || tab === "advanced" ? "flex min-h-0 flex-1 flex-col" : "hidden"}
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <TabPanel id="details" className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
            {notSaved && <div className="mb-4 max-w-5xl">{notSaved}</div>}
            <DetailsTab {...parts} unsaved={changes.length > 0} test={test} at={search.at} />
          </TabPanel>
          <TabPanel id="advanced" className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
            {notSaved && <div className="mb-4 max-w-2xl">{notSaved}</div>}
            <AdvancedTab {...parts} />
          </TabPanel>
        </form>
        <TabPanel id="types" className="flex min-h-0 flex-1 flex-col">
          <ObjectTypesTab connector={summary} />
        </TabPanel>
        <TabPanel id="data" className="flex min-h-0 flex-1 flex-col">
          <DataTab connector={summary} />
        </TabPanel>
        {(changes.length > 0 || tab === "details" || tab === "advanced") && (
          <UnsavedBar
            form={FORM}
            across="screens"
            changes={changes.length}
            saving={save.isPending}
            onUndo={undo}
          />
        )}
      </Page>
    </Tabs>
  );
}
