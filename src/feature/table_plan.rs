//! The plan of a table other than `book`: its columns, where their values stand, and which kernels run.

use crate::codec::ColumnValues;
use crate::error::{Error, Result};
use crate::feature::plan::{COLUMNS_MAX, KeyShape, Step};
use crate::feature::registry::{Definition, Kernel, LevelRule};
use crate::feature::select::Selector;
use crate::feature::{Entry, FAMILIES, FeatureConfig, Names, Out, Table, TableShape};
use crate::limits;
use crate::schema::{Column, LogicalType, Schema};

/// Rows of a block of bars.
const BAR_ROWS: usize = 512;

/// Gets one block of one table: the table's number, rows, and the columns in the order of its schema.
pub type EmitTable<'a> = dyn FnMut(usize, usize, &[ColumnValues<'_>]) -> Result<()> + 'a;

/// Where a column's values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Whole numbers: keys, sides.
    Int(usize),
    /// f64.
    Slot(usize),
}

/// A checked selection for one table.
#[derive(Clone, Debug)]
pub struct TablePlan {
    table: Table,
    schema: Schema,
    versions: Vec<u32>,
    places: Vec<Place>,
    pub(crate) steps: Vec<Step>,
    /// Names of the families that run.
    pub(crate) families: Vec<&'static str>,
    slots: usize,
    ints: usize,
}

impl TablePlan {
    /// Plans a table of partitions of one shape.
    ///
    /// # Errors
    /// `Usage` for more than 512 columns.
    pub(crate) fn new(config: &FeatureConfig, table: Table, shape: &TableShape) -> Result<Self> {
        let selector = Selector::new(config)?;
        let mut plan = Self {
            table,
            schema: Schema::default(),
            versions: Vec::new(),
            places: Vec::new(),
            steps: Vec::new(),
            families: Vec::new(),
            slots: 0,
            ints: 0,
        };
        plan.add_keys(shape.trade_keys);
        let has_changes = shape.stored.orders || shape.stored.deltas;
        for family in FAMILIES.iter().filter(|family| family.table == table.kind()) {
            let first_slot = plan.slots;
            let before = plan.places.len();
            let each = |rule| matches!(rule, LevelRule::Horizon | LevelRule::Impact);
            let is_missing = |c: &Definition| c.levels == LevelRule::Changes && !has_changes;
            let mut columns = if family.columns.iter().any(is_missing) { &[] } else { family.columns };
            while let Some(first) = columns.first() {
                // Templates that follow each other take turns, length by length.
                let run = columns.iter().take_while(|c| each(c.levels)).count();
                let lengths = lengths(config, first.levels);
                for seconds in &lengths {
                    for column in &columns[..run.max(1)] {
                        plan.add_column(&selector, Entry { family, column }, *seconds);
                    }
                }
                columns = &columns[run.max(1)..];
            }
            if plan.places.len() == before {
                plan.slots = first_slot;
                continue;
            }
            plan.steps.push(Step { kernel: family.kernel, first_slot, slots: plan.slots - first_slot });
            plan.families.push(family.name);
        }
        if plan.places.len() > COLUMNS_MAX {
            return Err(Error::usage(
                format!(
                    "{} columns of {} are selected and a table holds {COLUMNS_MAX}",
                    plan.places.len(),
                    table.name()
                ),
                "select fewer horizons or features",
            ));
        }
        Ok(plan)
    }

    fn add_keys(&mut self, keys: [KeyShape; 2]) {
        match self.table {
            Table::Book | Table::Trades => {
                for (name, shape) in ["ts_event", "ts_recv"].into_iter().zip(keys) {
                    match shape {
                        KeyShape::Absent => self.ints += 1,
                        KeyShape::Nullable => self.push_int(Column::nullable(name, LogicalType::Ts), 1),
                        KeyShape::Present => self.push_int(Column::required(name, LogicalType::Ts), 1),
                    }
                }
            }
            Table::TimeBars(_) | Table::Orders(_) => self.push_int(Column::required("ts_open", LogicalType::Ts), 1),
            _ => {
                self.push_int(Column::required("ts_open", LogicalType::Ts), 1);
                self.push_int(Column::required("ts_close", LogicalType::Ts), 1);
                self.push_int(Column::required("duration_ns", LogicalType::I64), 1);
            }
        }
    }

    fn push_int(&mut self, column: Column, version: u32) {
        self.push(column, Place::Int(self.ints), version);
        self.ints += 1;
    }

    fn push(&mut self, column: Column, place: Place, version: u32) {
        self.schema.columns.push(column);
        self.places.push(place);
        self.versions.push(version);
    }

