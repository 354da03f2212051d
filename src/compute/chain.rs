//! Which partitions a run computes, in which order, and which of them hang together.
//!
//! Without `--carry-state` each partition stands for itself. With it the consecutive calendar dates of a security are a
//! chain: a date goes on from the state of the date before. A date that is not in the store, or that has nothing to
//! compute from, breaks the chain, and the next one starts anew. What a wanted date needs of dates that the filter leaves
//! out is taken from their stored states; a date whose state is not there, or is damaged, is computed again, too.

use super::options::ComputeOptions;
use super::plan::{Before, Recipe, RunPlan, Task, blank, manifest};
use super::report::{PartitionOutcome, State};
use crate::error::Result;
use crate::exec::Job;
use crate::read::TableReader;
use crate::schema::PartitionKey;
use crate::store::{Store, Tree};
use crate::units::Date;

/// What an output holds already.
pub(super) struct Held<'a> {
    /// Whether a task's output is there, made from the same things.
    pub(super) is_current: &'a dyn Fn(&Task) -> Result<bool>,
    /// The state that a date has left, if it is there with the fingerprint.
    pub(super) state: &'a dyn Fn(&Before) -> Result<Option<TableReader>>,
}

impl Held<'_> {
    /// An output that keeps nothing.
    pub(super) const NOTHING: Held<'static> = Held { is_current: &|_| Ok(false), state: &|_| Ok(None) };

    /// Whether the state that a date has left is there and whole.
    fn has_state(&self, of: &Before) -> bool {
        matches!((self.state)(of), Ok(Some(table)) if table.verify().is_ok())
    }
}

/// A partition on its way into the plan.
struct Link {
    outcome: PartitionOutcome,
    task: Option<Task>,
    /// The filter lets it pass.
    wanted: bool,
    computed: bool,
}

/// Plans the partitions that pass the filter. A partition whose manifest cannot be read fails alone, or with the dates that
/// would go on from it.
///
/// # Errors
/// `Io` if the store cannot be listed, `Interrupted`.
pub(super) fn plan(options: &ComputeOptions, store: &Store, recipe: &Recipe, held: &Held<'_>) -> Result<RunPlan> {
    let mut links: Vec<Link> = Vec::new();
    let may_matter = |key: &PartitionKey| {
        let passes = if recipe.carries { options.filter.pass_names(key) } else { options.filter.pass(key) };
        passes && options.shard.is_none_or(|shard| shard.takes(key, recipe.carries))
    };
    for key in store.keys(&Tree::Raw)?.into_iter().filter(may_matter) {
        options.interrupt.check()?;
        let wanted = options.filter.pass(&key);
        let mut link = Link { outcome: blank(key), task: None, wanted, computed: false };
        match task(options, store, recipe, (&link.outcome.key, links.last())) {
            Ok(task) => {
                task.describe(&mut link.outcome);
                link.task = Some(task);
            }
            Err(state) => link.outcome.state = state,
        }
        links.push(link);
    }
    choose(&mut links, options.force, held);
    let mut plan = RunPlan { jobs: Vec::new(), outcomes: Vec::new() };
    for link in links.into_iter().filter(|link| link.wanted || link.computed) {
        if let Some(task) = link.task.filter(|_| link.computed) {
            let task = Task { outcome: plan.outcomes.len(), ..task };
            plan.jobs.push(Job { weight: task.rows(), task, follows: false });
        }
        plan.outcomes.push(link.outcome);
    }
    hang_together(&mut plan.jobs);
    Ok(plan)
}

/// The task of a partition after the one that the list ends with, or what becomes of it without one.
fn task(
    options: &ComputeOptions,
    store: &Store,
    recipe: &Recipe,
    (key, last): (&PartitionKey, Option<&Link>),
) -> Result<Task, State> {
    let failed = |error: crate::error::Error| State::Failed(error.to_string());
    let raw = manifest(options, store, key).map_err(failed)?;
    let raw = raw.ok_or_else(|| State::Skipped("never published".to_owned()))?;
    let last = last.filter(|last| recipe.carries && is_day_before(&last.outcome.key, key));
    if let Some(State::Failed(reason)) = last.map(|last| &last.outcome.state) {
        return Err(State::Failed(format!("the date before failed: {reason}")));
    }
    let earlier = last.and_then(|last| last.task.as_ref()).filter(|task| task.raw.date_tz == raw.date_tz);
    let before = earlier.map(|task| Before { key: task.raw.key.clone(), fingerprint: task.fingerprint });
    recipe.task(store, raw, before).map_err(failed)?.map_err(State::Skipped)
}

/// Whether `earlier` is of the calendar date before `key` of the same security.
fn is_day_before(earlier: &PartitionKey, key: &PartitionKey) -> bool {
    let next = earlier.date.0.checked_add(1).map(Date);
    (&earlier.venue, &earlier.security) == (&key.venue, &key.security) && next == Some(key.date)
}

/// Marks what is computed: what is wanted and not up to date, and what that needs a state of which is not there.
fn choose(links: &mut [Link], force: bool, held: &Held<'_>) {
    let mut needed = false;
    for link in links.iter_mut().rev() {
        let Some(task) = &link.task else {
            needed = false;
            continue;
        };
        // An output that cannot be read is made again.
        let is_current = link.wanted && !force && matches!((held.is_current)(task), Ok(true));
        let own = Before { key: task.raw.key.clone(), fingerprint: task.fingerprint };
        link.computed = link.wanted && !is_current || needed && !held.has_state(&own);
        if is_current && !link.computed {
            link.outcome.state = State::UpToDate;
        }
        needed = link.computed && task.before.is_some();
    }
}

/// Lets each job follow the one before it in the list where it goes on from that one's state.
pub(super) fn hang_together(jobs: &mut [Job<Task>]) {
    for number in 1..jobs.len() {
        let key = &jobs[number - 1].task.raw.key;
        jobs[number].follows = jobs[number].task.before.as_ref().is_some_and(|before| before.key == *key);
    }
    if let Some(first) = jobs.first_mut() {
        first.follows = false;
    }
}
