//! Statements that a transaction runs again and again. The connection's own cache looks each up by its words and keeps the order
//! of their use, which for a short statement costs as much as the statement itself.

use std::cell::RefCell;

use rusqlite::{CachedStatement, Connection};

/// Those of one transaction, by the place of their words in the program.
#[derive(Default)]
pub(crate) struct Statements<'c>(RefCell<Vec<(&'static str, CachedStatement<'c>)>>);

impl<'c> Statements<'c> {
    /// Works with the statement of these words.
    pub(crate) fn with<T>(
        &self,
        connection: &'c Connection,
        sql: &'static str,
        work: impl FnOnce(&mut CachedStatement<'c>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = {
            let mut idle = self.0.borrow_mut();
            idle.iter().position(|(words, _)| std::ptr::eq(*words, sql)).map(|at| idle.swap_remove(at).1)
        };
        let mut statement = match idle {
            Some(statement) => statement,
            None => connection.prepare_cached(sql)?,
        };
        let result = work(&mut statement);
        self.0.borrow_mut().push((sql, statement));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_made_once_and_can_be_asked_for_while_it_is_in_use() {
        const ADD: &str = "SELECT ?1 + 1";
        let connection = Connection::open_in_memory().unwrap();
        let statements = Statements::default();
        let add = |to: i64| {
            statements
                .with(&connection, ADD, |statement| statement.query_row([to], |row| row.get::<_, i64>(0)))
        };
        assert_eq!((add(1).unwrap(), add(2).unwrap()), (2, 3));
        assert_eq!(statements.0.borrow().len(), 1);
        let within = statements.with(&connection, ADD, |outer| {
            let inner = add(10)?;
            outer.query_row([inner], |row| row.get::<_, i64>(0))
        });
        assert_eq!(within.unwrap(), 12);
        assert!(statements.with(&connection, "SELECT nothing", |_| Ok(())).is_err());
    }
}