    fn add_column(&mut self, selector: &Selector<'_>, entry: Entry, seconds: u32) {
        let name = timed_name(entry.column.name, seconds);
        let is_int = matches!(entry.family.kernel, Kernel::TradeSides);
        let place = if is_int { Place::Int(self.ints) } else { Place::Slot(self.slots) };
        if is_int {
            self.ints += 1;
        } else {
            self.slots += 1;
        }
        if !selector.writes(&entry, &name) {
            return;
        }
        let seed = selector.names() == Names::Seed && !entry.column.alias.is_empty();
        let name = if seed { entry.column.alias.to_owned() } else { name };
        let column = match entry.column.dtype {
            LogicalType::F64 => Column::nullable(name, LogicalType::F64),
            dtype => Column::required(name, dtype),
        };
        self.push(column, place, entry.column.version);
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> Table {
        self.table
    }

    /// Its columns: keys, then features in contract order.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Rows of every block but the last.
    #[must_use]
    pub fn block_rows(&self) -> usize {
        if self.table == Table::Trades { limits::BLOCK_ROWS as usize } else { BAR_ROWS }
    }

    /// Whether a family runs.
    pub(crate) fn runs(&self, family: &str) -> bool {
        self.families.contains(&family)
    }
}

/// The lengths in seconds that a column stands for; one of 0 for a column that is no template.
pub(crate) fn lengths(config: &FeatureConfig, rule: LevelRule) -> Vec<u32> {
    match rule {
        LevelRule::Horizon => config.horizons_s.clone(),
        LevelRule::Impact => config.impact_s.clone(),
        _ => vec![0],
    }
}

/// The name of a template at one length.
pub(crate) fn timed_name(name: &str, seconds: u32) -> String {
    name.replace("{h}", &seconds.to_string()).replace("{g}", &seconds.to_string())
}

/// The block of a table that is being filled.
#[derive(Debug)]
pub(crate) struct TableOutput {
    values: Vec<f64>,
    ints: Vec<i64>,
    validity: Vec<u64>,
    stride: usize,
    filled: usize,
}

impl TableOutput {
    /// Memory for a plan's block.
    pub(crate) fn new(plan: &TablePlan) -> Self {
        let stride = plan.block_rows();
        Self {
            values: vec![0.0; plan.slots * stride],
            ints: vec![0; plan.ints * stride],
            validity: vec![0; plan.ints * stride / 64],
            stride,
            filled: 0,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.values.len() + self.ints.len() + self.validity.len()) * 8
    }

    /// Whether a plan's block fits.
    pub(crate) fn fits(&self, plan: &TablePlan) -> bool {
        self.stride == plan.block_rows()
            && self.values.len() >= plan.slots * self.stride
            && self.ints.len() >= plan.ints * self.stride
    }

    /// Drops what another partition left.
    pub(crate) fn start(&mut self) {
        self.filled = 0;
    }

    /// Rows that the block still takes.
    pub(crate) fn room(&self) -> usize {
        self.stride - self.filled
    }

    /// The next `rows` rows of a step's columns.
    pub(crate) fn columns(&mut self, step: &Step, rows: usize) -> Out<'_> {
        let all = step.first_slot * self.stride..(step.first_slot + step.slots) * self.stride;
        Out::new(&mut self.values[all], self.stride, self.filled, rows)
    }

    /// Writes a whole number of the row `row` after those that are filled.
    pub(crate) fn put(&mut self, column: usize, row: usize, value: Option<i64>) {
        let at = self.filled + row;
        self.ints[column * self.stride + at] = value.unwrap_or(0);
        let word = &mut self.validity[(column * self.stride + at) / 64];
        *word = *word & !(1 << (at % 64)) | u64::from(value.is_some()) << (at % 64);
    }

    /// Counts `rows` rows as filled, and hands over a block that is full.
    pub(crate) fn push(
        &mut self,
        rows: usize,
        (plan, number): (&TablePlan, usize),
        emit: &mut EmitTable<'_>,
    ) -> Result<()> {
        self.filled += rows;
        if self.filled == self.stride { self.flush((plan, number), emit) } else { Ok(()) }
    }

    /// Hands over what is filled.
    pub(crate) fn flush(&mut self, (plan, number): (&TablePlan, usize), emit: &mut EmitTable<'_>) -> Result<()> {
        let rows = std::mem::take(&mut self.filled);
        if rows == 0 {
            return Ok(());
        }
        if !rows.is_multiple_of(64) {
            for column in self.validity.chunks_exact_mut(self.stride / 64) {
                column[rows / 64] &= (1 << (rows % 64)) - 1;
            }
        }
        let mut columns = [ColumnValues::F64(&[]); COLUMNS_MAX];
        for ((column, place), described) in columns.iter_mut().zip(&plan.places).zip(&plan.schema.columns) {
            *column = match *place {
                Place::Slot(slot) => ColumnValues::F64(&self.values[slot * self.stride..][..rows]),
                Place::Int(int) => ColumnValues::I64 {
                    values: &self.ints[int * self.stride..][..rows],
                    validity: described.nullable.then(|| &self.validity[int * self.stride / 64..][..rows.div_ceil(64)]),
                },
            };
        }
        emit(number, rows, &columns[..plan.places.len()])
    }
}
