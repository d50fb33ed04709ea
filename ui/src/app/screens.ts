/**
 * Everything that the first look at the window does not need, as one file of the built program: the first screen is there
 * before this is read, and whoever goes on from it finds it read. Screens are taken from here by `import()` alone.
 */
export { AuditPage } from "../screens/audit/AuditPage";
export { ConnectorPage } from "../screens/connectors/ConnectorPage";
export { ConnectorsPage } from "../screens/connectors/ConnectorsPage";
export { NewConnectorPage } from "../screens/connectors/wizard/NewConnectorPage";
export { GuidePage } from "../screens/guide/GuidePage";
export { InboxPage } from "../screens/inbox/InboxPage";
export { MappingPage } from "../screens/mappings/MappingPage";
export { MappingsPage } from "../screens/mappings/MappingsPage";
export { NewMappingPage } from "../screens/mappings/NewMappingPage";
export { QueuePage } from "../screens/queue/QueuePage";
export { RunPage } from "../screens/runs/RunPage";
export { RunsPage } from "../screens/runs/RunsPage";
export { SchedulesPage } from "../screens/schedules/SchedulesPage";
export { SettingsPage } from "../screens/settings/SettingsPage";
export { NewTypePage, TypePage } from "../screens/types/TypePage";
export { TypesPage } from "../screens/types/TypesPage";
export { KindObjectPage, NewKindPage, NewUserPage, UserPage } from "../screens/users/ObjectPage";
export { KindPage, UsersPage } from "../screens/users/ObjectsPage";
export { VaultPage } from "../screens/vault/VaultPage";
export { Palette } from "./Palette";
export { Shortcuts } from "./Shortcuts";
