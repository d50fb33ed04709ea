//! What a connector's document denies in IDM's `operationOptions`: such a write is never sent. What becomes of the record is
//! its `onDeny`, which a plan heeds; whoever asks for the write all the same is refused here.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use model::{Attributes, ConnectorConfig};
use serde_json::Value;

use crate::{
    ConnectorError,
    port::{
        Change, Changes, Connector, Creation, Descriptor, Feed, ObjectTypeSchema, OnDeny, Outcome, Pages,
        RemoteObject, Search, TestReport, Usage, Write,
    },
};

/// A connector that refuses what its document denies.
struct Denying {
    inner: Arc<dyn Connector>,
    create: Denial,
    update: Denial,
    delete: Denial,
}

/// For which object types an operation is denied.
struct Denial {
    operation: Write,
    /// For those that are not named.
    others: Option<OnDeny>,
    named: HashMap<String, Option<OnDeny>>,
}

impl Denial {
    /// IDM names a type by its native type, which may be the name that resource paths have.
    fn of(config: &ConnectorConfig, operation: Write) -> Self {
        let options = config.rest.get("operationOptions").and_then(|all| all.get(operation.as_str()));
        let word = |options: Option<&Value>| {
            let word = options.and_then(|options| options.get("onDeny")).and_then(Value::as_str)?;
            Some(if word == "THROW_EXCEPTION" { OnDeny::Throw } else { OnDeny::DoNothing })
        };
        let denied = |options: Option<&Value>| options.and_then(|o| o.get("denied")).and_then(Value::as_bool);
        // A type says for itself what it does not take from the operation.
        let (all_denied, all_do) =
            (denied(options).unwrap_or(false), word(options).unwrap_or(OnDeny::DoNothing));
        let others = all_denied.then_some(all_do);
        let features = options.and_then(|o| o.get("objectFeatures")).and_then(Value::as_object);
        let mut named: HashMap<String, Option<OnDeny>> = features
            .into_iter()
            .flatten()
            .map(|(name, feature)| {
                let denied = denied(Some(feature)).unwrap_or(all_denied);
                (name.clone(), denied.then(|| word(Some(feature)).unwrap_or(all_do)))
            })
            .collect();
        let types = config.rest.get("objectTypes").and_then(Value::as_object);
        for (name, object_type) in types.into_iter().flatten() {
            let native = object_type.get("nativeType").and_then(Value::as_str);
            if let Some(denied) = native.and_then(|native| named.get(native).copied()) {
                named.entry(name.clone()).or_insert(denied);
            }
        }
        Self { operation, others, named }
    }

    fn says_nothing(&self) -> bool {
        self.others.is_none() && self.named.values().all(Option::is_none)
    }

    fn on(&self, object_type: &str) -> Option<OnDeny> {
        self.named.get(object_type).copied().unwrap_or(self.others)
    }

    /// The refusal of so many records, where they are of a type that is denied.
    fn refuses(&self, object_type: &str, records: usize) -> Option<Vec<Outcome>> {
        self.on(object_type).map(|_| {
            let operation = self.operation.as_str();
            let reason = format!(
                "the connector's operationOptions deny {operation} of {object_type}; nothing was sent. Give the mapping a policy that \
                 does not ask for it, or take the denial out of the connector's document"
            );
            vec![Outcome::Rejected { reason, attribute: None }; records]
        })
    }
}

/// The connector, behind what its document denies.
pub(crate) fn guarded(config: &ConnectorConfig, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
    let [create, update, delete] =
        [Write::Create, Write::Update, Write::Delete].map(|operation| Denial::of(config, operation));
    if [&create, &update, &delete].iter().all(|denial| denial.says_nothing()) {
        return inner;
    }
    Arc::new(Denying { inner, create, update, delete })
}

