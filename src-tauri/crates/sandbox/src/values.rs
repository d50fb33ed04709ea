//! The stored values of one record, packed into one allocation.
//!
//! A stand-in may hold a million records, most of whose fields are empty, so a map of strings per record would cost more
//! memory than the values.

use std::marker::PhantomData;

/// The place of a field or property in its type's list.
pub(crate) trait Place: Copy + Ord {
    fn put(self, bytes: &mut Vec<u8>);
    /// The place at the beginning of `bytes`, and what follows it.
    fn take(bytes: &[u8]) -> Option<(Self, &[u8])>;
}

impl Place for u8 {
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(self);
    }

    fn take(bytes: &[u8]) -> Option<(u8, &[u8])> {
        bytes.split_first().map(|(place, rest)| (*place, rest))
    }
}

impl Place for u16 {
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }

    fn take(bytes: &[u8]) -> Option<(u16, &[u8])> {
        bytes.split_first_chunk().map(|(place, rest)| (u16::from_le_bytes(*place), rest))
    }
}

/// Repeated `place, length (4 bytes), UTF-8 text`, in the order of the places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Values<P> {
    bytes: Box<[u8]>,
    places: PhantomData<P>,
}

impl<P> Default for Values<P> {
    fn default() -> Values<P> {
        Values { bytes: Box::default(), places: PhantomData }
    }
}

impl<P: Place> Values<P> {
    /// Packs the values; of two for one place the later wins, an empty one is left out.
    pub(crate) fn pack(mut values: Vec<(P, &str)>) -> Values<P> {
        values.sort_by_key(|(place, _)| *place);
        let header = size_of::<P>() + 4;
        let mut bytes = Vec::with_capacity(values.iter().map(|(_, text)| text.len() + header).sum());
        let mut rest = values.iter().peekable();
        while let Some((place, text)) = rest.next() {
            let replaced = rest.peek().is_some_and(|(next, _)| next == place);
            if replaced || text.is_empty() {
                continue;
            }
            place.put(&mut bytes);
            bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Values { bytes: bytes.into_boxed_slice(), places: PhantomData }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (P, &str)> {
        self.entries().filter_map(|(place, text)| Some((place, std::str::from_utf8(text).ok()?)))
    }

    pub(crate) fn get(&self, wanted: P) -> Option<&str> {
        let mut until = self.entries().take_while(|(place, _)| *place <= wanted);
        let (_, text) = until.find(|(place, _)| *place == wanted)?;
        std::str::from_utf8(text).ok()
    }

    /// These values with some replaced; an empty string clears.
    pub(crate) fn with<'a>(&'a self, changes: impl IntoIterator<Item = (P, &'a str)>) -> Values<P> {
        let mut values: Vec<_> = self.iter().collect();
        values.extend(changes);
        Values::pack(values)
    }

    fn entries(&self) -> Entries<'_, P> {
        Entries { bytes: &self.bytes, places: PhantomData }
    }
}

/// The entries as bytes: a look-up passes over most of them, and need not check what it does not give.
struct Entries<'a, P> {
    bytes: &'a [u8],
    places: PhantomData<P>,
}

impl<'a, P: Place> Iterator for Entries<'a, P> {
    type Item = (P, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (place, rest) = P::take(self.bytes)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        self.bytes = rest;
        Some((place, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later_wins_and_empty_clears<P: Place + From<u8> + std::fmt::Debug>() {
        let at = |place: u8, text: &'static str| (P::from(place), text);
        let values = Values::pack(vec![at(7, "seven"), at(2, "zwei"), at(7, "sieben"), at(3, "")]);
        assert_eq!(values.iter().collect::<Vec<_>>(), [at(2, "zwei"), at(7, "sieben")]);
        let changed = values.with([at(2, ""), at(5, "Пять 😀")]);
        assert_eq!(changed.iter().collect::<Vec<_>>(), [at(5, "Пять 😀"), at(7, "sieben")]);
        let got = [5, 6, 9].map(|place: u8| changed.get(place.into()));
        assert_eq!(got, [Some("Пять 😀"), None, None]);
    }

    #[test]
    fn places_of_either_size() {
        later_wins_and_empty_clears::<u8>();
        later_wins_and_empty_clears::<u16>();
    }
}
