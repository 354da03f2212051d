//! From configuration and partition shape to a plan: which columns are written, in which order, and which kernels run.

use crate::error::{Error, Result};
use crate::feature::registry::{Family, Kernel, LevelRule};
use crate::feature::select::{Selector, instance_name, instance_text, instances};
use crate::feature::series::SeriesColumn;
use crate::feature::window::{Quantity, SpreadRules, Window, WindowPlan};
use crate::feature::{Entry, FAMILIES, FeatureConfig, Names, select};
use crate::limits;
use crate::schema::{Column, LogicalType, Schema};
use crate::units::NANOS_PER_SECOND;

/// Columns of a feature table at most: a block of them is handed over in an array on the stack.
pub(crate) const COLUMNS_MAX: usize = 512;

/// What a partition's stored tables look like, as far as the output's columns depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartitionShape {
    /// Levels stored in the book (1 for quotes).
    pub levels: u16,
    /// `ts_event` is stored, perhaps not in every row.
    pub ts_event: KeyShape,
    /// `ts_recv` is stored.
    pub ts_recv: KeyShape,
    /// `sequence` is stored.
    pub sequence: KeyShape,
}

/// Whether a key column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyShape {
    /// In no row.
    Absent,
    /// In some rows.
    Nullable,
    /// In every row.
    Present,
}

/// Where an output column's values stand in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Key column 0 to 2.
    Key(usize),
    /// `book_flags`.
    Flags,
    /// Calendar column 0 to 3.
    Calendar(usize),
    /// Slot of an f64 column.
    Slot(usize),
    /// Slot of a column of small integers, kept as f64, and its number among such.
    Small(usize, usize),
}

/// A family that runs, and its slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) kernel: Kernel,
    pub(crate) first_slot: usize,
    pub(crate) slots: usize,
}

/// A column over a window: quantity, whether at a horizon, nanoseconds, slot.
type Wanted = (Quantity, bool, i64, usize);

fn spread_rules(config: &FeatureConfig) -> SpreadRules {
    let nanos = |window: Window| i64::from(window.seconds(config)) * NANOS_PER_SECOND;
    SpreadRules {
        spread_nanos: nanos(Window::Spread),
        regime_nanos: nanos(Window::Regime),
        tight_percent: config.tight_percent,
        wide_percent: config.wide_percent,
    }
}

/// A checked selection for one partition shape. Immutable; workers may share it, and equal shapes need one plan only.
#[derive(Clone, Debug)]
pub struct Plan {
    config: FeatureConfig,
    schema: Schema,
    versions: Vec<u32>,
    pub(crate) levels: u16,
    pub(crate) places: Vec<Place>,
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: usize,
    /// Columns of the series that something selected reads, with the slot of their values, or none where they are
    /// taken from the batch itself.
    pub(crate) series: Vec<(SeriesColumn, Option<usize>)>,
    pub(crate) windows: WindowPlan,
    /// Columns of small integers.
    pub(crate) small: usize,
}

impl Plan {
    /// Plans the table `book`.
    ///
    /// # Errors
    /// `Usage` for a configuration out of range, a pattern that matches no column, or more than 512 columns.
    pub fn new(config: &FeatureConfig, shape: &PartitionShape) -> Result<Self> {
        let mut series: Vec<(SeriesColumn, Option<usize>)> = Vec::new();
        for column in select(config)?.iter().flat_map(Entry::needs) {
            if !series.iter().any(|(known, _)| known == column) {
                series.push((*column, None));
            }
        }
        let mut plan = Self {
            config: config.clone(),
            schema: Schema::default(),
            versions: Vec::new(),
            levels: config.levels.min(shape.levels),
            places: Vec::new(),
            steps: Vec::new(),
            slots: 0,
            series,
            windows: WindowPlan::default(),
            small: 0,
        };
        let keys = [("ts_event", shape.ts_event), ("ts_recv", shape.ts_recv), ("sequence", shape.sequence)];
        for (i, (name, shape)) in keys.into_iter().enumerate() {
            let ty = if i == 2 { LogicalType::U64 } else { LogicalType::Ts };
            match shape {
                KeyShape::Absent => {}
                KeyShape::Nullable => plan.push(Column::nullable(name, ty), Place::Key(i), 1),
                KeyShape::Present => plan.push(Column::required(name, ty), Place::Key(i), 1),
            }
        }
        plan.push(Column::required("book_flags", LogicalType::Flags), Place::Flags, 1);
        let selector = Selector::new(config)?;
        let mut wanted = Vec::new();
        for family in FAMILIES.iter().filter(|family| family.table == "book") {
            plan.add_family(family, &selector, &mut wanted);
        }
        plan.windows = WindowPlan::new(&wanted, spread_rules(config));
        if plan.places.len() > COLUMNS_MAX {
            return Err(Error::usage(
                format!("{} columns are selected and a table holds {COLUMNS_MAX}", plan.places.len()),
                "select fewer levels or features",
            ));
        }
        Ok(plan)
    }

    fn push(&mut self, column: Column, place: Place, version: u32) {
        self.schema.columns.push(column);
        self.places.push(place);
        self.versions.push(version);
    }

