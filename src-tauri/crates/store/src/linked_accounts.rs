//! The accounts that the links of a type were made in. Two accounts of one provider have one address, and often the same ids
//! for other people.

use std::collections::BTreeMap;

use crate::{Reader, StoreError, Writer};

fn setting_of(kind: &str) -> String {
    format!("linkedAccounts/{kind}")
}

impl Reader<'_> {
    /// The accounts that the links of a type lead into, as far as they are known, by resource; none where nothing is linked.
    pub fn linked_accounts(&self, kind: &str) -> Result<BTreeMap<String, String>, StoreError> {
        if self.link_qualifiers(kind)?.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Some(text) = self.setting(&setting_of(kind))? else { return Ok(BTreeMap::new()) };
        serde_json::from_str(&text)
            .map_err(|e| StoreError::damaged(format!("the accounts of the links of `{kind}` ({e})")))
    }
}

impl Writer<'_> {
    /// Notes the accounts that the links of a type lead into from now on.
    pub fn set_linked_accounts(
        &self,
        kind: &str,
        accounts: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(accounts).map_err(StoreError::damaged)?;
        self.set_setting(&setting_of(kind), &text)
    }

    /// Forgets the accounts of links that are forgotten.
    pub(crate) fn forget_linked_accounts(&self, kind: &str) -> Result<(), StoreError> {
        self.remove_setting(&setting_of(kind))
    }
}
