//! The list of commands: each use case once, with its request and its answer. Hosts (the desktop shell, the test
//! host) expand it, so a command without a handler or with another type does not compile.

/// Calls the macro `$host` with every command: `name(Request) -> Answer;`.
#[macro_export]
macro_rules! with_commands {
    ($host:ident) => {
        $host! {
            app_status(Empty) -> AppStatus;
            vault_unlock(VaultPassphrase) -> VaultStatus;
            vault_change_passphrase(VaultPassphrase) -> VaultStatus;
            vault_use_keyring(Empty) -> VaultStatus;
            vault_rotate_keys(Empty) -> VaultRotated;
            vault_new_recovery_key(Empty) -> RecoveryKey;
            overview(Empty) -> Overview;
            network_get(Empty) -> NetworkSettings;
            network_save(NetworkDraft) -> NetworkSettings;
            about(Empty) -> About;
            connector_kinds(Empty) -> Vec<ConnectorKind>;
            connectors_list(Empty) -> Vec<ConnectorSummary>;
            connector_blank(ConnectorBlank) -> ConnectorDetail;
            connector_get(ByName) -> ConnectorDetail;
            connector_save(ConnectorDraft) -> ConnectorDetail;
            connector_test(ByName) -> ConnectorTest;
            connector_enable(ConnectorEnable) -> ConnectorDetail;
            connector_remove(ByName) -> ConnectorRemoved;
            connector_schema(SchemaRequest) -> SchemaInfo;
            connector_records(RecordsRequest) -> RecordPage;
            connector_dependents(ByName) -> ConnectorDependents;
            connector_drift(ByName) -> Vec<SchemaDrift>;
            connector_drift_seen(SchemaRequest) -> Vec<SchemaDrift>;
            mappings_list(Empty) -> Vec<MappingSummary>;
            mapping_get(ByName) -> MappingDetail;
            mapping_save(MappingDraft) -> MappingDetail;
            mapping_remove(ByName) -> Empty;
            ready_mappings_of(ByName) -> Vec<ReadyMapping>;
            ready_mappings_add(ReadyMappingsAdd) -> Vec<MappingSummary>;
            mapping_propose(MappingProposalRequest) -> MappingProposal;
            mapping_try(TrialRequest) -> Trial;
            mapping_matches(MatchRequest) -> MatchReport;
            mapping_reorder(MappingOrder) -> Vec<MappingSummary>;
            resources_list(Empty) -> Vec<ResourceInfo>;
            resource_schema(ByResource) -> SchemaInfo;
            resource_stats(StatsRequest) -> ResourceStats;
            records_sample(SampleRequest) -> SamplePage;
            records_named(NamesRequest) -> RecordNames;
            associations_list(AssociationsRequest) -> AssociationPage;
            run_start(RunStart) -> RunSummary;
            run_apply(RunApply) -> RunSummary;
            run_unfinished(RunUnfinished) -> RunSummary;
            run_undo(RunUndo) -> RunSummary;
            run_cancel(ById) -> RunSummary;
            run_get(ById) -> RunDetail;
            run_entries(EntriesRequest) -> EntryPage;
            runs_list(RunsRequest) -> RunPage;
            user_schema(Empty) -> UserSchema;
            users_list(UsersRequest) -> UserPage;
            user_get(ById) -> UserDetail;
            user_save(UserDraft) -> UserSaved;
            user_delete(UserDelete) -> UserSaved;
            managed_types(Empty) -> Vec<ManagedTypeSummary>;
            managed_type_get(ByName) -> ManagedTypeDetail;
            managed_type_save(ManagedTypeDraft) -> ManagedTypeSaved;
            claims_apply(ClaimsApply) -> ClaimsApplied;
            managed_type_remove(ByName) -> Empty;
            objects_list(ObjectsRequest) -> ObjectPage;
            objects_glance(ObjectsRequest) -> ObjectPage;
            object_get(ObjectName) -> ObjectDetail;
            object_save(ObjectDraft) -> ObjectSaved;
            object_delete(ObjectDelete) -> ObjectSaved;
            object_history(HistoryRequest) -> HistoryPage;
            object_validate(ValidateRequest) -> Validation;
            objects_foresee_delete(ObjectNames) -> DeleteForesight;
            objects_delete(ObjectNames) -> ObjectsChanged;
            objects_change(ObjectsChange) -> ObjectsChanged;
            objects_export(ObjectsExport) -> Exported;
            inbox_list(InboxRequest) -> InboxPage;
            inbox_answer(InboxAnswer) -> Said;
            link_set(LinkChange) -> Said;
            link_remove(LinkChange) -> Said;
            audit_list(AuditRequest) -> AuditPage;
            schedules_list(SchedulesRequest) -> Vec<ScheduleInfo>;
            schedule_save(ScheduleDraft) -> ScheduleInfo;
            schedule_enable(ScheduleEnable) -> ScheduleInfo;
            schedule_remove(ByName) -> Empty;
            schedule_run(ByName) -> ScheduleRan;
            schedule_outlook(ScheduleTry) -> ScheduleOutlook;
            change_feed(ByName) -> ChangeFeed;
            run_export(RunExport) -> Exported;
            audit_export(AuditExport) -> Exported;
            preferences_get(Empty) -> Preferences;
            preferences_save(Preferences) -> Preferences;
            scim_token_list(Empty) -> Vec<ScimTokenInfo>;
            scim_token_make(ScimTokenDraft) -> ScimTokenMade;
            scim_token_remove(ByName) -> Empty;
            queue_list(QueueRequest) -> QueuePage;
            queue_retry(ById) -> Empty;
            queue_discard(ById) -> Empty;
        }
    };
}

