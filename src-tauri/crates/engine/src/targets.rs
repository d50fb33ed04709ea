//! Looking at the targets of single sources: the records that they are linked to, and those that they may turn out to be.
//!
//! A full run reads everything first. Whoever looks at single sources has a mirror that may be hours old: what it shows as a
//! match may have changed since, and what matches now may not be in it. So both are asked for before anything is judged.

use connector::Search;
use futures::StreamExt;
use mapping::{Correlation, Mapping};
use model::{Attributes, Filter, Pointer, filter::Op};
use serde_json::Value;
use store::Side;

use crate::{
    Engine, EngineError,
    ends::{End, Prepared, Remote},
    interpreter::Scripts,
    judge::with_id,
    plan::{StoreLookup, View},
};

/// Sources that are looked at together, so that memory does not grow with their number.
const TOGETHER: usize = 500;
/// Values that one search asks for.
const ASKED: usize = 100;

/// What is to be asked for beside what matches by the mirror or by the natural key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// The records that sources are linked to.
    pub linked: bool,
    /// What matches by other attributes than the natural key. A mirror that was just brought up to date by a change feed has it.
    pub matching: bool,
}

/// What has to be found out for the sources that have no target.
#[derive(Default)]
struct Questions {
    /// Natural keys that their targets would have.
    keys: Vec<String>,
    /// What else their targets are told by.
    filters: Vec<Filter>,
    /// What matches by the mirror.
    suspects: Vec<String>,
}

impl Engine {
    /// Brings the records of some sources, their links' targets and whatever correlates up to date. Gives how many links
    /// followed records that were merged into others.
    pub(crate) async fn read_partial(&self, prepared: &Prepared, ids: &[String]) -> Result<u64, EngineError> {
        let mut followed = 0;
        if let End::Remote(remote) = &prepared.source {
            let side = Side::of_source(prepared.orientation);
            followed += self.read_as_now(remote, prepared.link_type(), side, ids).await?;
        }
        Ok(followed + self.read_targets(prepared, ids, Ask { linked: true, matching: true }).await?)
    }

    /// Brings the targets of some sources up to date: those that they are linked to, where asked for, and those that the
    /// others might be. Gives how many links followed records that were merged into others.
    pub(crate) async fn read_targets(
        &self,
        prepared: &Prepared,
        ids: &[String],
        ask: Ask,
    ) -> Result<u64, EngineError> {
        let End::Remote(remote) = &prepared.target else { return Ok(0) };
        let qualifiers = {
            let (mapping, scripts) = prepared.compile()?;
            prepared.qualifiers(&mapping, &scripts)?
        };
        let mut followed = 0;
        for ids in ids.chunks(TOGETHER) {
            if ask.linked {
                let linked = self.linked_targets(prepared, &qualifiers, ids).await?;
                let side = Side::of_target(prepared.orientation);
                followed += self.read_as_now(remote, prepared.link_type(), side, &linked).await?;
            }
            let questions =
                tokio::task::block_in_place(|| self.questions(prepared, &qualifiers, remote, ids, ask))?;
            let mut fresh = self.read_by_key(remote, &questions.keys).await?;
            for filter in questions.filters {
                fresh.extend(self.read_matching(remote, filter).await?);
            }
            let mut suspects = questions.suspects;
            suspects.retain(|id| !fresh.contains(id));
            suspects.sort();
            suspects.dedup();
            self.read_some(remote, &suspects).await?;
        }
        Ok(followed)
    }

    async fn linked_targets(
        &self,
        prepared: &Prepared,
        qualifiers: &[String],
        ids: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let spaces: Vec<_> = qualifiers.iter().map(|qualifier| prepared.space(qualifier)).collect();
        let wanted = ids.to_vec();
        Ok(self
            .store
            .read(move |r| {
                let mut linked = Vec::new();
                for id in &wanted {
                    for space in &spaces {
                        linked.extend(r.link_of_source(space, id)?.map(|link| link.target_id));
                    }
                }
                Ok(linked)
            })
            .await?)
    }

