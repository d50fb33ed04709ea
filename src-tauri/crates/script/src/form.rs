//! How a script's text becomes a function with a value.
//!
//! The value of an IDM script is that of its last expression statement. Only `eval` gives that, and it parses the text
//! anew at every call. Nearly every script is an expression, or statements and then an expression; these become a
//! compiled function that returns the expression. The engine's own parser decides where that is right, so there is no
//! second, slightly different grammar in here.

/// The shape of a script, found once when it is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// `head` are statements (perhaps none); `tail` is the expression whose value counts.
    Value { head: String, tail: String },
    /// Its value depends on what it runs through, such as `if (a) b; else c;`: evaluated as it is.
    Completion,
    /// It has a `return` outside of functions.
    Body,
}

/// How many semicolons from the end are tried before a script is evaluated as it is.
const TRIES: usize = 12;

/// `parses` tells whether a text is a script for itself. `source` is one.
pub(crate) fn of_script<E>(source: &str, parses: &mut dyn FnMut(&str) -> Result<bool, E>) -> Result<Form, E> {
    let mut end = source.len();
    let splits = source.rmatch_indices(';').map(|(at, _)| Some(at)).take(TRIES).chain([None]);
    for split in splits {
        let (head, tail) = match split {
            Some(at) => {
                let (head, rest) = source.split_at(at + 1);
                // A statement ends here only if what stands before is a script, and the place is not inside a comment,
                // where even a stray bracket would do no harm.
                if !parses(head)? || parses(&format!("{head})"))? {
                    continue;
                }
                (head, rest.get(..end.saturating_sub(at + 1)).unwrap_or_default())
            }
            None => ("", source.get(..end).unwrap_or_default()),
        };
        if is_expression(tail, parses)? {
            return Ok(Form::Value { head: head.to_owned(), tail: tail.to_owned() });
        }
        // Spaces and comments alone: the last statement is the one before this semicolon.
        let blank = parses(&format!("({tail}\n1)"))?;
        match split {
            Some(at) if blank => end = at,
            _ => break,
        }
    }
    Ok(Form::Completion)
}

/// Whether a statement is an expression and means the same in brackets; what starts with `{`, `function` or `class` does
/// not, and `async` might not.
fn is_expression<E>(text: &str, parses: &mut dyn FnMut(&str) -> Result<bool, E>) -> Result<bool, E> {
    let start = text.trim_start();
    let ambiguous = start.starts_with("/*")
        || start.starts_with("//")
        || ["{", "function", "class", "async", "let"].iter().any(|word| start.starts_with(word));
    Ok(!ambiguous && parses(text)? && parses(&format!("({text}\n)"))?)
}
