//! How much of the server anybody may take.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How many connections there may be, and how long they may take to say what they want.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time; further ones wait in the system's queue.
    pub connections: usize,
    /// Of these, connections of one source; further ones are turned away, so that nobody keeps all others out.
    pub of_one_source: usize,
    /// How long a request's head, or the handshake before it, may take to arrive.
    pub head_time: Duration,
    /// How long a request's body may take to arrive.
    pub body_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            of_one_source: 384,
            head_time: Duration::from_secs(15),
            body_time: Duration::from_secs(30),
        }
    }
}

/// Where a connection comes from, for counting: an address, or the network of one subscriber, who may take any address of it.
pub(crate) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::from(u64::MAX) << 64)))
        }
    }
}

/// The connections that are open, by their source.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// The place of a connection, which is free again when it is dropped.
#[derive(Debug)]
pub(crate) struct SourcePlace {
    sources: Sources,
    source: IpAddr,
}

impl Sources {
    pub fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// A place for one more connection; `None` when this source has as many as it may.
    pub fn place(&self, source: IpAddr) -> Option<SourcePlace> {
        let mut open = self.open();
        let count = open.entry(source).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(SourcePlace { sources: self.clone(), source })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SourcePlace {
    fn drop(&mut self) {
        let mut open = self.sources.open();
        if let Some(count) = open.get_mut(&self.source) {
            *count = count.saturating_sub(1);
            // Who has left is not remembered.
            if *count == 0 {
                open.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_address_or_a_network() {
        for (address, expect) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::1", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ] {
            assert_eq!(source(address.parse().unwrap()).to_string(), expect);
        }
    }

    #[test]
    fn places_are_counted_by_source_and_given_back() {
        let sources = Sources::new(2);
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|a| a.parse().unwrap());
        let held = (sources.place(one).unwrap(), sources.place(one).unwrap());
        assert!(sources.place(one).is_none());
        assert!(sources.place(other).is_some(), "and is free again at once");
        drop(held.0);
        assert!(sources.place(one).is_some());
        drop(held.1);
        assert!(sources.open().is_empty(), "nobody is remembered");
    }
}
