//! Who asks: the person at this computer, unless a call came in for somebody else.

use crate::App;

tokio::task_local! {
    static CALLER: String;
}

/// Does something in the name of this caller: history and audit say so.
pub async fn in_the_name_of<T>(caller: String, work: impl Future<Output = T>) -> T {
    CALLER.scope(caller, work).await
}

impl App {
    /// Who asks, for history and audit.
    pub(crate) fn who(&self) -> String {
        CALLER.try_with(Clone::clone).unwrap_or_else(|_| self.who.clone())
    }
}
