//! The stored values of one record, packed into one allocation.
//!
//! An org may hold several hundred thousand records of some sixty fields, most of them empty.

use super::catalogue::FieldId;

/// Repeated `field (1 byte), length (4 bytes), UTF-8 text`, in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(Box<[u8]>);

const HEADER: usize = 5;

impl Values {
    /// Packs the values; of two for one field the later wins, an empty one is left out.
    pub(crate) fn pack(mut values: Vec<(FieldId, &str)>) -> Values {
        values.sort_by_key(|(id, _)| *id);
        let mut bytes = Vec::with_capacity(values.iter().map(|(_, text)| text.len() + HEADER).sum());
        let mut rest = values.iter().peekable();
        while let Some((id, text)) = rest.next() {
            let replaced = rest.peek().is_some_and(|(next, _)| next == id);
            if replaced || text.is_empty() {
                continue;
            }
            bytes.push(*id);
            bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Values(bytes.into_boxed_slice())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (FieldId, &str)> {
        Entries(&self.0).filter_map(|(id, text)| Some((id, std::str::from_utf8(text).ok()?)))
    }

    pub(crate) fn get(&self, wanted: FieldId) -> Option<&str> {
        let mut entries = Entries(&self.0);
        let (_, text) = entries.by_ref().take_while(|(id, _)| *id <= wanted).find(|(id, _)| *id == wanted)?;
        std::str::from_utf8(text).ok()
    }

    /// These values with some replaced; an empty string clears.
    pub(crate) fn with<'a>(&'a self, changes: impl IntoIterator<Item = (FieldId, &'a str)>) -> Values {
        let mut values: Vec<_> = self.iter().collect();
        values.extend(changes);
        Values::pack(values)
    }
}

/// The entries as bytes: a look-up passes over most of them, and need not check what it does not give.
struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = (FieldId, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        self.0 = rest;
        Some((*id, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_value_wins_and_an_empty_one_clears() {
        let values = Values::pack(vec![(7, "seven"), (2, "zwei"), (7, "sieben"), (3, "")]);
        assert_eq!(values.iter().collect::<Vec<_>>(), [(2, "zwei"), (7, "sieben")]);
        let changed = values.with([(2, ""), (5, "Пять 😀")]);
        assert_eq!(changed.iter().collect::<Vec<_>>(), [(5, "Пять 😀"), (7, "sieben")]);
        assert_eq!((changed.get(5), changed.get(6), changed.get(9)), (Some("Пять 😀"), None, None));
    }
}