#[async_trait]
impl Connector for Denying {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        self.inner.test().await
    }

    async fn account(&self) -> Result<Option<String>, ConnectorError> {
        self.inner.account().await
    }

    fn canonical_id(&self, id: String) -> String {
        self.inner.canonical_id(id)
    }

    fn keeps_alike(&self, object_type: &str, attribute: &str, a: &Value, b: &Value) -> bool {
        self.inner.keeps_alike(object_type, attribute, a, b)
    }

    fn fills_in(&self, object_type: &str, attribute: &str) -> bool {
        self.inner.fills_in(object_type, attribute)
    }

    fn delete_writes(&self, object_type: &str) -> Option<Attributes> {
        self.inner.delete_writes(object_type)
    }

    fn denies(&self, object_type: &str, write: Write) -> Option<OnDeny> {
        let denial = match write {
            Write::Create => &self.create,
            Write::Update => &self.update,
            Write::Delete => &self.delete,
        };
        denial.on(object_type)
    }

    async fn revoke(&self) -> Result<(), ConnectorError> {
        self.inner.revoke().await
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        self.inner.schema(object_type).await
    }

    fn search(&self, search: Search) -> Pages<'_> {
        self.inner.search(search)
    }

    fn changes(&self, feed: Feed) -> Changes<'_> {
        self.inner.changes(feed)
    }

    async fn read(
        &self,
        object_type: &str,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.inner.read(object_type, uids, attributes).await
    }

    async fn moved(
        &self,
        object_type: &str,
        uids: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        self.inner.moved(object_type, uids).await
    }

    async fn find_by_key(
        &self,
        object_type: &str,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.inner.find_by_key(object_type, values, attributes).await
    }

    async fn under_way(&self, object_type: &str) -> Result<Option<String>, ConnectorError> {
        self.inner.under_way(object_type).await
    }

    async fn create(&self, object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        match self.create.refuses(object_type, batch.len()) {
            Some(refused) => refused,
            None => self.inner.create(object_type, batch).await,
        }
    }

    async fn update(&self, object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        match self.update.refuses(object_type, batch.len()) {
            Some(refused) => refused,
            None => self.inner.update(object_type, batch).await,
        }
    }

    async fn delete(&self, object_type: &str, uids: &[String]) -> Vec<Outcome> {
        match self.delete.refuses(object_type, uids.len()) {
            Some(refused) => refused,
            None => self.inner.delete(object_type, uids).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Denial, OnDeny, Write};

    #[test]
    fn a_denial_holds_for_the_types_that_it_means() {
        let config = serde_json::from_value(json!({
            "name": "crm",
            "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
            "configurationProperties": {},
            "objectTypes": {"contact": {"nativeType": "__ACCOUNT__"}, "company": {"nativeType": "company"}},
            "operationOptions": {
                "CREATE": {"denied": true, "onDeny": "DO_NOTHING", "objectFeatures": {"company": {"denied": false}}},
                "UPDATE": {"onDeny": "THROW_EXCEPTION", "objectFeatures": {
                    "__ACCOUNT__": {"denied": true}, "company": {}, "deal": {"denied": true, "onDeny": "DO_NOTHING"},
                }},
                "DELETE": {"denied": false},
                "SYNC": {"denied": true},
            },
        }))
        .unwrap();
        for (operation, object_type, denied) in [
            (Write::Create, "contact", Some(OnDeny::DoNothing)),
            (Write::Create, "company", None),
            (Write::Update, "contact", Some(OnDeny::Throw)),
            (Write::Update, "company", None),
            (Write::Update, "deal", Some(OnDeny::DoNothing)),
            (Write::Delete, "contact", None),
        ] {
            let denial = Denial::of(&config, operation);
            assert_eq!(denial.on(object_type), denied, "{operation:?} {object_type}");
            let refused = denial.refuses(object_type, 2);
            assert_eq!(
                refused.map(|outcomes| outcomes.len()),
                denied.map(|_| 2),
                "{operation:?} {object_type}"
            );
        }
        assert!(Denial::of(&config, Write::Delete).says_nothing());
    }
}
