//! How many tests passed and failed, read from what the test programs say.

use std::ops::AddAssign;

/// Tests by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ended well.
    pub passed: u64,
    /// Failed, timed out, or never came to their turn.
    pub failed: u64,
    /// Left out by their own wish.
    pub skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Who tells the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teller {
    /// `cargo nextest run`: `Summary [   1.2s] 9 tests run: 7 passed (1 slow), 2 failed, 1 skipped`
    Nextest,
    /// `cargo test`: `test result: ok. 7 passed; 0 failed; 1 ignored; ...`, once per test program
    Libtest,
    /// `vitest run`: `Tests  2 failed | 7 passed | 1 skipped (10)`
    Vitest,
    /// `playwright test`: `  7 passed (4.2s)`, `  2 failed` and others, each on a line
    Playwright,
    /// The scripts of `tests/conformance`: `7 passed, 2 failed`, their last line
    Checks,
}

impl Teller {
    /// The counts, unless nothing was counted.
    pub fn read(self, said: &str) -> Option<Counts> {
        let lines = said.lines().map(str::trim);
        let found: Vec<Counts> = match self {
            Self::Nextest => lines.filter_map(nextest).collect(),
            Self::Libtest => {
                lines.filter_map(|line| Some(tally(line.strip_prefix("test result: ")?))).collect()
            }
            Self::Vitest => lines.filter_map(vitest).collect(),
            Self::Playwright => lines.filter_map(playwright).collect(),
            Self::Checks => lines.filter_map(checks).collect(),
        };
        if found.is_empty() {
            return None;
        }
        let mut sum = Counts::default();
        found.into_iter().for_each(|counts| sum += counts);
        Some(sum)
    }
}

fn nextest(line: &str) -> Option<Counts> {
    let (_, summary) = line.strip_prefix("Summary [")?.split_once(']')?;
    let (run, ends) = summary.split_once(" run:")?;
    let mut counts = tally(ends);
    // "9/12 tests": some never came to their turn. Whatever else the ends are called, what did not pass failed.
    let all = run.split_whitespace().next()?.rsplit('/').next()?.parse::<u64>().ok()?;
    counts.failed = all.saturating_sub(counts.passed);
    Some(counts)
}

fn vitest(line: &str) -> Option<Counts> {
    let ends = line.strip_prefix("Tests ")?;
    // A test with this word in its name is not the summary, which ends with the sum.
    ends.trim_end().ends_with(')').then(|| tally(ends))
}

fn checks(line: &str) -> Option<Counts> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Counts { passed: passed.parse().ok()?, failed: failed.parse().ok()?, skipped: 0 })
}

fn playwright(line: &str) -> Option<Counts> {
    let (number, end) = line.split_once(' ')?;
    let number = number.parse::<u64>().ok()?;
    // "7 passed (4.2s)"
    let end = end.split_once(" (").map_or(end, |(end, _)| end);
    match end {
        "passed" | "failed" | "flaky" | "skipped" | "did not run" | "interrupted" => Some(count(number, end)),
        _ => None,
    }
}

/// Every number with the word after it.
fn tally(ends: &str) -> Counts {
    let mut sum = Counts::default();
    let words: Vec<&str> =
        ends.split([' ', ',', ';', '|', '(', ')']).filter(|word| !word.is_empty()).collect();
    for pair in words.windows(2) {
        if let [number, end] = pair
            && let Ok(number) = number.parse()
        {
            sum += count(number, end);
        }
    }
    sum
}

fn count(number: u64, end: &str) -> Counts {
    match end {
        "passed" => Counts { passed: number, ..Counts::default() },
        // A test that passes now and then does not pass.
        "failed" | "flaky" | "did not run" | "interrupted" => Counts { failed: number, ..Counts::default() },
        "skipped" | "ignored" | "todo" => Counts { skipped: number, ..Counts::default() },
        _ => Counts::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(teller: Teller, said: &str, expected: Option<(u64, u64, u64)>) {
        let expected = expected.map(|(passed, failed, skipped)| Counts { passed, failed, skipped });
        assert_eq!(teller.read(said), expected, "{said}");
    }

    #[test]
    fn nextest() {
        let with = |summary: &str| {
            format!("        PASS [   0.005s] xtask counts::tests::a\n------------\n     {summary}\n")
        };
        for (summary, expected) in [
            ("Summary [   0.123s] 10 tests run: 10 passed, 2 skipped", Some((10, 0, 2))),
            ("Summary [   0.123s] 1 test run: 1 passed, 0 skipped", Some((1, 0, 0))),
            (
                "Summary [  61.000s] 10 tests run: 8 passed (1 slow, 1 leaky), 2 failed, 0 skipped",
                Some((8, 2, 0)),
            ),
            (
                "Summary [  61.000s] 10 tests run: 7 passed, 1 failed, 1 exec failed, 1 timed out, 5 skipped",
                Some((7, 3, 5)),
            ),
            ("Summary [   5.000s] 4/12 tests run: 3 passed, 1 failed, 0 skipped", Some((3, 9, 0))),
            ("Summary [   0.000s] 0 tests run: 0 passed, 0 skipped", Some((0, 0, 0))),
            ("error: could not compile `engine` (lib) due to 3 previous errors", None),
        ] {
            check(Teller::Nextest, &with(summary), expected);
        }
    }

    #[test]
    fn libtest_adds_up_its_programs() {
        let said = "running 3 tests\n...\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.00s\n\
            test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n";
        check(Teller::Libtest, said, Some((7, 2, 1)));
        check(Teller::Libtest, "error: no library targets found", None);
    }

    #[test]
    fn vitest() {
        for (said, expected) in [
            (
                " Test Files  2 passed (2)\n      Tests  14 passed (14)\n   Start at  10:00:00\n",
                Some((14, 0, 0)),
            ),
            (
                " Test Files  1 failed | 1 passed (2)\n      Tests  1 failed | 12 passed | 1 skipped (14)\n",
                Some((12, 1, 1)),
            ),
            ("      Tests  1 passed | 2 todo (3)\n", Some((1, 0, 2))),
            ("      Tests  no tests\n", None),
            (" Test Files  no tests\n", None),
        ] {
            check(Teller::Vitest, said, expected);
        }
    }

    #[test]
    fn playwright() {
        for (said, expected) in [
            ("Running 3 tests using 2 workers\n\n  3 passed (5.2s)\n", Some((3, 0, 0))),
            (
                "  1 failed\n    [chromium] \u{203a} story.spec.ts:3:1 \u{203a} story\n  1 flaky\n  2 did not run\n  1 skipped\n  5 passed (1.5m)\n",
                Some((5, 4, 1)),
            ),
            ("  ok 2 story.spec.ts:3:1 \u{203a} 12 passed records (1s)\n", None),
            ("  1 interrupted\n  2 passed (1s)\n", Some((2, 1, 0))),
            ("Error: No tests found\n", None),
        ] {
            check(Teller::Playwright, said, expected);
        }
    }

    #[test]
    fn checks_of_the_conformance_scripts() {
        for (said, expected) in [
            ("ok a\nFAILED b: 3 passed, 4 failed to\n7 passed, 2 failed\n", Some((7, 2, 0))),
            ("ok 3 passed, 4 failed\n", None),
            ("ok a\n", None),
        ] {
            check(Teller::Checks, said, expected);
        }
    }
}
