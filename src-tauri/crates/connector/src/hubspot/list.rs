//! Listing every record of a type, by one cursor or by several at once, in a way that proves itself complete.
//!
//! HubSpot's list is in the order of ids and `after` is an id, so a list can be read from several places at the same
//! time. HubSpot does not promise that any id may be asked for, so a cursor that was put somewhere counts only once its
//! first page shows that it stands where it should. Two neighbouring cursors have met when the lower one delivers the
//! record that the upper one began with: that seam leaves no gap and no overlap, whatever the ids in between. Every
//! cursor costs up to one page more, so there are as many as the latency asks for, and never more than one for a
//! hundred pages that are still to come.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::json;
use url::Url;

use super::answers::{Record, RecordPage};
use super::associations;
use super::read::{finish, wanted_with};
use super::search::LocalCheck;
use super::{ARCHIVED, Hubspot, ObjectType, properties};
use crate::error::{ConnectorError, ErrorKind, NO_PLACE};
use crate::http::Repeat;
use crate::port::Page;

/// Most records on a list page.
pub(super) const LIST_PAGE: usize = 100;
/// HubSpot's edge answers 414 with a web page to long addresses, from about 8,000 characters on; peers stay under this.
const LONGEST_URL: usize = 2_000;
/// From this page on a pass asks whether more cursors are worth a call.
const PATIENT_PAGES: u64 = 10;
/// A pass that waited less than this for its answers gains nothing from more cursors.
const PATIENT_TIME: Duration = Duration::from_secs(1);
/// Most cursors.
const MOST_CURSORS: u64 = 16;
/// So many pages in a row that bring nobody new, and lead on, are no list.
pub(super) const IDLE_PAGES: u32 = 10;
/// A range with fewer records than this to come is not divided any more.
const WORTH_DIVIDING: u64 = 400;

/// What is listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub object_type: ObjectType,
    /// The recycle bin instead of the live records.
    pub archived: bool,
    /// Whether the ids of linked records come along.
    pub links: bool,
}

impl Scope {
    pub fn of(object_type: ObjectType) -> Self {
        Self { object_type, archived: false, links: false }
    }
}

/// One cursor and what is known of its range. Ranges stand in the order of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Range {
    /// What HubSpot is asked to go on after; zero is the beginning.
    after: u64,
    /// The highest id that it delivered.
    highest: u64,
    /// The first id that it delivered: where the range below ends.
    first: Option<u64>,
    /// Where it began, and how many records it delivered since, to guess what is left.
    began: u64,
    delivered: u64,
    done: bool,
    /// A page is under way.
    asked: bool,
    /// Its last page was odd and was asked for again.
    again: bool,
    /// Waits until the range above has shown where it begins.
    blocked: bool,
    /// Pages in a row that brought nobody new.
    idle: u32,
    /// What HubSpot said to go on after, where that is no number; `after` then only counts the records.
    cursor: Option<String>,
}

impl Range {
    fn at(after: u64) -> Self {
        Self { after, began: after, highest: after, ..Self::default() }
    }
}

/// A pass over a list. Its text form is [`Page::next`].
#[derive(Debug, Default)]
struct Pass {
    ranges: Vec<Range>,
    /// Records delivered; unknown when the pass starts in the middle.
    seen: Option<u64>,
    /// Pages taken by this process.
    pages: u64,
    /// Every id of the pass, where the list turned out not to be in the order of ids.
    all: Option<HashSet<String>>,
    /// Something was odd, so the end has to be confirmed.
    doubtful: bool,
    /// The last page was full or empty: it may have been cut off.
    open_end: bool,
    /// The list was asked once more behind its end, because HubSpot counts more than it listed.
    prolonged: bool,
    /// How many records there were when the cursors were put out.
    counted: Option<u64>,
    /// Whether more cursors may be put out, how many, and the highest id that they are put below.
    dividing: Dividing,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Dividing {
    /// Not yet asked for.
    #[default]
    Open,
    /// So many more may be put out, with so many at work, below this id.
    Left { budget: u64, at_work: u64, below: u64 },
    /// It is not worth it or not possible.
    Never,
}

impl Pass {
    fn start() -> Self {
        Self { ranges: vec![Range::default()], seen: Some(0), ..Self::default() }
    }