    /// Gives every column of a family a slot if any of them is written, or read by the series.
    fn add_family(&mut self, family: &'static Family, selector: &Selector<'_>, wanted: &mut Vec<Wanted>) {
        let first_slot = self.slots;
        let before = self.places.len();
        let mut slots = 0;
        let mut i = 0;
        while i < family.columns.len() {
            let each = |rule| matches!(rule, LevelRule::Each | LevelRule::EachOfi | LevelRule::Horizon);
            // Templates that follow each other take turns, level by level or horizon by horizon.
            let run = family.columns[i..].iter().take_while(|c| each(c.levels)).count();
            for level in 0..if run == 0 { 1 } else { self.expanded(family.columns[i].levels) } {
                for (at, column) in family.columns[i..i + run.max(1)].iter().enumerate() {
                    let slot = first_slot + slots;
                    let written = self.add_column(Entry { family, column }, level, slot, selector);
                    match family.kernel {
                        Kernel::Window(quantities) if written => {
                            wanted.push(self.wanted(quantities[i + at], column.levels, level, slot));
                            slots += 1;
                        }
                        Kernel::Window(_) => {}
                        _ => slots += 1,
                    }
                }
            }
            i += run.max(1);
        }
        let read = self.series.iter().any(|(_, slot)| slot.is_some_and(|slot| slot >= first_slot));
        if self.places.len() == before && !read {
            return;
        }
        self.steps.push(Step { kernel: family.kernel, first_slot, slots });
        self.slots += slots;
    }

    /// Levels of a template.
    fn expanded(&self, rule: LevelRule) -> u16 {
        match rule {
            LevelRule::EachOfi => self.levels.min(self.config.ofi_levels),
            LevelRule::Each => self.levels,
            rule => instances(&self.config, rule),
        }
    }

    /// What a column over a window wants of the windows.
    fn wanted(&self, quantity: Quantity, rule: LevelRule, instance: u16, slot: usize) -> Wanted {
        let seconds = match rule {
            LevelRule::Window(window) => window.seconds(&self.config),
            _ => self.config.horizons_s.get(usize::from(instance)).copied().unwrap_or(1),
        };
        (quantity, rule == LevelRule::Horizon, i64::from(seconds) * NANOS_PER_SECOND, slot)
    }

    /// Adds a column to the output if it is written, and says whether.
    fn add_column(&mut self, entry: Entry, level: u16, slot: usize, selector: &Selector<'_>) -> bool {
        let name = instance_name(&self.config, entry.column, level);
        for (column, at) in &mut self.series {
            if column.source() == Some(entry.column.name) {
                *at = Some(slot);
            }
        }
        let exists = !matches!(entry.column.levels, LevelRule::AtLeast(n) if n > self.levels);
        if !exists || !selector.writes(&entry, &name) {
            return false;
        }
        let seed = self.config.names == Names::Seed && !entry.column.alias.is_empty();
        let name = if seed { instance_text(&self.config, entry.column, entry.column.alias, level) } else { name };
        let place = match entry.family.kernel {
            Kernel::Calendar => {
                let at = entry.family.columns.iter().position(|c| c.name == entry.column.name);
                Place::Calendar(at.unwrap_or(0))
            }
            _ if entry.column.dtype == LogicalType::I8 => {
                self.small += 1;
                Place::Small(slot, self.small - 1)
            }
            _ => Place::Slot(slot),
        };
        let column = match entry.column.dtype {
            dtype @ (LogicalType::F64 | LogicalType::I8) => Column::nullable(name, dtype),
            dtype => Column::required(name, dtype),
        };
        self.push(column, place, entry.column.version);
        true
    }

    /// Whether a slot is of a flow family, whose values stand compacted until the end of a batch.
    pub(crate) fn is_flow(&self, slot: usize) -> bool {
        let of = |step: &&Step| (step.first_slot..step.first_slot + step.slots).contains(&slot);
        self.steps.iter().find(of).is_some_and(|step| matches!(step.kernel, Kernel::Flow(_)))
    }

    /// The output table's columns: keys, then features in contract order.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The configuration it was made from.
    #[must_use]
    pub fn config(&self) -> &FeatureConfig {
        &self.config
    }

    /// N of the contract (B2).
    #[must_use]
    pub fn levels(&self) -> u16 {
        self.levels
    }

    /// Rows of every emitted block but the last: a valid `block_rows` of a header.
    #[must_use]
    pub fn block_rows(&self) -> usize {
        limits::BLOCK_ROWS as usize
    }

