//! What a policy decides about, and what it decided.

use model::{Action, Situation};
use serde_json::{Value, json};

/// One record in its situation, as policies and their scripts see it.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The mapping.
    pub mapping: &'a str,
    /// The run's `_id`; empty for an implicit sync.
    pub run: &'a str,
    /// The link qualifier.
    pub qualifier: &'a str,
    /// How the record stands.
    pub situation: Situation,
    /// Whether it was judged from its source; else from its target.
    pub from_source: bool,
    /// The source, or null.
    pub source: &'a Value,
    /// The target, or null.
    pub target: &'a Value,
    /// The source's id.
    pub source_id: Option<&'a str>,
    /// The target's id.
    pub target_id: Option<&'a str>,
    /// The targets that it might belong to.
    pub ambiguous: &'a [String],
}

impl Decision<'_> {
    /// IDM's variables of an action script and of a post-action.
    pub(crate) fn variables(&self) -> [(&'static str, Value); 5] {
        let parameters = json!({
            "actionParam": {
                "_action": "performAction",
                "reconId": self.run,
                "mapping": self.mapping,
                "situation": self.situation.as_str(),
                "action": Value::Null,
                "sourceId": self.source_id,
                "linkQualifier": self.qualifier,
                "targetId": self.target_id,
                "ambiguousTargetIds": self.ambiguous,
            }
        });
        [
            ("source", self.source.clone()),
            ("target", self.target.clone()),
            ("sourceAction", Value::from(self.from_source)),
            ("linkQualifier", Value::from(self.qualifier)),
            ("recon", parameters),
        ]
    }
}

/// What is done, and by which policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The action.
    pub action: Action,
    /// The number of the policy among the mapping's, from 0; `None` for the situation's default.
    pub policy: Option<usize>,
}

impl Decided {
    /// The policy's number as it is stored.
    pub fn number(&self) -> Option<i64> {
        self.policy.and_then(|number| i64::try_from(number).ok())
    }
}