    /// Reads `after.seen.highest`, with `~` and the cursor behind it where that is no number, several of `after.highest.first` behind `rSEEN`, or a plain id to start behind.
    fn parse(text: &str) -> Option<Self> {
        if let Some(ranges) = text.strip_prefix('r') {
            let mut parts = ranges.split('_');
            let seen = match parts.next()? {
                "" => None,
                seen => Some(seen.parse().ok()?),
            };
            let ranges = parts
                .map(|part| {
                    let numbers: Vec<u64> = part.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
                    let [after, highest, first, done] = numbers.as_slice() else { return None };
                    Some(Range {
                        highest: *highest,
                        first: Some(*first),
                        done: *done == 1,
                        ..Range::at(*after)
                    })
                })
                .collect::<Option<Vec<Range>>>()?;
            let ordered = ranges.is_sorted_by(|a, b| a.highest < b.first.unwrap_or(0));
            return (ordered && !ranges.is_empty()).then(|| Self {
                ranges,
                seen,
                dividing: Dividing::Never,
                ..Self::taken_up()
            });
        }
        let (text, cursor) = match text.split_once('~') {
            Some((text, cursor)) if !cursor.is_empty() => (text, Some(cursor.to_owned())),
            Some(_) => return None,
            None => (text, None),
        };
        let mut parts = text.split('.');
        let after: u64 = parts.next()?.parse().ok()?;
        let (seen, highest) = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => (None, 0),
            (Some(seen), Some(highest), None) => (Some(seen.parse().ok()?), highest.parse().ok()?),
            _ => return None,
        };
        let dividing = if cursor.is_some() { Dividing::Never } else { Dividing::Open };
        let ranges = vec![Range { highest, cursor, ..Range::at(after) }];
        Some(Self { ranges, seen, dividing, ..Self::taken_up() })
    }

    /// What made whoever read before doubt the list, or how many records that one was to find, is not known any more.
    fn taken_up() -> Self {
        Self { doubtful: true, ..Self::default() }
    }

    /// Where another process can go on; `None` at the end.
    fn text(&self) -> Option<String> {
        if self.ranges.iter().all(|r| r.done) {
            return None;
        }
        if let [only] = self.ranges.as_slice() {
            let place = match self.seen {
                Some(seen) => format!("{}.{seen}.{}", only.after, only.highest),
                None => only.after.to_string(),
            };
            return Some(match &only.cursor {
                Some(cursor) => format!("{place}~{cursor}"),
                None => place,
            });
        }
        let mut text = format!("r{}", self.seen.map(|n| n.to_string()).unwrap_or_default());
        // A range that has not shown yet where it begins is left to the one below it.
        let mut ranges = self.ranges.iter().enumerate().filter_map(|(at, r)| Some((at, r, r.first?)));
        let mut next = ranges.next();
        while let Some((at, range, first)) = next {
            next = ranges.next();
            let reaches = next.as_ref().map_or(self.ranges.len(), |(at, ..)| *at);
            // Done up to a range that the text leaves out is not done.
            let done = u8::from(range.done && reaches == at + 1);
            let _ = write!(text, "_{}.{}.{first}.{done}", range.after, range.highest);
        }
        Some(text)
    }

    fn highest(&self) -> u64 {
        self.ranges.iter().map(|r| r.highest).max().unwrap_or(0)
    }

    fn is_single(&self) -> bool {
        self.ranges.len() == 1
    }

    /// How many records a range may still have to deliver, guessed from how dense it was so far.
    fn left(&self, at: usize, below: u64) -> u64 {
        let Some(range) = self.ranges.get(at) else { return 0 };
        let end = self.ranges.get(at + 1).map_or(below, |next| next.first.unwrap_or(next.after));
        let (width, walked) = (end.saturating_sub(range.after), range.highest.saturating_sub(range.began));
        if walked == 0 {
            return 0;
        }
        let guess = u128::from(width) * u128::from(range.delivered) / u128::from(walked);
        u64::try_from(guess).unwrap_or(u64::MAX)
    }
}

