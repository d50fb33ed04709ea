//! What a full read has met: one bit for each record of a container, so that marking a record that did not change writes no row
//! and remembering a million of them takes 125 kB.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use crate::{Reader, StoreError, Writer};

/// Bytes of a block.
const BLOCK: usize = 512;
/// Records of a block.
const BITS: i64 = 8 * BLOCK as i64;

/// The records that a full read has met, by their numbers.
#[derive(Debug, Clone)]
pub struct Met {
    /// The read's number: what it wrote bears that.
    pub read: i64,
    blocks: BTreeMap<i64, [u8; BLOCK]>,
    /// Blocks that have changed since they were last kept.
    changed: BTreeSet<i64>,
}

/// Blocks to keep.
pub type MetBlocks = Vec<(i64, Vec<u8>)>;

/// The block, byte and bit of a number.
fn place(number: i64) -> (i64, usize, u8) {
    let within = number.rem_euclid(BITS);
    (number.div_euclid(BITS), usize::try_from(within / 8).unwrap_or(0), 1 << (within % 8))
}

impl Met {
    /// A read that begins.
    pub fn nothing(read: i64) -> Self {
        Self { read, blocks: BTreeMap::new(), changed: BTreeSet::new() }
    }

    /// Marks a record.
    pub fn insert(&mut self, number: i64) {
        let (block, byte, bit) = place(number);
        let bits = self.blocks.entry(block).or_insert([0; BLOCK]);
        if let Some(byte) = bits.get_mut(byte)
            && *byte & bit == 0
        {
            *byte |= bit;
            self.changed.insert(block);
        }
    }

    /// Whether a record is marked.
    pub fn contains(&self, number: i64) -> bool {
        let (block, byte, bit) = place(number);
        self.blocks.get(&block).and_then(|bits| bits.get(byte)).is_some_and(|byte| byte & bit != 0)
    }

    /// How many records are marked.
    pub fn count(&self) -> u64 {
        self.blocks.values().flatten().map(|byte| u64::from(byte.count_ones())).sum()
    }

    /// The blocks that have changed since this was asked last.
    pub fn take_changed(&mut self) -> MetBlocks {
        std::mem::take(&mut self.changed)
            .into_iter()
            .filter_map(|block| Some((block, self.blocks.get(&block)?.to_vec())))
            .collect()
    }
}

impl Reader<'_> {
    /// What an unfinished read of a resource has met so far.
    pub fn met(&self, path: &str, read: i64) -> Result<Met, StoreError> {
        let mut met = Met::nothing(read);
        let Some(container) = self.container(path)? else { return Ok(met) };
        let mut statement = self
            .connection
            .prepare_cached("SELECT block, bits FROM read_mark WHERE container = ?1 AND read = ?2")?;
        let mut rows = statement.query(params![container, read])?;
        while let Some(row) = rows.next()? {
            let bits: Vec<u8> = row.get(1)?;
            let bits = bits
                .try_into()
                .map_err(|_| StoreError::damaged(format!("what read {read} of {path} has met")))?;
            met.blocks.insert(row.get(0)?, bits);
        }
        Ok(met)
    }

    /// The reads that have kept what they met of a resource.
    pub fn kept_reads(&self, path: &str) -> Result<Vec<i64>, StoreError> {
        let Some(container) = self.container(path)? else { return Ok(Vec::new()) };
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT read FROM read_mark WHERE container = ?1")?;
        let rows = statement.query_map([container], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Keeps what a read has met, for a run that takes it up.
    pub fn keep_met(&self, path: &str, read: i64, blocks: &[(i64, Vec<u8>)]) -> Result<(), StoreError> {
        if blocks.is_empty() {
            return Ok(());
        }
        let container = self.ensure_container(path)?;
        let mut keep = self.connection.prepare_cached(
            "INSERT INTO read_mark (container, read, block, bits) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (container, read, block) DO UPDATE SET bits = excluded.bits",
        )?;
        for (block, bits) in blocks {
            keep.execute(params![container, read, block, bits])?;
        }
        Ok(())
    }

    /// Forgets what a read has met: it is through, or will not be taken up.
    pub fn drop_met(&self, path: &str, read: i64) -> Result<(), StoreError> {
        let Some(container) = self.container(path)? else { return Ok(()) };
        self.connection
            .prepare_cached("DELETE FROM read_mark WHERE container = ?1 AND read = ?2")?
            .execute(params![container, read])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{BITS, Met};

    #[test]
    fn a_record_is_met_once_it_is_marked() {
        let mut met = Met::nothing(1);
        let numbers = [1, 2, 8, BITS - 1, BITS, 7 * BITS + 3, i64::MAX, 0, -1];
        for (at, number) in numbers.into_iter().enumerate() {
            assert!(!met.contains(number), "{number}");
            met.insert(number);
            assert!(numbers.iter().take(at + 1).all(|n| met.contains(*n)), "{number}");
        }
        assert!(!met.contains(3) && !met.contains(BITS + 1));
    }

    #[test]
    fn only_blocks_that_changed_are_kept_again() {
        let mut met = Met::nothing(1);
        met.insert(1);
        met.insert(BITS + 1);
        assert_eq!(met.take_changed().iter().map(|(block, _)| *block).collect::<Vec<_>>(), [0, 1]);
        met.insert(1);
        assert!(met.take_changed().is_empty());
        met.insert(2);
        assert_eq!(met.take_changed().len(), 1);
    }
}