macro_rules! names {
    ($($name:ident($request:ty) -> $answer:ty;)*) => {
        /// The names of all commands that `App` handles.
        pub const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}
with_commands!(names);

/// Commands that a host implements itself, because they need a window, a browser, a sandbox or the server.
pub const HOST_NAMES: &[&str] = &[
    "connector_authorize",
    "connector_authorize_cancel",
    "sample_setup",
    "sandbox_list",
    "sandbox_start",
    "sandbox_stop",
    "sandbox_connect",
    "serving_get",
    "serving_set",
    "serving_password",
];

#[cfg(test)]
mod tests {
    use std::{fmt::Write, fs, path::Path};

    use ts_rs::{Config, TS};

    use crate::dto::*;

    macro_rules! typescript {
        ($($name:ident($request:ty) -> $answer:ty;)*) => {{
            let config = Config::from_env();
            let mut types = std::collections::BTreeSet::new();
            let mut lines = String::new();
            $(
                let (request, answer) = (<$request as TS>::name(&config), <$answer as TS>::name(&config));
                types.insert(request.clone());
                types.insert(answer.trim_start_matches("Array<").trim_end_matches('>').to_owned());
                writeln!(lines, "  {}: {{ request: {request}; answer: {answer} }};", stringify!($name)).unwrap();
            )*
            (types, lines)
        }};
    }

    /// Writes the typed command map of the UI beside the DTOs that ts-rs exports.
    #[test]
    fn export_bindings_commands() {
        let (mut types, mut lines) = with_commands!(typescript);
        for (name, request, answer) in [
            ("connector_authorize", "AuthorizeRequest", "AuthorizeResult"),
            ("connector_authorize_cancel", "ByName", "Empty"),
            ("serving_get", "Empty", "Serving"),
            ("serving_set", "ServingWanted", "Serving"),
            ("serving_password", "Empty", "Serving"),
            ("sample_setup", "Empty", "SampleSetup"),
            ("sandbox_list", "Empty", "Array<SandboxState>"),
            ("sandbox_start", "ByProvider", "Array<SandboxState>"),
            ("sandbox_stop", "ByProvider", "Array<SandboxState>"),
            ("sandbox_connect", "ByProvider", "ConnectorDetail"),
        ] {
            let one = answer.trim_start_matches("Array<").trim_end_matches('>');
            types.extend([request.to_owned(), one.to_owned()]);
            writeln!(lines, "  {name}: {{ request: {request}; answer: {answer} }};").unwrap();
        }
        let mut text = String::from("// Written by `cargo test -p api export_bindings`. Do not edit.\n");
        for name in types {
            writeln!(text, "import type {{ {name} }} from \"./{name}\";").unwrap();
        }
        write!(text, "\n/** Every command with its request and its answer. */\nexport interface Commands {{\n{lines}}}\n").unwrap();
        let folder = std::env::var("TS_RS_EXPORT_DIR").unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join("commands.ts"), text).unwrap();
    }
}
