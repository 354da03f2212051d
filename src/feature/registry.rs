//! The registry: one entry a column, the single source of names, units, formulas, null rules and versions (G11).
//!
//! A family is one file of kernels with its columns; [`FAMILIES`] has one line for each. The output schema, the
//! selection, `hftcol features` and the reference page follow from the entries.

use crate::feature::bar::{self, Bar};
use crate::feature::orders::{self, OrderBar};
use crate::feature::series::SeriesColumn;
use crate::feature::trade::{self, TradeFrame};
use crate::feature::window::{Quantity, Window};
use crate::feature::{Flow, Out, Scratch, Structural};
use crate::feature::{
    bands, calendar, cog, concentration, decay, depth, fixed, levels, ofi, quote, raw, regression, returns, rolling,
    slope, smart, trade_flow, vpin,
};
use crate::schema::LogicalType;

/// One column of a feature table, as far as it does not depend on a partition.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Exact name; a template (`ofi_{i:02}`) where `levels` is [`LevelRule::Each`].
    pub name: &'static str,
    /// Name in the seed for a column of the same definition (A7), or empty.
    pub alias: &'static str,
    /// Type of the stored column.
    pub dtype: LogicalType,
    /// Unit: `price`, `size`, `bps`, `1` for pure numbers...
    pub unit: &'static str,
    /// Definition in the notation of the contract.
    pub formula: &'static str,
    /// Raw columns it reads.
    pub inputs: &'static str,
    /// Configuration keys it depends on.
    pub parameters: &'static str,
    /// When it is null.
    pub null_rule: &'static str,
    /// Paper or seed.
    pub source: &'static str,
    /// Raised with every change of values; part of fingerprints.
    pub version: u32,
    /// For which N the column exists.
    pub levels: LevelRule,
    /// Written only when a pattern selects it, or its configuration key.
    pub optional: bool,
    /// Written only under the seed's names.
    pub seed_only: bool,
}

/// For which number of levels a column exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelRule {
    /// Always.
    Any,
    /// Only when N is at least this (C4).
    AtLeast(u16),
    /// Once for each level, the name being a template.
    Each,
    /// Once for each level below `ofi_levels`, the name being a template.
    EachOfi,
    /// Once for each of `horizons_s`, `{h}` in the name being its seconds.
    Horizon,
    /// Once for each of `impact_s`, `{g}` in the name being its seconds.
    Impact,
    /// Once, where changes of the book are stored: `deltas` or `orders`.
    Changes,
    /// Once; its window may be configured, and a name that ends in the seconds follows.
    Window(Window),
}

impl Definition {
    /// A column of f64 that depends on the book alone, null where it is not two-sided.
    pub(crate) const fn new(name: &'static str, unit: &'static str, formula: &'static str) -> Self {
        Self {
            name,
            alias: "",
            dtype: LogicalType::F64,
            unit,
            formula,
            inputs: "book levels < N",
            parameters: "levels",
            null_rule: "not two-sided",
            source: "seed (order-book ETL)",
            version: 1,
            levels: LevelRule::Any,
            optional: false,
            seed_only: false,
        }
    }

    pub(crate) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = alias;
        self
    }

    pub(crate) const fn reads(mut self, inputs: &'static str, parameters: &'static str) -> Self {
        self.inputs = inputs;
        self.parameters = parameters;
        self
    }

    pub(crate) const fn null(mut self, rule: &'static str) -> Self {
        self.null_rule = rule;
        self
    }

    pub(crate) const fn source(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    pub(crate) const fn levels(mut self, rule: LevelRule) -> Self {
        self.levels = rule;
        self
    }

    pub(crate) const fn dtype(mut self, dtype: LogicalType) -> Self {
        self.dtype = dtype;
        self
    }

    pub(crate) const fn seed_only(mut self) -> Self {
        self.seed_only = true;
        self
    }

    pub(crate) const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// A family: the columns that one kernel file computes together.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name for selection.
    pub name: &'static str,
    /// Table the columns stand in.
    pub table: &'static str,
    /// What the family is, in one sentence.
    pub about: &'static str,
    /// Columns in contract order.
    pub columns: &'static [Definition],
    /// What it reads of the series of two-sided snapshots: columns of other families among them, which then run
    /// whether or not they are written.
    pub(crate) needs: &'static [SeriesColumn],
    pub(crate) kernel: Kernel,
}

/// What computes a family.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kernel {
    /// From one snapshot alone, for every row.
    Structural(fn(&Structural<'_>, &mut Scratch, Out<'_>)),
    /// From consecutive two-sided snapshots and their trades, for two-sided rows only.
    Flow(fn(&Flow<'_>, Out<'_>)),
    /// Small integers from the clock.
    Calendar,
    /// From the trades before each two-sided snapshot, for two-sided rows only.
    Vpin,
    /// From a batch of trades.
    Trade(fn(&TradeFrame, Out<'_>)),
    /// Small integers of each trade.
    TradeSides,
    /// From a bar that has ended: one row.
    Bar(fn(&Bar<'_>, Out<'_>)),
    /// From a bucket of order messages: one row.
    Orders(fn(&OrderBar<'_>, Out<'_>)),
    /// Over windows of time, one quantity a column.
    Window(&'static [Quantity]),
}

impl Entry {
    /// The columns of the series that it reads.
    pub(crate) fn needs(&self) -> &'static [SeriesColumn] {
        match self.family.kernel {
            Kernel::Window(quantities) => {
                let at = self.family.columns.iter().position(|c| std::ptr::eq(c, self.column));
                at.and_then(|at| quantities.get(at)).map_or(&[], |quantity| quantity.needs())
            }
            _ => self.family.needs,
        }
    }
}

/// One row of `hftcol features`.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The family.
    pub family: &'static Family,
    /// The column.
    pub column: &'static Definition,
}

/// Every family, in contract order.
pub static FAMILIES: &[Family] = &[
    raw::FAMILY,
    quote::FAMILY,
    quote::SEED_NAMES,
    depth::FAMILY,
    depth::VWAP_10,
    smart::FAMILY,
    slope::FAMILY,
    regression::FAMILY,
    cog::FAMILY,
    decay::FAMILY,
    concentration::FAMILY,
    bands::FAMILY,
    levels::FAMILY,
    calendar::FAMILY,
    ofi::FAMILY,
    returns::FAMILY,
    trade_flow::FAMILY,
    rolling::FAMILY,
    rolling::STATS,
    rolling::SEED_NAMES,
    fixed::SPREAD_STATE,
    fixed::IMPACT,
    fixed::STEADINESS,
    vpin::BOOK,
    trade::PRICE,
    trade::SIDES,
    trade::VALUES,
    trade::COST,
    trade::IMPACT,
    trade::ROLLING,
    vpin::TRADES,
    bar::BOOK,
    bar::TRADES,
    bar::RETURNS,
    orders::EVENTS,
    orders::COUNTS,
    orders::LIVES,
    bar::EVENT_TRADES,
    bar::EVENT_RETURNS,
];

/// Every column of every family, in contract order; level columns as templates.
pub fn registry() -> impl Iterator<Item = Entry> {
    FAMILIES.iter().flat_map(|family| family.columns.iter().map(move |column| Entry { family, column }))
}
