//! Whose turn it is to write a resource.
//!
//! A patch is worked out from what is there. Of many that clients send at the same moment, such as the members of a group one by
//! one, all but the first would find another state than the one they began with.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard};

use super::schema::Kind;

/// Most resources that are written at a time. Two that share a place wait for each other, so whoever has one takes no second.
const PLACES: usize = 64;

pub(crate) struct Turns([Mutex<()>; PLACES]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// Waits for the turn at a resource, in the order of coming. It ends when what is given is dropped.
    pub async fn at(&self, kind: &Kind, id: &str) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        (kind.name, id).hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % PLACES as u64).unwrap_or_default();
        Some(self.0.get(place)?.lock().await)
    }
}