    /// What to ask for those of these sources that no target stands for.
    fn questions(
        &self,
        prepared: &Prepared,
        qualifiers: &[String],
        remote: &Remote,
        ids: &[String],
        ask: Ask,
    ) -> Result<Questions, EngineError> {
        let (mapping, scripts) = prepared.compile()?;
        let walk = prepared.here();
        let lookup = StoreLookup { view: View::Now(&self.store), prepared, walk: &walk };
        let mut questions = Questions::default();
        for id in ids {
            for qualifier in qualifiers {
                let space = prepared.space(qualifier);
                let alone = self.store.read_blocking(|r| {
                    let target = match r.link_of_source(&space, id)? {
                        Some(link) => r.target(&walk, &link.target_id)?,
                        None => None,
                    };
                    if target.is_some() { Ok(None) } else { r.source(&walk, id) }
                })?;
                if let Some((source, _)) = alone {
                    let source = with_id(&source, id);
                    questions.of(&mapping, &scripts, qualifier, &source, remote, &lookup);
                }
            }
        }
        questions.keys.sort();
        questions.keys.dedup();
        questions.filters =
            if ask.matching { together(std::mem::take(&mut questions.filters)) } else { Vec::new() };
        Ok(questions)
    }

    /// Reads what matches a filter into the mirror, and gives the ids.
    async fn read_matching(&self, remote: &Remote, filter: Filter) -> Result<Vec<String>, EngineError> {
        let mut pages = remote.connector.search(Search {
            object_type: remote.object_type.name.clone(),
            filter: Some(filter),
            attributes: remote.attributes.clone(),
            ..Search::default()
        });
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(self.take_as_now(remote, page?.objects).await?);
        }
        Ok(found)
    }
}

impl Questions {
    /// Adds what to ask for one source. A rule that cannot be asked is told by the judge, for this record alone.
    fn of(
        &mut self,
        mapping: &Mapping,
        scripts: &Scripts,
        qualifier: &str,
        source: &Attributes,
        remote: &Remote,
        lookup: &StoreLookup<'_, '_>,
    ) {
        let natural_key = remote.object_type.natural_key.as_deref();
        let key = natural_key.and_then(|key| mapping.mapped_text(scripts, qualifier, source, key));
        if let Ok(correlation) = mapping.correlate(scripts, qualifier, source)
            && let Ok(matches) = lookup.matches(&correlation)
        {
            self.suspects.extend(matches);
            if let Correlation::Query(query) = correlation
                && !asks_for_key_alone(&query.filter, natural_key, key.as_deref())
            {
                self.filters.push(query.filter);
            }
        }
        self.keys.extend(key);
    }
}

/// Whether a filter asks for nothing but the natural key, by which the records are read anyway.
fn asks_for_key_alone(filter: &Filter, natural_key: Option<&str>, key: Option<&str>) -> bool {
    match filter {
        Filter::Compare(pointer, Op::Eq, Value::String(value)) => {
            natural_key == Some(pointer.to_string().as_str()) && key == Some(value)
        }
        _ => false,
    }
}

/// Texts of one attribute are asked for together, all else one by one.
fn together(filters: Vec<Filter>) -> Vec<Filter> {
    let attribute = |filter: &Filter| match filter {
        Filter::Compare(pointer, Op::Eq, Value::String(_)) => Some(pointer.clone()),
        _ => None,
    };
    let mut groups: Vec<(Option<Pointer>, Vec<Filter>)> = Vec::new();
    for filter in filters {
        if groups.iter().any(|(_, group)| group.contains(&filter)) {
            continue;
        }
        let of = attribute(&filter);
        let has_room = |group: &&mut (Option<Pointer>, Vec<Filter>)| {
            of.is_some() && group.0 == of && group.1.len() < ASKED
        };
        match groups.iter_mut().find(has_room) {
            Some((_, group)) => group.push(filter),
            None => groups.push((of, vec![filter])),
        }
    }
    let joined = groups.into_iter().filter_map(|(_, mut group)| match group.len() {
        1 => group.pop(),
        _ => Some(Filter::Or(group)),
    });
    joined.collect()
}

#[cfg(test)]
mod tests {
    use model::Filter;

    use super::together;

    #[test]
    fn texts_of_one_attribute_are_asked_for_in_one_search() {
        let parse = |texts: &[&str]| texts.iter().map(|t| Filter::parse(t).unwrap()).collect::<Vec<_>>();
        let asked = together(parse(&[
            r#"name eq "a""#,
            r#"name eq "b" and city eq "x""#,
            r#"name eq "b""#,
            r#"name eq "a""#,
            r#"phone eq "1""#,
        ]));
        let wanted =
            parse(&[r#"name eq "a" or name eq "b""#, r#"name eq "b" and city eq "x""#, r#"phone eq "1""#]);
        assert_eq!(asked, wanted);
        assert_eq!(together(Vec::new()), Vec::new());
    }

    #[test]
    fn one_search_asks_for_a_hundred() {
        let many: Vec<Filter> =
            (0..250).map(|n| Filter::parse(&format!(r#"name eq "{n}""#)).unwrap()).collect();
        assert_eq!(together(many).len(), 3);
    }
}
