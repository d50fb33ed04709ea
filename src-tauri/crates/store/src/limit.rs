//! Row limits as SQL takes them.

/// `LIMIT` for at most this many rows.
pub(crate) fn rows_at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// `LIMIT` for a page of this many rows and one more, which tells whether there is a next page.
pub(crate) fn one_more(limit: usize) -> i64 {
    rows_at_most(limit).saturating_add(1)
}
