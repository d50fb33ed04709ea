//! What crosses the edge: requests and answers of the use cases. The UI's TypeScript types are generated from
//! these; nothing secret is in any of them except in the write-only `secrets` of a connector draft.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

macro_rules! dto {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* $field:ident : $type:ty,)* })*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
        #[serde(rename_all = "camelCase")]
        #[ts(export)]
        // A field has a comment where its name does not say it all.
        #[allow(missing_docs)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }
    )* };
}

macro_rules! words {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident,)* })*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
        #[serde(rename_all = "camelCase")]
        #[ts(export)]
        pub enum $name { $($(#[$vmeta])* $variant,)* }
    )* };
}

mod associations;
mod audit;
mod bulk;
mod connectors;
mod exports;
mod fixes;
mod inbox;
mod managed;
mod overview;
mod schedules;
mod serving;
pub use associations::*;
pub use audit::*;
pub use bulk::*;
pub use connectors::*;
pub use exports::*;
pub use fixes::*;
pub use inbox::*;
pub use managed::*;
pub use overview::*;
pub use schedules::*;
pub use serving::*;

words! {
    /// Whether secrets can be read and written.
    pub enum VaultState {
        /// Nothing stored yet; a keyring is there and will be used at the first secret.
        New,
        /// No keyring: a passphrase has to be chosen first.
        NeedsPassphrase,
        /// Open.
        Unlocked,
        /// The key is missing or was not given yet.
        Locked,
    }

    /// How a connector stands.
    pub enum ConnectorState {
        /// Enabled, and the last test passed.
        Active,
        /// Enabled, and the last test failed.
        Error,
        /// Switched off.
        Disabled,
        /// Enabled and never tested.
        Untested,
    }

    /// How to authorize.
    pub enum AuthorizeMethod {
        /// In an embedded window.
        Window,
        /// In the system's browser, caught by a listener on this machine.
        Browser,
    }

    /// What a run is for.
    pub enum RunMode {
        /// Read, plan and guard; nothing is written.
        Preview,
        /// All phases.
        Reconcile,
        /// Carries out the stored plan of a preview.
        Apply,
    }

    /// Where a run stands.
    pub enum RunState {
        /// Under way.
        Active,
        /// Finished (some records may have failed).
        Success,
        /// Planned and waiting to be carried out.
        Planned,
        /// Stopped by a guard before the first write.
        Held,
        /// Stopped by a person.
        Canceled,
        /// Could not be finished.
        Failed,
        /// Its process ended before it did.
        Interrupted,
        /// The provider takes no calls for a while; it goes on by itself when that is over.
        Paused,
    }

    /// How a record of a run stands.
    pub enum EntryStatus {
        /// To be carried out.
        Planned,
        /// Carried out.
        Done,
        /// Could not be carried out or judged.
        Failed,
        /// Not carried out, because the record has changed since it was planned.
        Stale,
        /// Nothing was to be done.
        Skipped,
        /// A person has to decide.
        NeedsYou,
    }

    /// What happened to an object that is to be carried on.
    pub enum QueuedChange {
        /// It is new.
        Create,
        /// It changed.
        Update,
        /// It is gone.
        Delete,
    }

    /// How a setting of a connector is entered.
    pub enum SettingKind {
        /// A line of text.
        Text,
        /// A whole number.
        Number,
        /// On or off.
        Switch,
        /// A text that goes into the vault and is never shown.
        Secret,
        /// One of a few values.
        Choice,
    }

    /// How an implicit sync to one target stands.
    pub enum SyncState {
        /// The target has the change, or needs none.
        Synced,
        /// In the queue.
        Waiting,
        /// The last try failed; see the message.
        Failed,
    }
}