/// A page as it was fetched for a range.
struct Fetched {
    /// Where the range began: its place in the list of ranges may change meanwhile.
    began: u64,
    page: Result<Listed, ConnectorError>,
}

#[derive(Debug)]
struct Listed {
    records: Vec<Record>,
    next: Option<Next>,
    /// As many as HubSpot sent, and the last of them.
    sent: usize,
    last: Option<u64>,
}

/// What a page says to go on after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// HubSpot's own way: an id.
    Number(u64),
    /// Any text, which only leads to the next page.
    Word(String),
}

impl Next {
    /// As it is asked with.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Word(word) => word.clone(),
        }
    }

    /// As a number that advances from page to page.
    fn number(&self, range: &Range, sent: usize) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Word(word) if range.cursor.as_ref() == Some(word) => range.after,
            Self::Word(_) => range.after.saturating_add(sent.max(1) as u64),
        }
    }
}

/// What a page means for its range.
enum Taken {
    /// Records to deliver.
    Records(Vec<Record>),
    /// Ask again, or later.
    Nothing,
}

/// What to bring with each page.
struct Asked<'a> {
    scope: Scope,
    names: Vec<&'a str>,
    /// The address would be too long: ids by list, values by batch read.
    narrow: bool,
}

type Flights<'a> = FuturesUnordered<BoxFuture<'a, Fetched>>;

