//! The layout of a set of running sums: in, the quantities wanted and their windows; out, which sums stand side by side
//! in a record, and where each quantity finds its own.

use crate::feature::window::exact::LANES;
use crate::feature::window::quantity::Quantity;
use crate::feature::window::terms::{Input, Term, Use};

/// Terms of a quantity at most.
const TERMS: usize = 5;

/// A quantity over one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) quantity: Quantity,
    /// Slot of its column.
    pub(crate) slot: usize,
    /// Places of its terms, in the order of [`Quantity::terms`], counts left out.
    pub(crate) terms: [usize; TERMS],
    /// Place of the count; none where every row contributes.
    pub(crate) count: Option<usize>,
    /// Places of its runs.
    pub(crate) runs: [usize; 2],
}

/// The quantities of one length of time.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) nanos: i64,
    pub(crate) outputs: Vec<Output>,
    /// Deviations, for which sum and mean of the same column are wanted, too: their slots first.
    pub(crate) moments: Vec<([usize; 2], Output)>,
    /// The groups of terms that they read.
    pub(crate) groups: Vec<usize>,
}

/// Running sums that share their windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// Spans by ascending length.
    pub(crate) spans: Vec<Span>,
    /// Terms by place; a group is [`LANES`] of them, and places that no term needs are none.
    pub(crate) places: Vec<Option<Term>>,
    /// Of each group whether both halves of its differences are kept.
    pub(crate) exact: Vec<bool>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) runs: Vec<Input>,
}

impl Layout {
    /// The layout of `wanted`: quantity, nanoseconds and slot.
    pub(crate) fn new(wanted: &[(Quantity, i64, usize)]) -> Self {
        let mut layout = Self::default();
        let mut terms: Vec<(Term, Use)> = Vec::new();
        for (quantity, _, _) in wanted {
            for (term, used) in quantity.terms() {
                match terms.iter_mut().find(|(known, _)| *known == term) {
                    Some((_, known)) if used == Use::Exact => *known = used,
                    Some(_) => {}
                    None => terms.push((term, used)),
                }
            }
            add_new(&mut layout.runs, quantity.runs());
        }
        // Rounded ones first: a group in which a term needs both halves keeps them for all.
        terms.sort_by_key(|(_, used)| *used == Use::Exact);
        for group in terms.chunks(LANES) {
            layout.exact.push(group.iter().any(|(_, used)| *used == Use::Exact));
            layout.places.extend(group.iter().map(|(term, _)| Some(*term)));
            layout.places.resize(layout.exact.len() * LANES, None);
        }
        let inputs = terms.iter().flat_map(|(term, _)| term.inputs()).chain(layout.runs.clone());
        add_new(&mut layout.inputs, inputs.collect());
        let mut lengths: Vec<i64> = wanted.iter().map(|(_, nanos, _)| *nanos).collect();
        lengths.sort_unstable();
        lengths.dedup();
        for nanos in lengths {
            let outputs: Vec<Output> = wanted
                .iter()
                .filter(|(_, of, _)| *of == nanos)
                .map(|(quantity, _, slot)| layout.output(*quantity, *slot))
                .collect();
            let mut groups = Vec::new();
            for output in &outputs {
                let terms = output.quantity.terms();
                add_new(&mut groups, terms.iter().map(|(term, _)| layout.place(*term) / LANES).collect());
            }
            let (outputs, moments) = apart(outputs);
            layout.spans.push(Span { nanos, outputs, moments, groups });
        }
        layout
    }

    fn place(&self, term: Term) -> usize {
        self.places.iter().position(|place| *place == Some(term)).unwrap_or(0)
    }

    fn output(&self, quantity: Quantity, slot: usize) -> Output {
        let mut output = Output { quantity, slot, terms: [0; TERMS], count: None, runs: [0; 2] };
        let (counts, sums): (Vec<_>, Vec<_>) =
            quantity.terms().into_iter().partition(|(term, _)| matches!(term, Term::Count(_)));
        for (at, (term, _)) in output.terms.iter_mut().zip(sums) {
            *at = self.place(term);
        }
        output.count = counts.first().map(|(term, _)| self.place(*term));
        for (at, run) in output.runs.iter_mut().zip(quantity.runs()) {
            *at = self.runs.iter().position(|known| *known == run).unwrap_or(0);
        }
        output
    }

    /// Groups of a record.
    pub(crate) fn groups(&self) -> usize {
        self.exact.len()
    }

    /// Words of a record: the clock of the next record, then the groups.
    pub(crate) fn width(&self) -> usize {
        self.groups() * 2 * LANES + 1
    }
}

/// Takes out the deviations with whose column sum and mean are wanted, and these two.
fn apart(mut outputs: Vec<Output>) -> (Vec<Output>, Vec<([usize; 2], Output)>) {
    let mut moments = Vec::new();
    for output in outputs.clone() {
        let Quantity::Std(column) = output.quantity else { continue };
        let of = |quantity| outputs.iter().find(|other| other.quantity == quantity).map(|other| other.slot);
        if let (Some(sum), Some(mean)) = (of(Quantity::Sum(column)), of(Quantity::Mean(column))) {
            moments.push(([sum, mean], output));
            outputs.retain(|other| ![sum, mean, output.slot].contains(&other.slot));
        }
    }
    (outputs, moments)
}

fn add_new<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !known.contains(&item) {
            known.push(item);
        }
    }
}
