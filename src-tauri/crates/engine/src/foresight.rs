//! What deleting managed objects would do elsewhere, told before it is done.

use std::collections::HashMap;

use model::Attributes;
use store::Entry;

use crate::{Engine, EngineError, Overrides, ends::Prepared, people::followers};

/// What one mapping would make of the deletes.
#[derive(Debug)]
pub struct Foreseen {
    /// The mapping.
    pub mapping: String,
    /// Where it writes.
    pub target: String,
    /// An entry for each object that it has something to do with; or why that cannot be told now.
    pub entries: Result<Vec<Entry>, EngineError>,
}

impl Engine {
    /// What the mappings that carry on changes of these objects would do if the objects were deleted now, by what was last seen
    /// of the other side. Nothing is written and no remote system is asked.
    pub async fn foresee_deletes(&self, kind: &str, ids: &[String]) -> Result<Vec<Foreseen>, EngineError> {
        let (wanted_kind, wanted) = (kind.to_owned(), ids.to_vec());
        let (followers, objects) = self
            .store
            .read(move |r| {
                let mut objects: HashMap<String, Attributes> = HashMap::new();
                for id in wanted {
                    if let Some(object) = r.managed(&wanted_kind, &id)? {
                        objects.insert(id, object.attributes);
                    }
                }
                Ok((followers(r, &wanted_kind)?, objects))
            })
            .await?;
        let there: Vec<String> = ids.iter().filter(|id| objects.contains_key(*id)).cloned().collect();
        let mut foreseen = Vec::new();
        for mapping in followers {
            let entries = match self.prepare_unasked(&mapping.name, &Overrides::default()).await {
                Ok(prepared) => self.entries_without(&prepared, &there, &objects),
                Err(error) => Err(error),
            };
            foreseen.push(Foreseen { mapping: mapping.name, target: mapping.target, entries });
        }
        Ok(foreseen)
    }

    fn entries_without(
        &self,
        prepared: &Prepared,
        ids: &[String],
        objects: &HashMap<String, Attributes>,
    ) -> Result<Vec<Entry>, EngineError> {
        tokio::task::block_in_place(|| self.judged_as_gone(prepared, "", ids, &|id| objects.get(id), None))
    }
}