impl Hubspot {
    /// Every record of a scope. `after` is a place from [`Page::next`].
    pub(super) fn list_pages<'a>(
        &'a self,
        scope: Scope,
        after: Option<&'a str>,
        attributes: &'a [String],
        check: Option<&'a LocalCheck>,
    ) -> crate::port::Pages<'a> {
        Box::pin(async_stream::try_stream! {
            let mut pass = match after {
                None => Pass::start(),
                Some(text) => Pass::parse(text).ok_or_else(|| self.no_such_place())?,
            };
            let wanted = wanted_with(attributes, check);
            let scope = Scope { links: associations::is_wanted(scope.object_type, &wanted), ..scope };
            let names: Vec<&str> = properties(scope.object_type, &wanted);
            let longest = Some(u64::MAX.to_string());
            let narrow = self.list_url(&scope, longest.as_deref(), &names).as_str().len() > LONGEST_URL;
            let asked = Asked { scope, names, narrow };
            let mut flights: Flights<'_> = FuturesUnordered::new();
            loop {
                self.ask(&mut pass, &mut flights, &asked);
                let Some(fetched) = flights.next().await else {
                    for range in &mut pass.ranges {
                        range.blocked = false;
                    }
                    if self.is_complete(&mut pass, &asked).await? {
                        yield Page::default();
                        break;
                    }
                    continue;
                };
                let mut repeated = 0;
                let taken = self.take(&mut pass, fetched, &asked, &mut repeated)?;
                if let Taken::Records(records) = taken {
                    // The end is confirmed before the last page is given, so that a page without `next` is proof.
                    let ended = pass.ranges.iter().all(|r| r.done);
                    let ended = ended && self.is_complete(&mut pass, &asked).await?;
                    if !ended {
                        self.divide(&mut pass, &asked).await;
                    }
                    let next = if ended { None } else { pass.text() };
                    yield Page { objects: finish(scope.object_type, records, attributes, &wanted, check), next, repeated };
                    if ended {
                        break;
                    }
                }
            }
        })
    }

    /// Sends for the next page of every range that has none under way.
    fn ask<'a>(&'a self, pass: &mut Pass, flights: &mut Flights<'a>, asked: &Asked<'_>) {
        for range in pass.ranges.iter_mut().filter(|r| !r.done && !r.asked && !r.blocked) {
            range.asked = true;
            let (began, scope) = (range.began, asked.scope);
            let names: Vec<String> = asked.names.iter().map(|n| (*n).to_owned()).collect();
            let after = match &range.cursor {
                Some(cursor) => Some(cursor.clone()),
                None => (range.after > 0).then(|| range.after.to_string()),
            };
            let url = if asked.narrow {
                self.list_url(&scope, after.as_deref(), &["hs_object_id"])
            } else {
                self.list_url(&scope, after.as_deref(), &asked.names)
            };
            let narrow = asked.narrow;
            flights.push(Box::pin(async move {
                let page = self.fetch(scope, url, &names, narrow).await;
                Fetched { began, page }
            }));
        }
    }

    /// A page of the list, with its values read by batch where the address would not hold their names (`narrow`).
    async fn fetch(
        &self,
        scope: Scope,
        url: Url,
        names: &[String],
        narrow: bool,
    ) -> Result<Listed, ConnectorError> {
        let page: RecordPage = self.http.send(&self.get(url), |a| a.json()).await?;
        let sent = page.results.len();
        if sent > LIST_PAGE {
            return Err(self.untrusted(format!("{sent} records came on a page of at most {LIST_PAGE}")));
        }
        let next = self.next_of(&page)?;
        let mut records = page.results;
        let last = records.last().and_then(number);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if !narrow {
            self.check_defined(scope.object_type, &records, &names).await?;
        }
        for record in &mut records {
            if record.archived {
                record.properties.insert(ARCHIVED.to_owned(), true.into());
            }
        }
        if scope.links {
            self.take_links(scope.object_type, &mut records).await?;
        }
        if narrow && !records.is_empty() {
            let ids: Vec<String> = records.iter().map(|r| r.id.clone()).collect();
            let mut read: HashMap<String, Record> = self
                .batch_read_in(scope, &ids, &names, None)
                .await?
                .records
                .into_iter()
                .map(|r| (r.id.clone(), r))
                .collect();
            // What was merged or archived since the list was read is left out; a merged record comes later in the list.
            records.retain_mut(|record| match read.remove(&record.id) {
                Some(values) => {
                    record.properties.extend(values.properties);
                    true
                }
                None => false,
            });
        }
        Ok(Listed { records, next, sent, last })
    }

    /// Checks a page and moves its range on.
    fn take(
        &self,
        pass: &mut Pass,
        fetched: Fetched,
        asked: &Asked<'_>,
        repeated: &mut u64,
    ) -> Result<Taken, ConnectorError> {
        let Some(at) = pass.ranges.iter().position(|r| r.began == fetched.began) else {
            return Ok(Taken::Nothing);
        };
        let fresh = at > 0 && pass.ranges.get(at).is_some_and(|r| r.first.is_none());
        let listed = match fetched.page {
            // The list does not take this place.
            Err(error) if fresh && error.kind == ErrorKind::Refused => {
                tracing::info!(connector = %self.name, "the list is read by one cursor: {error}");
                pass.dividing = Dividing::Never;
                withdraw(pass, at);
                return Ok(Taken::Nothing);
            }
            page => page?,
        };
        pass.pages += 1;
        if pass.is_single() {
            self.take_alone(pass, listed, asked, repeated)
        } else {
            self.take_between(pass, at, fresh, listed, asked, repeated)
        }
    }

    /// A page of the only cursor.
    fn take_alone(
        &self,
        pass: &mut Pass,
        listed: Listed,
        asked: &Asked<'_>,
        repeated: &mut u64,
    ) -> Result<Taken, ConnectorError> {
        let first_page = pass.seen == Some(0);
        let Some(range) = pass.ranges.first_mut() else { return Ok(Taken::Nothing) };
        range.asked = false;
        let Listed { mut records, next, sent, .. } = listed;
        let known = match &pass.all {
            Some(all) => records.iter().filter(|r| all.contains(&r.id)).count(),
            None => records.iter().filter(|r| number(r).is_some_and(|id| id <= range.highest)).count(),
        };
        let word = match &next {
            Some(Next::Word(word)) => Some(word.clone()),
            _ => None,
        };
        if word.is_some() {
            pass.dividing = Dividing::Never;
        }
        let next = next.map(|next| next.number(range, sent));
        let stands = next.is_some_and(|n| n <= range.after);
        let nothing_new = !records.is_empty() && known == records.len();
        if (nothing_new || stands) && !range.again {
            // A page that was delivered twice by mistake is right the second time it is asked for.
            range.again = true;
            *repeated += known as u64;
            pass.doubtful |= known > 0;
            return Ok(if known > 0 { Taken::Records(Vec::new()) } else { Taken::Nothing });
        }
        if let Some(next) = next.filter(|_| stands) {
            return Err(self.untrusted(format!(
                "the list of {} does not advance: after {} HubSpot points to {next}",
                asked.scope.object_type.plural(),
                range.after
            )));
        }
        if nothing_new && next.is_some() {
            return Err(self.untrusted(format!(
                "the list of {} does not advance: a page brings the same records again",
                asked.scope.object_type.plural()
            )));
        }
        range.again = false;
        let before = records.len();
        if pass.all.is_none() && first_page && !ascending(&records) {
            pass.all = Some(HashSet::new());
        }
        match &mut pass.all {
            Some(all) => records.retain(|r| all.insert(r.id.clone())),
            None => drop_known(&mut records, range.highest),
        }
        let dropped = (before - records.len()) as u64;
        *repeated += dropped;
        pass.doubtful |= dropped > 0 || (sent == 0 && next.is_some());
        arrived(range, &records);
        self.keeps_coming(range, &records, asked)?;
        pass.seen = pass.seen.map(|n| n + records.len() as u64);
        match next {
            Some(next) => (range.after, range.cursor) = (next, word),
            None => {
                range.done = true;
                // A short page ends a list by itself.
                pass.open_end = sent == LIST_PAGE || sent == 0;
            }
        }
        Ok(Taken::Records(records))
    }

    /// A page of one of several cursors.
    fn take_between(
        &self,
        pass: &mut Pass,
        at: usize,
        fresh: bool,
        listed: Listed,
        asked: &Asked<'_>,
        repeated: &mut u64,
    ) -> Result<Taken, ConnectorError> {
        let Listed { mut records, next, sent, last } = listed;
        let next = match next {
            Some(Next::Word(_)) => {
                return Err(self
                    .untrusted("the list goes on after something that is not a number, and did not before"));
            }
            Some(Next::Number(number)) => Some(number),
            None => None,
        };
        let bound = pass.ranges.get(at + 1).map(|above| (above.first, above.after));
        let asked_above = pass.ranges.get(at + 1).map_or(u64::MAX, |above| above.began);
        let Some(range) = pass.ranges.get_mut(at) else { return Ok(Taken::Nothing) };
        range.asked = false;
        let end = bound.map(|(first, after)| first.unwrap_or(after));
        let low = records.iter().filter(|r| number(r).is_none_or(|id| id <= range.highest)).count();
        let in_range = |r: &Record| number(r).is_some_and(|id| end.is_none_or(|end| id < end));
        if fresh && (low > 0 || !ascending(&records) || !records.iter().any(in_range)) {
            // Nothing is there, or the list does not begin where it was asked to.
            if low > 0 {
                pass.dividing = Dividing::Never;
            }
            withdraw(pass, at);
            return Ok(Taken::Nothing);
        }
        let beyond = end.is_some_and(|end| records.iter().any(|r| number(r).is_some_and(|id| id >= end)));
        if let Some((None, _)) = bound
            && (beyond || next.is_none())
        {
            // The range above has not shown yet where it begins.
            range.blocked = true;
            return Ok(Taken::Nothing);
        }
        let met = end.is_some_and(|end| records.iter().any(|r| number(r) == Some(end)));
        let cut = end.is_some() && next.is_none() && !met;
        let odd = low > 0
            || !ascending(&records)
            || (beyond && !met)
            || cut
            || next.is_some_and(|n| Some(n) != last);
        // A page that begins with the range above, and should not, may be that range's page, sent by mistake.
        let empty = met && range.after < asked_above && !records.iter().any(in_range);
        if (odd || empty) && !range.again {
            range.again = true;
            *repeated += low as u64;
            pass.doubtful |= odd;
            return Ok(if low > 0 { Taken::Records(Vec::new()) } else { Taken::Nothing });
        }
        if let Some(next) = next.filter(|n| *n <= range.after) {
            return Err(self.untrusted(format!(
                "the list of {} does not advance: after {} HubSpot points to {next}",
                asked.scope.object_type.plural(),
                range.after
            )));
        }
        range.again = false;
        pass.doubtful |= odd;
        records.retain(in_range);
        let before = records.len();
        drop_known(&mut records, range.highest);
        *repeated += (before - records.len()) as u64;
        arrived(range, &records);
        self.keeps_coming(range, &records, asked)?;
        if let Some(first) = records.first().and_then(number).filter(|_| range.first.is_none()) {
            range.first = Some(first);
        }
        match next {
            _ if beyond => range.done = true,
            Some(next) => {
                range.after = next;
                // The next page would be the very one that the range above began with.
                range.done = next == asked_above;
            }
            None => {
                range.done = true;
                pass.open_end |= end.is_none() && (sent == LIST_PAGE || sent == 0);
            }
        }
        pass.seen = pass.seen.map(|n| n + records.len() as u64);
        if fresh && let Some(below) = at.checked_sub(1).and_then(|below| pass.ranges.get_mut(below)) {
            below.blocked = false;
        }
        Ok(Taken::Records(records))
    }

    /// A list whose cursors go on for ever, with the same records or with none, has no end.
    fn keeps_coming(
        &self,
        range: &mut Range,
        records: &[Record],
        asked: &Asked<'_>,
    ) -> Result<(), ConnectorError> {
        range.idle = if records.is_empty() { range.idle + 1 } else { 0 };
        if range.idle <= IDLE_PAGES {
            return Ok(());
        }
        Err(self.untrusted(format!(
            "the list of {} does not advance: {} pages in a row brought nobody new; nothing was done with the incomplete list, run again",
            asked.scope.object_type.plural(),
            range.idle
        )))
    }

    /// Whether a pass whose ranges are all done is complete. A list that may have been cut off is compared with
    /// HubSpot's own count, or, where nothing can be counted, with what HubSpot has behind the last id. Where there is
    /// more, the list is asked once more.
    async fn is_complete(&self, pass: &mut Pass, asked: &Asked<'_>) -> Result<bool, ConnectorError> {
        if pass.ranges.iter().any(|r| !r.done) {
            return Ok(false);
        }
        let proven = match (pass.counted, pass.seen) {
            (Some(counted), Some(seen)) => seen >= counted,
            _ => !pass.open_end,
        };
        if proven && !pass.doubtful {
            return Ok(true);
        }
        let plural = asked.scope.object_type.plural();
        let last = pass.highest();
        let trouble = match pass.seen.filter(|_| !asked.scope.archived) {
            Some(seen) => {
                let total = self.count(asked.scope.object_type).await?;
                if total <= seen {
                    return Ok(true);
                }
                format!(
                    "the list ended early: HubSpot counts {total} {plural} and delivered {seen}; nothing was done with the incomplete list, run again"
                )
            }
            None => {
                let after = (last > 0).then(|| last.to_string());
                let url = self.list_url(&asked.scope, after.as_deref(), &["hs_object_id"]);
                let behind = self.fetch(Scope { links: false, ..asked.scope }, url, &[], false).await?;
                if !behind.records.iter().any(|r| number(r).is_some_and(|id| id > last)) {
                    return Ok(true);
                }
                format!("the list ended early: there are {plural} behind the last one that was delivered")
            }
        };
        let Some(range) = pass.ranges.last_mut().filter(|_| !pass.prolonged && pass.all.is_none()) else {
            return Err(self.untrusted(trouble));
        };
        tracing::info!(connector = %self.name, "{trouble}; asking behind it");
        (range.after, range.cursor, range.done) = (last, None, false);
        pass.prolonged = true;
        Ok(false)
    }

    /// How many live records HubSpot counts.
    async fn count(&self, object_type: ObjectType) -> Result<u64, ConnectorError> {
        let plural = object_type.plural();
        let body = json!({"filterGroups": [], "properties": ["hs_object_id"], "limit": 1});
        let mut call = self.post(self.paths.objects(plural, "search"), &body, Repeat::Safe);
        call.search = true;
        let page: RecordPage = self.http.send(&call, |a| a.json()).await.map_err(|failure| {
            let error = failure.error();
            let message =
                format!("{}; so the end of the list of {plural} could not be confirmed", error.message);
            ConnectorError { message, ..error.clone() }
        })?;
        page.total.ok_or_else(|| {
            self.untrusted(format!(
                "HubSpot did not say how many {plural} there are, so the end of the list could not be confirmed"
            ))
        })
    }

    /// Puts out more cursors where waiting for answers, not the permits, is what takes the time.
    async fn divide(&self, pass: &mut Pass, asked: &Asked<'_>) {
        if asked.scope.archived || pass.all.is_some() {
            return;
        }
        if pass.dividing == Dividing::Open {
            let latency = self.http.latency();
            let waited = latency.saturating_mul(u32::try_from(pass.pages).unwrap_or(u32::MAX));
            let busy = latency.as_secs_f64() * f64::from(self.http.permits_per_second());
            if pass.pages < PATIENT_PAGES || waited < PATIENT_TIME || busy < 1.3 {
                return;
            }
            // Half as many again as the permits need keep the line busy while a page is on its way.
            let useful = (busy * 1.5).ceil().clamp(2.0, MOST_CURSORS as f64) as u64;
            pass.dividing = self.probe(pass, asked, useful.min(self.http.connections())).await;
        }
        let Dividing::Left { mut budget, at_work, below } = pass.dividing else { return };
        loop {
            let working = pass.ranges.iter().filter(|r| !r.done).count() as u64;
            if budget == 0 || working >= at_work {
                break;
            }
            let ready = |r: &Range| !r.done && !r.blocked && (r.first.is_some() || r.delivered > 0);
            let largest = (0..pass.ranges.len())
                .filter(|at| pass.ranges.get(*at).is_some_and(ready))
                .map(|at| (pass.left(at, below), at))
                .max();
            let Some((left, at)) = largest.filter(|(left, _)| *left >= WORTH_DIVIDING) else { break };
            // A range that has not begun is not divided; the one that has is divided into equal parts.
            let free = at_work.saturating_sub(working).min(budget).min(left / WORTH_DIVIDING).max(1);
            let Some(range) = pass.ranges.get(at) else { break };
            let (from, end) = (range.after, pass.ranges.get(at + 1).map_or(below, |above| above.began));
            let step = end.saturating_sub(from) / (free + 1);
            if step == 0 {
                break;
            }
            let parts = (1..=free).map(|n| Range::at(from + step * n));
            pass.ranges.splice(at + 1..at + 1, parts);
            budget -= free;
        }
        pass.dividing = Dividing::Left { budget, at_work, below };
    }

    /// One call that tells how many records there are and how far their ids go.
    async fn probe(&self, pass: &mut Pass, asked: &Asked<'_>, useful: u64) -> Dividing {
        let body = json!({
            "filterGroups": [], "properties": ["hs_object_id"], "limit": 1,
            "sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
        });
        let url = self.paths.objects(asked.scope.object_type.plural(), "search");
        let mut call = self.post(url, &body, Repeat::Safe);
        call.search = true;
        let page: RecordPage = match self.http.send(&call, |a| a.json()).await {
            Ok(page) => page,
            Err(failure) => {
                tracing::info!(connector = %self.name, "the list is read by one cursor: {failure}");
                return Dividing::Never;
            }
        };
        let (Some(total), Some(below)) = (page.total, page.results.first().and_then(number)) else {
            return Dividing::Never;
        };
        let left = total.saturating_sub(pass.seen.unwrap_or(total)) / LIST_PAGE as u64;
        let budget = (left + 25) / 100;
        if budget == 0 {
            return Dividing::Never;
        }
        pass.counted = Some(total);
        // From now on the range below knows where it stands by what it delivered.
        if let Some(range) = pass.ranges.first_mut() {
            range.first.get_or_insert(range.began.max(1));
        }
        Dividing::Left { budget, at_work: useful.min(budget + 1), below: below.saturating_add(1) }
    }

    pub(super) fn list_url(&self, scope: &Scope, after: Option<&str>, names: &[&str]) -> Url {
        let mut url = self.paths.objects(scope.object_type.plural(), "");
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", &LIST_PAGE.to_string());
            if let Some(after) = after {
                query.append_pair("after", after);
            }
            if !names.is_empty() {
                query.append_pair("properties", &names.join(","));
            }
            if scope.links {
                query.append_pair("associations", scope.object_type.other().plural());
            }
            if scope.archived {
                query.append_pair("archived", "true");
            }
        }
        url
    }

    /// What the page says to go on after.
    pub(super) fn next_of(&self, page: &RecordPage) -> Result<Option<Next>, ConnectorError> {
        let Some(next) = page.paging.as_ref().and_then(|p| p.next.as_ref()) else { return Ok(None) };
        let next = match &next.after {
            serde_json::Value::String(text) => match text.parse() {
                Ok(number) => Some(Next::Number(number)),
                Err(_) => Some(Next::Word(text.clone())).filter(|_| !text.is_empty()),
            },
            other => other.as_u64().map(Next::Number),
        };
        next.map(Some)
            .ok_or_else(|| self.untrusted("the list goes on after something that is no place in it"))
    }

    pub(super) fn no_such_place(&self) -> ConnectorError {
        self.error(ErrorKind::Configuration, NO_PLACE)
    }
}