    /// What the fingerprint needs: the canonical configuration, then name and version of each written column.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = self.config.canonical_bytes();
        for (column, version) in self.schema.columns.iter().zip(&self.versions) {
            bytes.extend_from_slice(column.name.as_bytes());
            bytes.extend_from_slice(format!("={version}\n").as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::registry;

    fn shape(levels: u16) -> PartitionShape {
        PartitionShape { levels, ts_event: KeyShape::Present, ts_recv: KeyShape::Absent, sequence: KeyShape::Nullable }
    }

    fn names(config: &FeatureConfig, levels: u16) -> Vec<String> {
        Plan::new(config, &shape(levels)).unwrap().schema().columns.iter().map(|c| c.name.clone()).collect()
    }

    #[test]
    fn columns_follow_the_contract_and_n() {
        let names = names(&FeatureConfig::default(), 5);
        assert_eq!(names[..6], ["ts_event", "sequence", "book_flags", "best_bid", "best_ask", "best_bid_sz"]);
        assert!(names.contains(&"imbalance_5".to_owned()) && !names.contains(&"imbalance_10".to_owned()));
        assert!(names.contains(&"vwap_bid_5".to_owned()) && !names.contains(&"vwap_bid_10".to_owned()));
        assert_eq!(names[names.len() - 2..], ["depth_5bps_std_300s", "vpin"]);
        assert!(!names.iter().any(|n| n.starts_with("ofi_0") || n.starts_with("bid_px")));
    }

    #[test]
    fn level_columns_expand_in_turns() {
        let config = FeatureConfig { raw_levels: true, mlofi_levels: true, ofi_levels: 2, ..FeatureConfig::default() };
        let names = names(&config, 3);
        let raw: Vec<_> = names.iter().filter(|n| n.contains("_px_") || n.contains("_sz_")).collect();
        assert_eq!(raw[..5], ["bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00", "bid_px_01"]);
        assert_eq!(raw.len(), 12);
        let at = names.iter().position(|n| n == "ofi").unwrap();
        assert_eq!(names[at..at + 5], ["ofi", "ofi_00", "ofi_01", "mlofi", "ofi_multi"]);
    }

    #[test]
    fn no_two_columns_share_a_name_and_no_alias_is_a_name() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in registry() {
            assert!(seen.insert((entry.family.table, entry.column.name)), "{} twice", entry.column.name);
            assert!(!entry.column.formula.is_empty() && !entry.column.unit.is_empty());
        }
    }

    #[test]
    fn no_two_columns_share_a_name_under_the_names_of_the_seed() {
        let features = vec!["*".to_owned(), "rolling_stats".to_owned(), "vwap_10".to_owned()];
        let config = FeatureConfig { names: Names::Seed, mlofi_levels: true, features, ..FeatureConfig::default() };
        let names = names(&config, 20);
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        for name in ["rv_5s", "rvol_900s", "tfi_60s", "trade_vol_15s", "relative_spread", "kyle_lambda_volume_r2"] {
            assert!(names.contains(&name.to_owned()), "{name}");
        }
    }

    #[test]
    fn windows_run_what_they_read_and_no_more() {
        let features = vec!["ofi_sum_5s".to_owned(), "depth_5bps_std_300s".to_owned()];
        let plan = Plan::new(&FeatureConfig { features, ..FeatureConfig::default() }, &shape(10)).unwrap();
        let names: Vec<_> = plan.schema().columns.iter().skip(3).map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["ofi_sum_5s", "depth_5bps_std_300s"]);
        // Bands and order flow are read, not written.
        assert_eq!(plan.steps.iter().filter(|step| !matches!(step.kernel, Kernel::Window(_))).count(), 2);
        let read: Vec<_> = plan.series.iter().map(|(column, _)| *column).collect();
        assert_eq!(read, [SeriesColumn::Ofi, SeriesColumn::BidNear, SeriesColumn::AskNear]);
    }

    #[test]
    fn names_follow_horizons_and_windows() {
        let config = FeatureConfig { horizons_s: vec![2, 7], slope_window_s: 30, ..FeatureConfig::default() };
        let names = names(&config, 10);
        let rolling: Vec<_> = names.iter().filter(|n| n.starts_with("ret_mean") || n.starts_with("ofi_sum")).collect();
        assert_eq!(rolling, ["ofi_sum_2s", "ret_mean_2s", "ofi_sum_7s", "ret_mean_7s"]);
        assert!(
            names.contains(&"bid_slope_reg_mean_30s".to_owned()) && names.contains(&"depth_5bps_std_300s".to_owned())
        );
    }

    #[test]
    fn only_what_is_selected_runs() {
        let config = FeatureConfig { features: vec!["mid".to_owned()], ..FeatureConfig::default() };
        let plan = Plan::new(&config, &shape(20)).unwrap();
        assert_eq!(plan.steps.len(), 1);
        assert_eq!(plan.schema().columns.last().unwrap().name, "mid");
    }

    #[test]
    fn sources_of_the_series_are_columns_that_always_exist() {
        for column in SeriesColumn::ALL {
            let Some(source) = column.source() else { continue };
            let found = registry().find(|entry| entry.column.name == source).unwrap();
            assert_eq!(found.column.levels, LevelRule::Any, "{source}");
            assert_eq!(found.family.table, "book");
        }
    }

    #[test]
    fn seed_names_are_written_on_request() {
        let config = FeatureConfig { names: Names::Seed, ..FeatureConfig::default() };
        let names = names(&config, 20);
        assert!(names.contains(&"mid_price".to_owned()) && !names.contains(&"mid".to_owned()));
        assert!(names.contains(&"spread".to_owned()));
    }
}
