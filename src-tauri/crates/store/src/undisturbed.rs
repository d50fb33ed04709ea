//! Whether all targets of a mapping are as they were judged. A look at each of them costs a quarter of a recon that has
//! nothing to do, so the repository counts what could have changed the answer, and looks again only after that.

use std::cell::{Cell, RefCell};

use model::ResourcePath;
use rusqlite::{OptionalExtension as _, params};

use crate::{Hash, NewLink, Reader, Store, StoreError, Walk, Writer};

/// What a transaction did that could end the peace.
#[derive(Default)]
pub(crate) struct Disturbance {
    happened: Cell<bool>,
    /// A managed object was changed or removed.
    objects: Cell<bool>,
    /// The managed object that was made last, and its hash.
    made: RefCell<Option<(String, Hash)>>,
}

impl Disturbance {
    /// A managed object was changed or removed.
    pub fn changed(&self) {
        self.happened.set(true);
        self.objects.set(true);
    }

    /// A managed object was made: nobody can have judged it before.
    pub fn made(&self, id: &str, hash: Hash) {
        self.made.replace(Some((id.to_owned(), hash)));
    }

    /// A link was stamped. What it says of a target that was made just now is so; of others it may be out of date.
    pub fn stamped(&self, link: &NewLink) {
        let made = self.made.borrow();
        let stands = made
            .as_ref()
            .is_some_and(|(id, hash)| *id == link.target_id && link.target_hash.as_ref() == Some(hash));
        if !stands {
            self.happened.set(true);
        }
    }
}

impl Store {
    /// Whether every target that this version of the mapping has judged is as it was then: [`Reader::targets_stand`], which
    /// is not asked again while nothing happened that could change its answer. Blocks.
    pub fn targets_stand(&self, walk: &Walk) -> Result<bool, StoreError> {
        // A mirror's rows are narrow: there is little to gain.
        if !matches!(walk.target, ResourcePath::Managed(_)) {
            return self.read_blocking(|r| r.targets_stand(walk));
        }
        let (stand, news) = self.read_blocking(|r| {
            let now = r.disturbances()?;
            if r.undisturbed_at(walk)? == Some(now) {
                return Ok((true, None));
            }
            let stand = r.targets_stand(walk)?;
            Ok((stand, stand.then_some(now)))
        })?;
        if let Some(at) = news {
            let walk = walk.clone();
            self.write_blocking(move |w| w.note_undisturbed(&walk, at))?;
        }
        Ok(stand)
    }
}

impl Reader<'_> {
    fn disturbances(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT count FROM disturbance")?
            .query_row([], |row| row.get(0))?)
    }

    /// How many transactions have changed or removed managed objects.
    pub(crate) fn object_changes(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT objects FROM disturbance")?
            .query_row([], |row| row.get(0))?)
    }

    fn undisturbed_at(&self, walk: &Walk) -> Result<Option<i64>, StoreError> {
        let links = &walk.links;
        Ok(self
            .connection
            .prepare_cached(
                "SELECT at FROM undisturbed WHERE type = ?1 AND qualifier = ?2 AND direction = ?3 AND version = ?4",
            )?
            .query_row(
                params![links.kind, links.qualifier, links.orientation.version_column(), walk.version],
                |row| row.get(0),
            )
            .optional()?)
    }
}

impl Writer<'_> {
    fn note_undisturbed(&self, walk: &Walk, at: i64) -> Result<(), StoreError> {
        let links = &walk.links;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO undisturbed VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                links.kind,
                links.qualifier,
                links.orientation.version_column(),
                walk.version,
                at
            ])?;
        Ok(())
    }

    /// Counts what this transaction did. It comes last in it.
    pub(crate) fn count_disturbance(&self) -> Result<(), StoreError> {
        if self.disturbance.happened.get() {
            self.connection
                .prepare_cached("UPDATE disturbance SET count = count + 1, objects = objects + ?1")?
                .execute([self.disturbance.objects.get()])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::{Attributes, ManagedObjectConfig};
    use serde_json::json;

    use super::*;
    use crate::{LinkSpace, ManagedWrite, Orientation};

    const AT: &str = "2026-01-02T03:04:05Z";

    #[test]
    fn a_first_load_disturbs_nobody_and_everything_else_counts_once_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let count = |work: fn(&Writer<'_>) -> Result<(), StoreError>| {
            let before = store.read_blocking(|r| r.disturbances()).unwrap();
            store.write_blocking(work).unwrap();
            store.read_blocking(|r| r.disturbances()).unwrap() - before
        };
        let load = count(|w| {
            for id in ["a", "b", "c"] {
                w.insert_managed(&user(&config(), id, [1; 16]), AT)?;
                w.put_link(&link(id, [1; 16]), AT)?;
            }
            w.insert_managed(&user(&config(), "d", [1; 16]), AT)
        });
        assert_eq!(load, 0);
        assert_eq!(
            count(|w| w.put_link(&link("d", [1; 16]), AT)),
            1,
            "it may have changed since it was made"
        );
        let wrong = count(|w| {
            w.insert_managed(&user(&config(), "e", [1; 16]), AT)?;
            w.put_link(&link("e", [2; 16]), AT)
        });
        assert_eq!(wrong, 1, "it was made otherwise than the link says");
        let changes = count(|w| {
            w.update_managed(&user(&config(), "a", [2; 16]), 1, AT)?;
            w.delete_managed("user", "b", None)
        });
        assert_eq!(changes, 1);
        assert_eq!(count(|w| w.delete_managed("user", "c", None)), 1);
    }

    fn config() -> ManagedObjectConfig {
        serde_json::from_value(json!({"name": "user", "schema": {"properties": {}}})).unwrap()
    }

    fn user<'a>(config: &'a ManagedObjectConfig, id: &'a str, hash: Hash) -> ManagedWrite<'a> {
        static NOTHING: std::sync::LazyLock<Attributes> = std::sync::LazyLock::new(Attributes::new);
        ManagedWrite { config, id, attributes: &NOTHING, hash }
    }

    fn link(id: &str, hash: Hash) -> NewLink {
        NewLink {
            space: LinkSpace {
                kind: "hub".into(),
                qualifier: "default".into(),
                orientation: Orientation::Forward,
            },
            source_id: format!("of {id}"),
            target_id: id.to_owned(),
            source_hash: Some([0; 16]),
            target_hash: Some(hash),
            version: 1,
            base_source: Attributes::new(),
            base_target: Attributes::new(),
        }
    }
}
