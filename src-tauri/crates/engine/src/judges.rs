//! Judging on several threads. A mapping's scripts cannot change threads, so each thread compiles the mapping for itself. What
//! a record is judged to be does not depend on other records of the walk; chunks are given back in its order, so that a plan is
//! the same however many threads made it.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, Scope},
};

use model::policy::Rules;
use store::{Candidate, Store, Walk};

use crate::{
    EngineError,
    ends::{End, Prepared},
    judge::{Judge, Judgement},
    plan::{self, Check, StoreLookup, View},
    unique::Refusal,
};

/// IDM's number, where a mapping has no `taskThreads`.
const DEFAULT_THREADS: usize = 10;
/// Chunks that lie ready beside those that are being judged, so that no thread waits for its next one.
const AHEAD: usize = 1;

/// What all judges of a walk share.
pub(crate) struct Court<'a> {
    pub store: &'a Store,
    pub prepared: &'a Prepared,
    /// The run's `_id`.
    pub run: &'a str,
    pub qualifier: &'a str,
    pub walk: &'a Walk,
}

/// A chunk of sources that was judged.
pub(crate) struct Chunk {
    pub sources: u64,
    /// How many of them have a link whose target is there.
    pub with_target: u64,
    pub rulings: Vec<Ruling>,
}

/// What comes of one source once the policies of its target have been asked.
pub(crate) struct Ruling {
    pub judgement: Judgement,
    /// How its entry fails, unless another object of the run gives up a unique value.
    pub contested: Option<Refusal>,
}

impl Ruling {
    fn plain(judgement: Judgement) -> Self {
        Self { judgement, contested: None }
    }
}

impl Court<'_> {
    /// How many threads judge a walk over so many sources: as many as the mapping asks for, though not more than there are
    /// processors and chunks. 0 is the calling thread.
    pub(crate) fn threads(&self, sources: u64, chunk: usize) -> usize {
        let chunks = usize::try_from(sources.div_ceil(chunk.max(1) as u64)).unwrap_or(usize::MAX);
        let processors = thread::available_parallelism().map_or(1, Into::into);
        let threads =
            self.prepared.config.task_threads.unwrap_or(DEFAULT_THREADS).min(processors).min(chunks);
        if threads > 1 { threads } else { 0 }
    }

    fn rules(&self) -> Option<Rules<'_>> {
        match &self.prepared.target {
            End::Managed(config) => Some(Rules::of(config)),
            End::Remote(_) => None,
        }
    }

    /// Judges a chunk as the repository is now.
    fn chunk(
        &self,
        judge: &Judge<'_>,
        rules: Option<&Rules<'_>>,
        candidates: &[Candidate],
    ) -> Result<Chunk, EngineError> {
        let rulings = self.store.read_blocking(|reader| {
            let view = View::Chunk(reader);
            let lookup = StoreLookup { view, prepared: self.prepared, walk: self.walk };
            let judged = candidates.iter().map(|candidate| {
                match (judge.source(self.qualifier, candidate, &lookup), rules) {
                    (Judgement::Entry(entry, stamp), Some(rules)) => {
                        Ok(match plan::check(view, rules, &entry)? {
                            Check::Passed => Ruling::plain(Judgement::Entry(entry, stamp)),
                            Check::Contested(refusal) => {
                                Ruling { judgement: Judgement::Entry(entry, stamp), contested: Some(refusal) }
                            }
                            Check::Refused(refusal) => {
                                Ruling::plain(Judgement::Entry(Box::new(refusal.of(*entry)), stamp))
                            }
                        })
                    }
                    (judgement, _) => Ok(Ruling::plain(judgement)),
                }
            });
            judged.collect::<Result<Vec<_>, _>>()
        })?;
        let with_target = candidates.iter().filter(|candidate| candidate.target.is_some()).count() as u64;
        Ok(Chunk { sources: candidates.len() as u64, with_target, rulings })
    }

    /// A thread's work: one chunk after the other, until there are no more or nobody wants them.
    fn sit(&self, chunks: &Receiver<Vec<Candidate>>, judged: &SyncSender<Result<Chunk, EngineError>>) {
        let (mapping, scripts) = match self.prepared.compile() {
            Ok(compiled) => compiled,
            Err(error) => return judged.send(Err(error)).unwrap_or(()),
        };
        let judge = plan::judge(self.prepared, &mapping, &scripts, self.run);
        let rules = self.rules();
        while let Ok(candidates) = chunks.recv() {
            if judged.send(self.chunk(&judge, rules.as_ref(), &candidates)).is_err() {
                return;
            }
        }
    }
}

/// Who judges: the calling thread, or others that take turns.
pub(crate) enum Judges<'a> {
    Here { court: &'a Court<'a>, judge: &'a Judge<'a>, rules: Option<Rules<'a>> },
    There { threads: Vec<Thread>, given: usize, under_way: VecDeque<usize> },
}

pub(crate) struct Thread {
    chunks: SyncSender<Vec<Candidate>>,
    judged: Receiver<Result<Chunk, EngineError>>,
}

impl<'a> Judges<'a> {
    /// Has the walk judged by so many threads; with none, by the calling thread with this judge.
    pub(crate) fn of<'scope>(
        court: &'a Court<'a>,
        judge: &'a Judge<'a>,
        threads: usize,
        scope: &'scope Scope<'scope, 'a>,
    ) -> Self {
        if threads == 0 {
            return Self::Here { court, judge, rules: court.rules() };
        }
        let threads = (0..threads).map(|_| {
            let (chunks, to_judge) = sync_channel(AHEAD);
            let (give_back, judged) = sync_channel(AHEAD);
            scope.spawn(move || court.sit(&to_judge, &give_back));
            Thread { chunks, judged }
        });
        Self::There { threads: threads.collect(), given: 0, under_way: VecDeque::new() }
    }

    /// The next chunk in the order of the walk, judged. `source` gives the chunks that are to be judged.
    pub(crate) fn next(
        &mut self,
        source: &mut impl FnMut() -> Result<Option<Vec<Candidate>>, EngineError>,
    ) -> Result<Option<Chunk>, EngineError> {
        match self {
            Self::Here { court, judge, rules } => {
                source()?.map(|candidates| court.chunk(judge, rules.as_ref(), &candidates)).transpose()
            }
            Self::There { threads, given, under_way } => {
                while under_way.len() < threads.len() + AHEAD {
                    let Some(candidates) = source()? else { break };
                    let turn = *given % threads.len();
                    let thread = threads.get(turn).ok_or_else(broken_off)?;
                    thread.chunks.send(candidates).map_err(|_| thread.why())?;
                    under_way.push_back(turn);
                    *given += 1;
                }
                let Some(turn) = under_way.pop_front() else { return Ok(None) };
                let thread = threads.get(turn).ok_or_else(broken_off)?;
                thread.judged.recv().map_err(|_| broken_off())?.map(Some)
            }
        }
    }
}

impl Thread {
    /// Why it takes no more: one that could not begin has said so.
    fn why(&self) -> EngineError {
        self.judged.recv().ok().and_then(Result::err).unwrap_or_else(broken_off)
    }
}

/// Of a thread that panicked, which has been told already.
fn broken_off() -> EngineError {
    EngineError::config("judging the records broke off")
}
