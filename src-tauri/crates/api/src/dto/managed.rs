//! Managed objects of any type, and their types.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::{HistoryRow, LinkedSystem, PolicyFailure, SyncResult, UserRow};

words! {
    /// How much a problem of a type matters.
    pub enum ProblemGravity {
        /// The type cannot be saved like this.
        Refused,
        /// It is saved when somebody says that this is meant.
        Confirm,
        /// Worth knowing.
        Note,
    }
}

dto! {
    /// A managed type in the list.
    pub struct ManagedTypeSummary {
        name: String,
        title: String,
        objects: u64,
        properties: u64,
        /// The attributes whose index is being built.
        indexing: Vec<String>,
        /// The mappings that read or write it.
        mappings: Vec<String>,
    }

    /// A policy of a property.
    pub struct ManagedPolicy {
        id: String,
        #[ts(type = "Record<string, unknown>")]
        params: Value,
        /// For people.
        words: String,
        /// Whether anything here checks it.
        checked: bool,
    }

    /// A property of a managed type, as its document says it.
    pub struct ManagedProperty {
        name: String,
        title: String,
        /// `string`, `number`, `integer`, `boolean`, `array`, `object`, `relationship`; `null` may be beside it.
        types: Vec<String>,
        required: bool,
        searchable: bool,
        unique: bool,
        viewable: bool,
        /// It is computed and never written.
        computed: bool,
        /// It is stored and never shown.
        private: bool,
        /// `hash` or `seal` for values that nobody may read.
        protection: Option<String>,
        #[ts(type = "unknown")]
        default: Value,
        policies: Vec<ManagedPolicy>,
    }

    /// A managed type with what its editor needs.
    pub struct ManagedTypeDetail {
        summary: ManagedTypeSummary,
        /// The revision to save it with.
        rev: String,
        /// The element of IDM's managed.json.
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        /// In form order.
        properties: Vec<ManagedProperty>,
        /// What is worth knowing about it as it stands.
        problems: Vec<TypeProblem>,
        /// The policies that are checked, for choosing one.
        known_policies: Vec<String>,
    }

    /// What stands in the way of a change of a type, or comes of it.
    pub struct TypeProblem {
        gravity: ProblemGravity,
        property: Option<String>,
        message: String,
        /// How many objects it is about.
        objects: Option<u64>,
        /// Some of them, or of their values.
        examples: Vec<String>,
    }

    /// A managed type to create or change.
    pub struct ManagedTypeDraft {
        /// The element of IDM's managed.json.
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        /// Whether it is to be a new one: a type of that name is then left as it is.
        #[serde(default)]
        create: bool,
        /// The revision that the change is based on; absent takes whatever is there.
        #[serde(default)]
        rev: Option<String>,
        /// Whether the consequences are known and meant.
        #[serde(default)]
        confirmed: bool,
    }

    /// What became of a change of a type. It is saved unless a problem is `refused`, or is `confirm` and was not confirmed.
    pub struct ManagedTypeSaved {
        saved: bool,
        problems: Vec<TypeProblem>,
        /// The type as it is now; none where it does not exist.
        detail: Option<ManagedTypeDetail>,
    }

    /// Asks for managed objects.
    pub struct ObjectsRequest {
        /// The managed type.
        kind: String,
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
        /// Counts all matches, however many; otherwise counting ends at 10,000.
        #[serde(default)]
        exact_total: bool,
    }

    /// A page of managed objects.
    pub struct ObjectPage {
        objects: Vec<UserRow>,
        next: Option<String>,
        total: u64,
        /// There are more than `total`.
        total_is_least: bool,
        /// The filter had to look at every object, because none of its attributes is searchable.
        scanned: bool,
    }

    /// Names a managed object.
    pub struct ObjectName { kind: String, id: String, }

    /// A value that is set and that nobody may read.
    pub struct ProtectedValue { attribute: String, title: String, updated: String, }

    /// A managed object with what its editor needs.
    pub struct ObjectDetail {
        object: UserRow,
        linked: Vec<LinkedSystem>,
        sync: Vec<SyncResult>,
        protected: Vec<ProtectedValue>,
    }

    /// A managed object to create or change.
    pub struct ObjectDraft {
        kind: String,
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

    /// A managed object to delete.
    pub struct ObjectDelete {
        kind: String,
        id: String,
        #[serde(default)]
        rev: Option<String>,
    }

    /// The outcome of a write to a managed object: the object as it is now, or as it was before it was deleted.
    pub struct ObjectSaved { object: UserRow, created: bool, sync: Vec<SyncResult>, }

    /// Asks for the history of a managed object, newest first.
    pub struct HistoryRequest {
        kind: String,
        id: String,
        /// Only what was done to this one.
        #[serde(default)]
        attribute: Option<String>,
        #[serde(default)]
        after: Option<String>,
        /// Changes, each of which may be of several attributes.
        #[serde(default)]
        limit: Option<u32>,
    }

    /// A page of an object's history.
    pub struct HistoryPage { rows: Vec<HistoryRow>, next: Option<String>, }

    /// Asks what an object would be refused for, without writing it.
    pub struct ValidateRequest {
        kind: String,
        /// The object that it stands for, which may keep its unique values.
        #[serde(default)]
        id: Option<String>,
        #[ts(type = "Record<string, unknown>")]
        object: Value,
        /// Only this property; absent judges the whole object.
        #[serde(default)]
        property: Option<String>,
    }

    /// What an object would be refused for.
    pub struct Validation {
        /// Whether it would be taken.
        result: bool,
        /// In IDM's shape.
        #[ts(type = "Array<{ property: string; policyRequirements: Array<{ policyRequirement: string; params: Record<string, unknown> }> }>")]
        failed_policy_requirements: Value,
        /// The same for people.
        policies: Vec<PolicyFailure>,
        /// Policies of the type that nothing here checks.
        unchecked: Vec<String>,
    }
}

dto! {
    /// Claims of WSO2 Identity Server, to be brought into a managed type that is being edited.
    pub struct ClaimsApply {
        /// What WSO2's claim API answers (JSON), a claim-config.xml, or a table (CSV).
        text: String,
        #[ts(type = "Record<string, unknown>")]
        config: Value,
    }

    /// The type with the claims in it. Nothing is saved by that.
    pub struct ClaimsApplied {
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        claims: Vec<ClaimTaken>,
    }

    /// What became of one claim.
    pub struct ClaimTaken {
        /// The claim's URI.
        claim: String,
        /// The attribute that stands for it; none where it was left out.
        attribute: Option<String>,
        /// What changes, in words.
        changes: Vec<String>,
        /// What of it cannot be done here, and why.
        notes: Vec<String>,
    }
}
