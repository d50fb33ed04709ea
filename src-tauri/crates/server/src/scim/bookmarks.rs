//! Where the pages of lists ended. SCIM counts places, and whoever reads a list page by page would have it walked anew from its
//! start for each of them.

use std::sync::{Mutex, PoisonError};

/// Lists that are read at a time.
const KEPT: usize = 64;

/// The pages that were given last, one of each list.
#[derive(Default)]
pub(crate) struct Bookmarks(Mutex<Vec<Bookmark>>);

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bookmark {
    /// What is listed, in which order, of which state of the repository.
    pub list: String,
    /// So many stand before it.
    pub place: usize,
    /// So many there are.
    pub total: usize,
    /// What the repository goes on from.
    pub after: String,
}

impl Bookmarks {
    /// The page of this list that ended just before a place.
    pub fn before(&self, list: &str, place: usize) -> Option<Bookmark> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|bookmark| bookmark.list == list && bookmark.place == place)
            .cloned()
    }

    /// The one that was put last.
    #[cfg(test)]
    pub fn last(&self) -> Option<Bookmark> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// Remembers where a page ended, in the place of the one before it.
    pub fn put(&self, bookmark: Bookmark) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|old| old.list != bookmark.list);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(bookmark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(list: &str, place: usize) -> Bookmark {
        Bookmark { list: list.into(), place, total: 1_000, after: format!("{list} {place}") }
    }

    #[test]
    fn the_last_page_of_each_of_some_lists_is_known() {
        let bookmarks = Bookmarks::default();
        bookmarks.put(page("users", 100));
        bookmarks.put(page("users", 200));
        assert_eq!(bookmarks.before("users", 200), Some(page("users", 200)));
        for (list, place) in [("users", 100), ("users", 300), ("groups", 200)] {
            assert_eq!(bookmarks.before(list, place), None, "{list} {place}");
        }
        for n in 0..KEPT {
            bookmarks.put(page(&n.to_string(), 1));
        }
        assert_eq!(bookmarks.before("users", 200), None);
        assert!(bookmarks.before("0", 1).is_some());
    }
}
