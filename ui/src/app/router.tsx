import { t } from "@lingui/core/macro";
import { createHashHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, type RouterHistory } from "@tanstack/react-router";

import { toApiError } from "../backend/error";
import { Button, buttonClass } from "../parts/Button";
import { Nothing, Page } from "../parts/Page";
import { Problem } from "../parts/Problem";
import { DashboardPage } from "../screens/dashboard/DashboardPage";
import { type FilterSearch, readFilter } from "../screens/runs/filterSearch";
import type { ListState } from "../screens/users/listState";
import { Shell } from "./Shell";

const root = createRootRoute({
  component: Shell,
  errorComponent: ({ error }) => (
    <Page title={t`This screen failed`}>
      <Problem error={toApiError(error)} action={<Button onClick={() => location.reload()}>{t`Start again`}</Button>} />
    </Page>
  ),
  notFoundComponent: () => (
    <Page title={t`Not here`}>
      <Nothing action={<Link to="/" className={buttonClass()}>{t`Dashboard`}</Link>}>{t`There is no such screen.`}</Nothing>
    </Page>
  ),
});

const at = () => root;
const rest = () => import("./screens");
const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

const listState = (search: Record<string, unknown>): ListState => ({ q: text(search["q"]), filter: text(search["filter"]), sort: text(search["sort"]) });

const dashboardRoute = createRoute({ getParentRoute: at, path: "/", component: DashboardPage });
const connectorsRoute = createRoute({ getParentRoute: at, path: "/connectors", component: lazyRouteComponent(rest, "ConnectorsPage") });
const newConnectorRoute = createRoute({
  getParentRoute: at,
  path: "/connectors/new",
  component: lazyRouteComponent(rest, "NewConnectorPage"),
  validateSearch: (search: Record<string, unknown>): { system?: string; at?: string; name?: string; step?: string; type?: string } => ({ system: text(search["system"]), at: text(search["at"]), name: text(search["name"]), step: text(search["step"]), type: text(search["type"]) }),
});
const connectorRoute = createRoute({
  getParentRoute: at,
  path: "/connectors/$name",
  component: lazyRouteComponent(rest, "ConnectorPage"),
  // `at` is the part that somebody was sent to: where the keys are, or the button that authorizes.
  validateSearch: (search: Record<string, unknown>): { tab?: string; type?: string; at?: string } => ({ tab: text(search["tab"]), type: text(search["type"]), at: text(search["at"]) }),
});
const mappingsRoute = createRoute({ getParentRoute: at, path: "/mappings", component: lazyRouteComponent(rest, "MappingsPage") });
const newMappingRoute = createRoute({ getParentRoute: at, path: "/mappings/new", component: lazyRouteComponent(rest, "NewMappingPage") });
const mappingRoute = createRoute({
  getParentRoute: at,
  path: "/mappings/$name",
  component: lazyRouteComponent(rest, "MappingPage"),
  validateSearch: (search: Record<string, unknown>): { tab?: string; run?: string; property?: string } & FilterSearch => ({ tab: text(search["tab"]), run: text(search["run"]), property: text(search["property"]), ...readFilter(search) }),
});
const typesRoute = createRoute({ getParentRoute: at, path: "/types", component: lazyRouteComponent(rest, "TypesPage") });
const newTypeRoute = createRoute({ getParentRoute: at, path: "/types/new", component: lazyRouteComponent(rest, "NewTypePage") });
const typeRoute = createRoute({
  getParentRoute: at,
  path: "/types/$name",
  component: lazyRouteComponent(rest, "TypePage"),
  validateSearch: (search: Record<string, unknown>): { property?: string } => ({ property: text(search["property"]) }),
});
const usersRoute = createRoute({
  getParentRoute: at,
  path: "/users",
  component: lazyRouteComponent(rest, "UsersPage"),
  validateSearch: listState,
});
const newUserRoute = createRoute({ getParentRoute: at, path: "/users/new", component: lazyRouteComponent(rest, "NewUserPage") });
const userRoute = createRoute({ getParentRoute: at, path: "/users/$id", component: lazyRouteComponent(rest, "UserPage") });
const kindRoute = createRoute({ getParentRoute: at, path: "/objects/$kind", component: lazyRouteComponent(rest, "KindPage"), validateSearch: listState });
const newKindRoute = createRoute({ getParentRoute: at, path: "/objects/$kind/new", component: lazyRouteComponent(rest, "NewKindPage") });
const kindObjectRoute = createRoute({ getParentRoute: at, path: "/objects/$kind/$id", component: lazyRouteComponent(rest, "KindObjectPage") });
const runsRoute = createRoute({ getParentRoute: at, path: "/runs", component: lazyRouteComponent(rest, "RunsPage") });
const runRoute = createRoute({ getParentRoute: at, path: "/runs/$id", component: lazyRouteComponent(rest, "RunPage"), validateSearch: readFilter });
const inboxRoute = createRoute({ getParentRoute: at, path: "/inbox", component: lazyRouteComponent(rest, "InboxPage") });
const auditRoute = createRoute({
  getParentRoute: at,
  path: "/audit",
  component: lazyRouteComponent(rest, "AuditPage"),
  validateSearch: (search: Record<string, unknown>): { q?: string; topic?: string } => ({ q: text(search["q"]), topic: text(search["topic"]) }),
});
const schedulesRoute = createRoute({ getParentRoute: at, path: "/schedules", component: lazyRouteComponent(rest, "SchedulesPage") });
const queueRoute = createRoute({ getParentRoute: at, path: "/queue", component: lazyRouteComponent(rest, "QueuePage") });
const guideRoute = createRoute({ getParentRoute: at, path: "/guide", component: lazyRouteComponent(rest, "GuidePage") });
const guidePageRoute = createRoute({ getParentRoute: at, path: "/guide/$page", component: lazyRouteComponent(rest, "GuidePage") });
const settingsRoute = createRoute({
  getParentRoute: at,
  path: "/settings",
  component: lazyRouteComponent(rest, "SettingsPage"),
  validateSearch: (search: Record<string, unknown>): { part?: string } => ({ part: text(search["part"]) }),
});

const tree = root.addChildren([
  dashboardRoute,
  connectorsRoute,
  newConnectorRoute,
  connectorRoute,
  mappingsRoute,
  newMappingRoute,
  mappingRoute,
  typesRoute,
  newTypeRoute,
  typeRoute,
  usersRoute,
  newUserRoute,
  userRoute,
  kindRoute,
  newKindRoute,
  kindObjectRoute,
  runsRoute,
  runRoute,
  schedulesRoute,
  inboxRoute,
  queueRoute,
  auditRoute,
  guideRoute,
  guidePageRoute,
  settingsRoute,
]);

/** The window's address is `tauri://localhost`, where only the part after `#` may change. */
export function makeRouter(history: RouterHistory = createHashHistory()) {
  return createRouter({ routeTree: tree, history, defaultPreload: false });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
