//! SOQL: reading queries, finding the records they mean, and showing them.

pub(crate) mod lexer;
pub(crate) mod parser;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod show;

use super::problem::Problem;

/// A query that Salesforce refuses, with the place where it went wrong.
pub(crate) fn refuse(code: &str, soql: &str, at: usize, message: &str) -> Problem {
    let mut starts = soql.char_indices().rev().map(|(start, _)| start);
    let from = starts.find(|start| *start <= at.saturating_sub(30));
    let shown: String = soql.get(from.unwrap_or(0)..).unwrap_or_default().chars().take(60).collect();
    let column = soql.get(..at).map_or(0, |before| before.chars().count()) + 1;
    let pad = " ".repeat(soql.get(from.unwrap_or(0)..at).map_or(0, |before| before.chars().count()));
    Problem::new(400, code, format!("\n{shown}\n{pad}^\nERROR at Row:1:Column:{column}\n{message}"))
}
