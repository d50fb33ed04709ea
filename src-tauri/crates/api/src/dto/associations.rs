//! Which source is linked to which target, for putting links right by hand.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::SampleRecord;

words! {
    /// Which sources.
    pub enum AssociationStanding {
        /// All of them.
        Any,
        /// Those that have a link.
        Linked,
        /// Those that have none.
        Unlinked,
        /// Those whose linked record is gone.
        Dangling,
    }
}

dto! {
    /// Asks for the sources of a saved mapping with what they are linked to.
    pub struct AssociationsRequest {
        mapping: String,
        /// The first of the mapping's, if left out.
        #[serde(default)]
        link_qualifier: Option<String>,
        standing: AssociationStanding,
        /// Words that a source's attributes start with; looks at the source itself and not at what was last seen of it.
        #[serde(default)]
        search: Option<String>,
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// A source and what it is linked to.
    pub struct AssociationRow {
        source: SampleRecord,
        /// The id that its link names.
        target_id: Option<String>,
        /// That record; none where it is gone or was never seen.
        target: Option<SampleRecord>,
        /// The question of the inbox about it.
        question: Option<String>,
        /// Records that match it, by that question.
        candidates: u64,
    }

    /// Sources with what they are linked to, in the order of their ids.
    pub struct AssociationPage {
        rows: Vec<AssociationRow>,
        /// The cursor of the next page. A page may be short and still have one: looking for few among many is bounded.
        next: Option<String>,
        /// The link qualifier that the rows are about.
        link_qualifier: String,
        qualifiers: Vec<String>,
        /// The sources were read now; otherwise they are as they were last seen.
        live: bool,
        /// More fits than a search of a remote system looks through.
        more: bool,
    }

    /// Names records of a resource.
    pub struct NamesRequest { resource: String, ids: Vec<String>, }

    /// Records as people know them.
    pub struct RecordNames {
        /// Those that are there, in the order asked for.
        records: Vec<SampleRecord>,
        /// Why they are only as they were last seen.
        stale: Option<String>,
    }
}