dto! {
    /// A request without content.
    pub struct Empty {}

    /// A request that names one thing.
    pub struct ByName { name: String, }

    /// A request that names one thing by id.
    pub struct ById { id: String, }

    /// The state of the whole.
    pub struct AppStatus {
        version: String,
        vault: VaultStatus,
        /// The URL of the built-in sandbox when it runs.
        sandbox_url: Option<String>,
        connectors: u64,
        mappings: u64,
        users: u64,
        /// Implicit syncs that wait or failed.
        queue: u64,
    }

    /// A connector that is not there any more.
    pub struct ConnectorRemoved {
        /// Why its authorization could not be given back to the provider, where it could not: there it stands until somebody takes
        /// the app's access away.
        grant_kept: Option<String>,
    }

    /// The state of the vault.
    pub struct VaultStatus {
        state: VaultState,
        /// `keyring` or `passphrase`, once it exists.
        source: Option<String>,
        /// What is wrong and the way out, when it is not open.
        message: Option<String>,
        /// It was opened with its recovery key: the next start asks for that again, unless something else protects it by then.
        recovered: bool,
    }

    /// A passphrase on its way in; it never comes back out.
    pub struct VaultPassphrase { passphrase: String, }

    /// One connector in the list.
    pub struct ConnectorSummary {
        name: String,
        title: String,
        /// `hubspot`, `salesforce` or `scim`.
        provider: String,
        enabled: bool,
        state: ConnectorState,
        /// The reason when the state is `error`.
        message: Option<String>,
        /// What to do about it then.
        trouble: Option<Trouble>,
        /// When its system refused it the access in a run or a delivery, where that, and no test, is the reason.
        refused_at: Option<String>,
        tested_at: Option<String>,
        object_types: Vec<String>,
        /// The mappings that read or write it.
        mappings: Vec<String>,
        /// The host that it talks to.
        host: String,
        /// What it may still call; `None` when this program has not used it yet.
        usage: Option<ConnectorUsage>,
        /// Changes of its schemas that nobody has looked at yet.
        drift: u64,
    }

    /// A secret as screens see it.
    pub struct SecretStatus { property: String, set: bool, updated_at: Option<String>, }

    /// A value that a setting can have, and what it means.
    pub struct PropertyChoice { value: String, label: String, }

    /// One setting of a connector's form.
    pub struct ConnectorProperty {
        name: String,
        label: String,
        kind: SettingKind,
        /// What a choice is between.
        choices: Vec<PropertyChoice>,
        help: String,
        /// Belongs on the advanced part of the form.
        advanced: bool,
        #[ts(type = "unknown")]
        default: Value,
    }

    /// A connector with everything that its form needs.
    pub struct ConnectorDetail {
        summary: ConnectorSummary,
        /// The revision to save it with.
        rev: String,
        /// The whole document in the shape of `provisioner.openicf-<name>.json`, without secrets.
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        secrets: Vec<SecretStatus>,
        properties: Vec<ConnectorProperty>,
        /// Whether it can be authorized by OAuth as configured.
        can_authorize: bool,
        authorized: bool,
        redirect_uri: String,
    }

    /// A request to see the form of a connector that does not exist yet.
    pub struct ConnectorBlank { provider: String, }

    /// A connector to create or change.
    pub struct ConnectorDraft {
        /// True when it must not exist yet.
        create: bool,
        /// The revision that the change is based on; absent takes whatever is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        rev: Option<String>,
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        /// New secrets by property name; what is left out stays, an empty text removes.
        #[serde(default)]
        secrets: BTreeMap<String, String>,
    }

    /// Switches a connector on or off.
    pub struct ConnectorEnable { name: String, enabled: bool, }

    /// What a test of a connector found.
    pub struct ConnectorTest {
        name: String,
        ok: bool,
        error: Option<String>,
        /// What to do about the error.
        trouble: Option<Trouble>,
        checked: Vec<String>,
        account: Option<String>,
        missing_scopes: Vec<String>,
    }

    /// Asks for a connector's consent page.
    pub struct AuthorizeRequest { name: String, method: AuthorizeMethod, }

    /// How an authorization ended.
    pub struct AuthorizeResult { ok: bool, message: String, }

    /// The attributes of an object type.
    pub struct SchemaRequest { name: String, object_type: String, }

    /// One attribute of an object type.
    pub struct AttributeInfo {
        name: String,
        label: String,
        kind: String,
        required: bool,
        writable: bool,
        unique: bool,
        options: Vec<String>,
    }

    /// The attributes of an object type.
    pub struct SchemaInfo { object_type: String, attributes: Vec<AttributeInfo>, }

    /// One mapping in the list, in sync order.
    pub struct MappingSummary {
        name: String,
        title: String,
        source: String,
        target: String,
        source_title: String,
        target_title: String,
        /// The mapping whose links it shares.
        links: Option<String>,
        enable_sync: bool,
        properties: u64,
        /// The last run that ended or is under way.
        last_run: Option<RunSummary>,
        /// Why it cannot run now, in words ("connector `hubspot` is disabled").
        problem: Option<String>,
    }

    /// One row of a mapping's property grid.
    pub struct PropertyRow {
        source: String,
        target: String,
        transform: Option<String>,
        condition: Option<String>,
        default: Option<String>,
        when_empty: String,
        set_on: String,
    }

    /// A mapping with everything that its screen needs.
    pub struct MappingDetail {
        summary: MappingSummary,
        /// The revision to save it with.
        rev: String,
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        properties: Vec<PropertyRow>,
        policies: Vec<PolicyRow>,
        correlation: Option<String>,
        source_condition: Option<String>,
    }

    /// What a mapping does in one situation.
    pub struct PolicyRow { situation: String, meaning: String, action: String, is_default: bool, }

    /// A mapping to create or change, in the shape of an element of `sync.json`.
    pub struct MappingDraft {
        create: bool,
        /// The revision that the change is based on; absent takes whatever is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        rev: Option<String>,
        #[ts(type = "Record<string, unknown>")]
        config: Value,
    }

    /// Starts a run.
    pub struct RunStart {
        mapping: String,
        mode: RunMode,
        /// Only these source ids.
        #[serde(default)]
        ids: Vec<String>,
        /// For this run only: deletes that the guard lets through.
        #[serde(default)]
        allow_deletes: Option<u64>,
        /// Only what has changed since the last run looked.
        #[serde(default)]
        incremental: bool,
    }

    /// Runs those sources of an ended run again that failed, were stale or wait for a person.
    pub struct RunUnfinished {
        id: String,
        /// Plan only.
        preview: bool,
        #[serde(default)]
        allow_deletes: Option<u64>,
    }

    /// Carries out the plan of a preview, or releases a held run.
    pub struct RunApply {
        id: String,
        #[serde(default)]
        allow_deletes: Option<u64>,
    }

    /// Takes back what a run did.
    pub struct RunUndo {
        id: String,
        /// Plan only.
        preview: bool,
        #[serde(default)]
        allow_deletes: Option<u64>,
    }

    /// A count under a name.
    pub struct Count { name: String, meaning: String, count: u64, }

    /// A run in a list.
    pub struct RunSummary {
        id: String,
        mapping: String,
        mode: RunMode,
        state: RunState,
        /// IDM's stage name.
        stage: String,
        /// The stage in words.
        stage_description: String,
        started: String,
        ended: Option<String>,
        duration_ms: u64,
        /// Records dealt with so far in this stage.
        processed: u64,
        /// Records to deal with in this stage, where known.
        total: Option<u64>,
        /// Changes that the plan holds (creates, updates, deletes, links, unlinks).
        changes: u64,
        /// Changes done so far.
        done: u64,
        failed: u64,
        /// Changes that were not made because their record had changed since they were planned.
        stale: u64,
        /// Records that wait for a person (EXCEPTION).
        needs_you: u64,
        /// Calls to the remote systems.
        calls: u64,
        /// The run that this one takes back.
        undoes: Option<String>,
        /// Why it was held, or why it failed, in words.
        message: Option<String>,
    }

    /// A run with its counts.
    pub struct RunDetail {
        summary: RunSummary,
        situations: Vec<Count>,
        actions: Vec<Count>,
        /// What is planned and not begun, by action.
        planned: Vec<Count>,
        /// Each guard and how the plan stands to it.
        guards: Vec<GuardRow>,
        /// Failures by cause, most first.
        causes: Vec<FailureCause>,
        /// What to do about the system that made it fail, when one did.
        trouble: Option<Trouble>,
        /// When it goes on by itself, while it rests.
        resume_at: Option<String>,
        /// The last run that has taken back something of it.
        undone_by: Option<RunSummary>,
    }

    /// A guard and how the plan stands to it.
    pub struct GuardRow {
        name: String,
        limit: String,
        planned: String,
        holds: bool,
        /// An allowance for deletes lets the run go on.
        releasable: bool,
        message: String,
    }

    /// Asks for entries of a run.
    pub struct EntriesRequest {
        id: String,
        #[serde(default)]
        situation: Option<String>,
        #[serde(default)]
        action: Option<String>,
        #[serde(default)]
        failed: bool,
        /// Only those whose record had changed since it was planned, so that the change was not made.
        #[serde(default)]
        stale: bool,
        #[serde(default)]
        search: Option<String>,
        /// The `next` of the page before.
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// One attribute that changes.
    pub struct ChangeRow {
        attribute: String,
        #[ts(type = "unknown")]
        before: Value,
        #[ts(type = "unknown")]
        after: Value,
    }

    /// One record of a run that is not an unchanged CONFIRMED.
    pub struct EntryRow {
        id: String,
        /// A short name of the record for people.
        title: String,
        situation: String,
        meaning: String,
        action: String,
        status: EntryStatus,
        reason: String,
        /// What to do about it, where something is to be done.
        remedy: Option<String>,
        /// The same for a button.
        fix: Option<Fix>,
        link_qualifier: String,
        source_id: Option<String>,
        target_id: Option<String>,
        ambiguous_target_ids: Vec<String>,
        changes: Vec<ChangeRow>,
    }

    /// A page of entries.
    pub struct EntryPage { entries: Vec<EntryRow>, next: Option<String>, total: u64, }

    /// Asks for runs, newest first.
    pub struct RunsRequest {
        #[serde(default)]
        mapping: Option<String>,
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// A page of runs.
    pub struct RunPage { runs: Vec<RunSummary>, next: Option<String>, }

    /// Asks for managed users.
    pub struct UsersRequest {
        /// Words that the searchable attributes start with.
        #[serde(default)]
        search: Option<String>,
        /// A query filter.
        #[serde(default)]
        filter: Option<String>,
        /// A searchable attribute, with `-` before it for descending.
        #[serde(default)]
        sort: Option<String>,
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// A managed user in the list.
    pub struct UserRow {
        id: String,
        rev: String,
        #[ts(type = "Record<string, unknown>")]
        attributes: Value,
    }

    /// A page of managed users.
    pub struct UserPage {
        users: Vec<UserRow>,
        next: Option<String>,
        total: u64,
        /// There are more than `total`: counting the matches of a filter or search ends at 10,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        total_is_least: Option<bool>,
    }

    /// An attribute of the managed user.
    pub struct UserAttribute {
        name: String,
        title: String,
        kind: String,
        required: bool,
        searchable: bool,
        editable: bool,
        /// The policies in words.
        policies: Vec<String>,
    }

    /// The managed user's attributes in form order.
    pub struct UserSchema { attributes: Vec<UserAttribute>, }

    /// A record of another system that a user is linked to.
    pub struct LinkedSystem {
        mapping: String,
        connector: String,
        connector_title: String,
        object_type: String,
        uid: String,
        link_qualifier: String,
        /// The record as last seen.
        #[ts(type = "Record<string, unknown> | null")]
        attributes: Option<Value>,
        seen_at: Option<String>,
    }

    /// How a change of a user stands at one target.
    pub struct SyncResult {
        mapping: String,
        target: String,
        state: SyncState,
        /// What came of it, or why it failed and what to do.
        message: String,
        /// Without what to do.
        reason: String,
        fix: Option<Fix>,
        /// What to do first about the system that it goes to, when that one lets nobody in.
        trouble: Option<Trouble>,
    }

    /// One earlier change of an attribute.
    pub struct HistoryRow {
        at: String,
        who: String,
        attribute: String,
        #[ts(type = "unknown")]
        before: Value,
        #[ts(type = "unknown")]
        after: Value,
        run: Option<String>,
        mapping: Option<String>,
    }

    /// A user with what its editor needs.
    pub struct UserDetail {
        user: UserRow,
        linked: Vec<LinkedSystem>,
        sync: Vec<SyncResult>,
        history: Vec<HistoryRow>,
    }

    /// A user to create or change.
    pub struct UserDraft {
        /// Absent for a new one.
        #[serde(default)]
        id: Option<String>,
        /// The revision that the change is based on; absent takes whatever is there.
        #[serde(default)]
        rev: Option<String>,
        /// The attributes that change; null removes.
        #[ts(type = "Record<string, unknown>")]
        attributes: Value,
    }

    /// A user to delete.
    pub struct UserDelete {
        id: String,
        #[serde(default)]
        rev: Option<String>,
    }

    /// The outcome of a write to a managed user.
    pub struct UserSaved { user: Option<UserRow>, sync: Vec<SyncResult>, }

    /// A policy that a value does not meet.
    pub struct PolicyFailure {
        property: String,
        policy: String,
        message: String,
        /// What the policy asks for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "Record<string, unknown>")]
        params: Option<Value>,
    }

    /// An implicit sync that waits or failed.
    pub struct QueueRow {
        id: String,
        mapping: String,
        /// The managed type of the object.
        kind: String,
        object_id: String,
        title: String,
        change: QueuedChange,
        state: SyncState,
        attempts: u64,
        next_attempt_at: Option<String>,
        /// Why it waits or failed, and what to do about it.
        message: Option<String>,
        /// Only why.
        reason: Option<String>,
        /// What to do about it, where that is known.
        fix: Option<Fix>,
        /// What to do first about the system that it goes to, when that one lets nobody in.
        trouble: Option<Trouble>,
        created: String,
    }

    /// Asks for the queue: what failed first, then what waits, each oldest first.
    pub struct QueueRequest {
        /// The `next` of the page before.
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// A page of the queue of implicit syncs.
    pub struct QueuePage {
        rows: Vec<QueueRow>,
        next: Option<String>,
        /// How many failed, on every page.
        failed: u64,
        /// How many wait, on every page.
        waiting: u64,
    }

    /// What setting up the sample data made.
    pub struct SampleSetup { connector: String, mappings: Vec<String>, url: String, }
}

// What the mapping editor asks for.
dto! {
    /// One end that a mapping can have: a managed object type, or an object type of a connector.
    pub struct ResourceInfo {
        /// `managed/user`, `system/hubspot/contact`.
        path: String,
        title: String,
        object_type: String,
        /// The connector's name; none for the repository.
        connector: Option<String>,
        /// Why it cannot be read now, in words.
        problem: Option<String>,
    }

    /// Names a resource.
    pub struct ByResource { resource: String, }

    /// Asks for a few records of a resource.
    pub struct SampleRequest {
        resource: String,
        /// Words that a record's attributes start with.
        #[serde(default)]
        search: Option<String>,
        /// Attributes that a remote record must bring.
        #[serde(default)]
        attributes: Vec<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// A record to try a mapping with.
    pub struct SampleRecord {
        id: String,
        /// A short name of the record for people.
        title: String,
        #[ts(type = "Record<string, unknown>")]
        attributes: Value,
    }

    /// A few records of a resource.
    pub struct SamplePage { records: Vec<SampleRecord>, }

    /// Asks what the values of some attributes look like.
    pub struct StatsRequest { resource: String, attributes: Vec<String>, }

    /// A value and how often it was seen.
    pub struct ValueCount { value: String, count: u64, }

    /// What the values of an attribute look like in a sample.
    pub struct AttributeStats {
        name: String,
        /// Records of the sample that have a value.
        filled: u64,
        /// Different values.
        distinct: u64,
        /// Characters of the longest value.
        longest: u64,
        /// The commonest values, most first.
        top: Vec<ValueCount>,
    }

    /// What the values of some attributes look like in a bounded sample.
    pub struct ResourceStats {
        /// Records in the sample.
        looked: u64,
        /// Whether the resource has more records than the sample.
        more: bool,
        attributes: Vec<AttributeStats>,
    }

    /// Puts the mappings in this order: all of them, by name.
    pub struct MappingOrder { names: Vec<String>, }

    /// Asks for the first draft of a mapping between two resources.
    pub struct MappingProposalRequest {
        source: String,
        target: String,
        /// The mapping whose links it is to share.
        #[serde(default)]
        links: Option<String>,
    }

    /// A first draft of a mapping to choose from.
    pub struct MappingTemplate {
        id: String,
        label: String,
        help: String,
        #[ts(type = "Record<string, unknown>")]
        config: Value,
    }

    /// First drafts of a mapping, the most useful one first.
    pub struct MappingProposal {
        templates: Vec<MappingTemplate>,
        /// Mappings in the other direction whose links it can share.
        linkable: Vec<String>,
    }

    /// Asks what a mapping, saved or not, would do with one record. Nothing is written.
    pub struct TrialRequest {
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        source_id: String,
        #[serde(default)]
        link_qualifier: Option<String>,
    }

    /// One thing that a property was judged by: its source, its condition, its transform.
    pub struct TrialStep {
        /// `setOn`, `condition`, `source`, `transform`, `whenEmpty`, `pair` or `rule`.
        name: String,
        /// What came of it, in words.
        text: String,
        /// The value after it, where it has one.
        #[ts(type = "unknown")]
        value: Value,
    }

    /// What one property of a mapping gives for a record.
    pub struct TrialRow {
        target: String,
        #[ts(type = "unknown")]
        source: Value,
        #[ts(type = "unknown")]
        before: Value,
        #[ts(type = "unknown")]
        after: Value,
        /// `written`, `cleared`, `unchanged`, `notApplied`, `kept`, `asked` or `failed`.
        outcome: String,
        /// Why it came out so, in a sentence.
        why: String,
        steps: Vec<TrialStep>,
    }

    /// What a mapping would do with one record.
    pub struct Trial {
        source: SampleRecord,
        target: Option<SampleRecord>,
        /// The first few records that correlation finds, where it is asked.
        candidates: Vec<SampleRecord>,
        /// Empty where the mapping does not look at the record.
        situation: String,
        meaning: String,
        action: String,
        /// What would become of it: `planned`, `inSync`, `skipped`, `failed`, `needsYou` or `outside`.
        outcome: String,
        /// How the target was found, or why the record does not qualify.
        why: String,
        /// Why that comes of it, as a run would say it.
        reason: String,
        /// What to do about it.
        remedy: Option<String>,
        /// The same for a button.
        fix: Option<Fix>,
        /// The link qualifiers that the record has, of which the trial is about one.
        qualifiers: Vec<String>,
        /// One for each property, in order.
        properties: Vec<TrialRow>,
        /// What the mapping's scripts would change besides.
        by_scripts: Vec<ChangeRow>,
    }

    /// Asks how many records a mapping's correlation, saved or not, finds.
    pub struct MatchRequest {
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        /// Whose rule; the first of the mapping's, if left out.
        #[serde(default)]
        link_qualifier: Option<String>,
    }

    /// A record and the records of the target that it matches.
    pub struct MatchExample { source: SampleRecord, targets: Vec<SampleRecord>, }

    /// How the records of a bounded sample of the source match.
    pub struct MatchReport {
        /// Records of the source that were looked at.
        looked: u64,
        /// Records of the target that they were compared with.
        compared: u64,
        /// Whether the source or the target has more records than the sample.
        more: bool,
        /// Records that do not qualify for the mapping.
        unqualified: u64,
        /// Records without a value to compare by.
        no_key: u64,
        none: u64,
        one: u64,
        several: u64,
        /// A few of those that match several.
        ambiguous: Vec<MatchExample>,
        /// A few of those that match one.
        matched: Vec<MatchExample>,
    }
}