/// Takes a range back: the one below reads its part as well.
fn withdraw(pass: &mut Pass, at: usize) {
    if at > 0 && at < pass.ranges.len() {
        pass.ranges.remove(at);
        if let Some(below) = pass.ranges.get_mut(at - 1) {
            below.blocked = false;
            // It may have come to where this one was to begin.
            below.done = false;
        }
    }
}

fn arrived(range: &mut Range, records: &[Record]) {
    range.delivered += records.len() as u64;
    let highest = records.iter().filter_map(number).max().unwrap_or(0);
    range.highest = range.highest.max(highest);
}

/// Leaves every id once, and only those above the highest that was delivered.
fn drop_known(records: &mut Vec<Record>, highest: u64) {
    let mut page = HashSet::with_capacity(records.len());
    records.retain(|r| match number(r) {
        Some(id) => id > highest && page.insert(id),
        None => true,
    });
}

pub(super) fn number(record: &Record) -> Option<u64> {
    record.id.parse().ok()
}

pub(super) fn ascending(records: &[Record]) -> bool {
    let ids: Option<Vec<u64>> = records.iter().map(number).collect();
    ids.is_some_and(|ids| ids.is_sorted_by(|a, b| a < b))
}

#[cfg(test)]
mod tests {
    use super::{Pass, Range};

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in [
            "512",
            "512.100.498",
            "512.100.498~NTEyCg==",
            "512~a.b~c",
            "r300_100.100.1.1_250.250.201.0_900.900.801.0",
            "r_5.5.1.0_9.9.7.0",
        ] {
            let pass = Pass::parse(text).unwrap();
            assert_eq!(pass.text().as_deref(), Some(text));
        }
        for text in [
            "",
            "x",
            "1.2",
            "1~",
            "~a",
            "1.2.3.4",
            "-1",
            "r",
            "r5",
            "r5_1.2.3",
            "r5_900.900.801.0_100.100.1.0",
        ] {
            assert!(Pass::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_range_that_has_not_begun_is_left_to_the_one_below() {
        let begun = |after, first, done| Range { first: Some(first), done, ..Range::at(after) };
        let mut pass = Pass {
            ranges: vec![begun(100, 1, true), Range::at(500), begun(900, 801, false)],
            seen: Some(3),
            ..Pass::default()
        };
        assert_eq!(pass.text().unwrap(), "r3_100.100.1.0_900.900.801.0");
        pass.ranges.remove(1);
        assert_eq!(pass.text().unwrap(), "r3_100.100.1.1_900.900.801.0");
    }
}
