//! The property values of one record, packed into one allocation.
//!
//! A portal may hold a million records, so a map of strings per record would cost more memory than the values.

/// Position of a property in its object type's registry.
pub(crate) type PropertyId = u16;

const HEADER: usize = 6;

/// Repeated `property id (2 bytes), length (4 bytes), UTF-8 text`, in the order of the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(Box<[u8]>);

impl Values {
    /// Packs the values; of two for one property the later wins, an empty one is left out.
    pub(crate) fn pack(mut values: Vec<(PropertyId, &str)>) -> Values {
        values.sort_by_key(|(id, _)| *id);
        let mut bytes = Vec::with_capacity(values.iter().map(|(_, text)| text.len() + HEADER).sum());
        for (at, (id, text)) in values.iter().enumerate() {
            let replaced = values.get(at + 1).is_some_and(|(next, _)| next == id);
            if replaced || text.is_empty() {
                continue;
            }
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&id.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Values(bytes.into_boxed_slice())
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    pub(crate) fn get(&self, wanted: PropertyId) -> Option<&str> {
        self.iter().take_while(|(id, _)| *id <= wanted).find(|(id, _)| *id == wanted).map(|(_, text)| text)
    }

    /// These values with some replaced; an empty string clears.
    pub(crate) fn with<'a>(&'a self, changes: impl IntoIterator<Item = (PropertyId, &'a str)>) -> Values {
        let mut values: Vec<_> = self.iter().collect();
        values.extend(changes);
        Values::pack(values)
    }
}

pub(crate) struct Iter<'a>(&'a [u8]);

impl<'a> Iterator for Iter<'a> {
    type Item = (PropertyId, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (text, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((PropertyId::from_le_bytes(*id), std::str::from_utf8(text).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_wins_and_empty_clears() {
        let values = Values::pack(vec![(7, "seven"), (2, "zwei"), (7, "sieben"), (3, "")]);
        assert_eq!(values.iter().collect::<Vec<_>>(), [(2, "zwei"), (7, "sieben")]);
        let changed = values.with([(2, ""), (5, "Пять 😀")]);
        assert_eq!(changed.iter().collect::<Vec<_>>(), [(5, "Пять 😀"), (7, "sieben")]);
        assert_eq!(changed.get(5), Some("Пять 😀"));
        assert_eq!(changed.get(6), None);
        assert_eq!(changed.get(9), None);
    }
}
