//! What the programs of the long run have in common: how they mutate, and how they count what their targets take.

use std::sync::atomic::{AtomicU64, Ordering};

static GIVEN: AtomicU64 = AtomicU64::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// Gives an input to a target, and says from time to time how many came past its door: `cargo xtask fuzz` reads the last of it.
pub fn give(target: fn(&[u8]) -> bool, input: &[u8]) {
    if target(input) {
        TAKEN.fetch_add(1, Ordering::Relaxed);
    }
    let given = GIVEN.fetch_add(1, Ordering::Relaxed) + 1;
    if given.is_power_of_two() || given.is_multiple_of(1 << 14) {
        eprintln!("taken: {} of {given}", TAKEN.load(Ordering::Relaxed));
    }
}

/// Mutates in place: every second time a value within a document, where there is one; otherwise as libFuzzer does.
pub fn mutate(data: &mut [u8], size: usize, longest: usize, seed: u32) -> usize {
    if seed.is_multiple_of(2)
        && let Some(made) = data.get(..size).and_then(|input| hostile::mutated(input, seed.into(), longest))
        && let Some(place) = data.get_mut(..made.len())
    {
        place.copy_from_slice(&made);
        return made.len();
    }
    libfuzzer_sys::fuzzer_mutate(data, size, longest)
}

/// Makes the program of a target.
#[macro_export]
macro_rules! target {
    ($target:path) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::give($target, data));

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, longest: usize, seed: u32| {
            $crate::mutate(data, size, longest, seed)
        });
    };
}
