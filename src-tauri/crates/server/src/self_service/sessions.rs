//! Who has signed in, and until when.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use api::Person;

/// A session ends after so long without a request.
pub(crate) const IDLE: Duration = Duration::from_secs(15 * 60);
/// A session ends after so long in any case.
pub(crate) const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);
/// Sessions of one person at a time; the oldest ends when there is one more.
const EACH: usize = 5;
/// Sessions at a time.
const ALL: usize = 20_000;

/// The sessions, by a hash of what their cookie says.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<blake3::Hash, Session>>);

/// Somebody who signed in, and with which password: where another one is in force, the session has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedIn {
    pub person: String,
    pub password: Option<blake3::Hash>,
}

impl SignedIn {
    pub fn of(person: &Person) -> Self {
        Self { person: person.id.clone(), password: person.password }
    }
}

struct Session {
    who: SignedIn,
    begun: Instant,
    seen: Instant,
}

impl Session {
    fn is_over(&self, at: Instant) -> bool {
        at.saturating_duration_since(self.seen) >= IDLE || at.saturating_duration_since(self.begun) >= LONGEST
    }
}

impl Sessions {
    /// Begins a session; `false` when there are too many.
    pub fn begin(&self, cookie: &str, who: SignedIn, at: Instant) -> bool {
        let mut sessions = self.all();
        sessions.retain(|_, session| !session.is_over(at));
        let mut own: Vec<(Instant, blake3::Hash)> = sessions
            .iter()
            .filter(|(_, session)| session.who.person == who.person)
            .map(|(key, session)| (session.begun, *key))
            .collect();
        own.sort_by_key(|(begun, _)| *begun);
        let too_many = (own.len() + 1).saturating_sub(EACH);
        for (_, key) in own.into_iter().take(too_many) {
            sessions.remove(&key);
        }
        if sessions.len() >= ALL {
            return false;
        }
        sessions.insert(key(cookie), Session { who, begun: at, seen: at });
        true
    }

    /// Whose session it is, if it goes on.
    pub fn who(&self, cookie: &str, at: Instant) -> Option<SignedIn> {
        let mut sessions = self.all();
        let session = sessions.get_mut(&key(cookie))?;
        if session.is_over(at) {
            sessions.remove(&key(cookie));
            return None;
        }
        session.seen = at;
        Some(session.who.clone())
    }

    /// Ends a session.
    pub fn end(&self, cookie: &str) {
        self.all().remove(&key(cookie));
    }

    /// Ends every session of a person.
    pub fn end_all_of(&self, person: &str) {
        self.all().retain(|_, session| session.who.person != person);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<blake3::Hash, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(cookie: &str) -> blake3::Hash {
    blake3::hash(cookie.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{super::pace::now, *};

    fn named(person: &str) -> SignedIn {
        SignedIn { person: person.into(), password: None }
    }

    fn ann() -> SignedIn {
        named("ann")
    }

    #[test]
    fn sessions_end_without_use_and_after_a_day_of_work() {
        let (sessions, at) = (Sessions::default(), now());
        assert!(sessions.begin("a", ann(), at));
        let mut later = at;
        while later - at + IDLE / 2 < LONGEST {
            later += IDLE / 2;
            assert_eq!(sessions.who("a", later), Some(ann()), "{:?}", later - at);
        }
        assert_eq!(sessions.who("a", at + LONGEST), None, "in any case");
        assert!(sessions.begin("b", ann(), at));
        assert_eq!(sessions.who("b", at + IDLE), None, "without use");
        assert_eq!(sessions.who("b", at), None, "an end is an end");
        assert_eq!(sessions.who("c", at), None);
    }

    #[test]
    fn a_person_has_a_few_and_can_end_them_all() {
        let (sessions, at) = (Sessions::default(), now());
        for n in 0..=EACH {
            let begun = at + Duration::from_secs(u64::try_from(n).unwrap());
            assert!(sessions.begin(&format!("ann-{n}"), ann(), begun));
        }
        sessions.begin("bob", named("bob"), at);
        assert_eq!(sessions.who("ann-0", at + Duration::from_secs(10)), None, "the oldest");
        assert!(sessions.who("ann-1", at + Duration::from_secs(10)).is_some());
        sessions.end_all_of("ann");
        assert_eq!(sessions.who("ann-5", at + Duration::from_secs(10)), None);
        assert!(sessions.who("bob", at + Duration::from_secs(10)).is_some());
        sessions.end("bob");
        assert_eq!(sessions.who("bob", at), None);
    }
}
