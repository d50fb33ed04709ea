//! Whether a connector's system lets it in: what its tests and its calls in runs and deliveries have shown last.
//!
//! A refusal is kept where the error of a test is, so that every list tells it; when it was is kept beside it, as the test
//! may be older. A later call that is taken, or a later test, ends it.

use std::collections::BTreeSet;

use connector::{ConnectorError, ErrorKind};
use store::{Reader, StoreError, Writer};

/// Where the kind of a connector's last error is kept, beside its words.
fn trouble_setting(connector: &str) -> String {
    format!("connectorTrouble/{}", connector.to_lowercase())
}

/// Where it is kept since when calls are refused that were no test.
fn refused_setting(connector: &str) -> String {
    format!("connectorRefused/{}", connector.to_lowercase())
}

/// What is known about a connector's last error.
pub(crate) struct LastError {
    /// Its kind, where a system told it.
    pub kind: Option<String>,
    /// When a call was refused, where it was no test.
    pub refused_at: Option<String>,
}

pub(crate) fn last_error(r: &Reader<'_>, connector: &str) -> Result<LastError, StoreError> {
    Ok(LastError {
        kind: r.setting(&trouble_setting(connector))?.filter(|word| !word.is_empty()),
        refused_at: r.setting(&refused_setting(connector))?,
    })
}

/// Notes how a test went.
pub(crate) fn tested(
    w: &Writer<'_>,
    connector: &str,
    at: &str,
    error: Option<&str>,
    kind: Option<ErrorKind>,
) -> Result<(), StoreError> {
    w.put_connector_test(connector, at, error)?;
    w.set_setting(&trouble_setting(connector), kind.map_or("", ErrorKind::as_str))?;
    w.remove_setting(&refused_setting(connector))
}

/// Notes that a call was refused.
pub(crate) fn refused(
    w: &Writer<'_>,
    connector: &str,
    at: &str,
    refusal: &ConnectorError,
) -> Result<(), StoreError> {
    // Each refusal is told; it is kept since when they come.
    let known = w.connector(connector)?.and_then(|row| row.test_error);
    if known.as_deref() == Some(&refusal.message) && is_refused(w, connector)? {
        return Ok(());
    }
    w.put_connector_error(connector, Some(&refusal.message))?;
    w.set_setting(&trouble_setting(connector), refusal.kind.as_str())?;
    w.set_setting(&refused_setting(connector), at)
}

/// Whether the last that was heard is that the system does not let this connector in.
pub(crate) fn is_refused(r: &Reader<'_>, connector: &str) -> Result<bool, StoreError> {
    let failed = r.connector(connector)?.is_some_and(|row| row.test_error.is_some());
    let kind = last_error(r, connector)?.kind;
    Ok(failed && kind.as_deref() == Some(ErrorKind::Unauthorized.as_str()))
}

/// The mappings into systems that let nobody in.
pub(crate) fn refused_mappings(r: &Reader<'_>) -> Result<BTreeSet<String>, StoreError> {
    let mut refused = BTreeSet::new();
    for row in r.connectors()? {
        let name = &row.config.name;
        if row.test_error.is_some() && is_refused(r, name)? {
            let mappings = r.mappings()?.into_iter().map(|mapping| mapping.config);
            let into = mappings.filter(|m| m.target_path().is_ok_and(|target| target.is_of(name)));
            refused.extend(into.map(|mapping| mapping.name));
        }
    }
    Ok(refused)
}

/// Notes that a call was taken again.
pub(crate) fn taken(w: &Writer<'_>, connector: &str) -> Result<(), StoreError> {
    w.put_connector_error(connector, None)?;
    forget(w, connector)
}

/// Forgets a connector that is removed.
pub(crate) fn forget(w: &Writer<'_>, connector: &str) -> Result<(), StoreError> {
    w.remove_setting(&trouble_setting(connector))?;
    w.remove_setting(&refused_setting(connector))
}
