//! One table of one partition, written: sections merged, rows to blocks, blocks to a staged file.

use super::plan::{Action, Mixing, TablePlan};
use hashbrown::HashMap;

use super::takeover::{takeover, write_blocks};
use crate::codec::BlockEncoder;
use crate::error::Result;
use crate::exec::Interrupt;
use crate::format::{FileHeader, SealedFile};
use crate::partition::{BlockBuilder, Merge, MergedRow, Origin, Part, Refused, Run, Scratch, parts_of, resort};
use crate::schema::{PartitionKey, RawTable};
use crate::storage::WriteFile;
use crate::write::{Provenance, TableWriter, cold_encoder, group_blocks};

/// What all tables of a partition share.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) key: PartitionKey,
    pub(crate) date_tz: String,
    pub(crate) generation: u32,
    pub(crate) provenance: Provenance,
    pub(crate) scratch: Scratch,
    pub(crate) resort_bytes: usize,
    pub(crate) interrupt: Interrupt,
    /// Rows that repeat the row before them are left out.
    pub(crate) dedupe: bool,
}

/// A row that is not exact in its column.
#[derive(Clone, Debug)]
pub(crate) struct Inexact {
    pub(crate) source: u32,
    pub(crate) record: u64,
    pub(crate) refused: Refused,
}

/// What a written table holds.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) table: RawTable,
    pub(crate) segment: u32,
    pub(crate) rewritten: bool,
    pub(crate) sealed: SealedFile,
    /// Rows written, by source of the import.
    pub(crate) written: Vec<u64>,
    /// Rows in the clock range that is skipped, by source of the import.
    pub(crate) overlapping: Vec<u64>,
    pub(crate) inexact: Vec<Inexact>,
    pub(crate) duplicates: u64,
    /// Of them, those that were left out, by source of the import.
    pub(crate) repeated: Vec<u64>,
    /// Stored rows that gave way to new ones.
    pub(crate) replaced: u64,
}

/// The union of rows of one clock: of equal ones as many as the source with the most has. Stored rows come before new ones
/// of the same content, sources in their order.
#[derive(Debug, Default)]
struct Union {
    clock: Option<i64>,
    /// By content: rows kept, and the source that is counting with its rows so far.
    contents: HashMap<Vec<u8>, (u64, Option<u32>, u64)>,
    content: Vec<u8>,
}

impl Union {
    /// Whether the row is one that the rows before it do not make up for.
    fn adds(&mut self, row: &MergedRow<'_>) -> bool {
        if self.clock.replace(row.clock()) != Some(row.clock()) {
            self.contents.clear();
        }
        row.content_into(&mut self.content);
        let (kept, counting, count) = self.contents.entry_ref(self.content.as_slice()).or_insert((0, None, 0));
        if row.source.is_none() {
            *kept += 1;
            return true;
        }
        if *counting != row.source {
            (*counting, *count) = (row.source, 0);
        }
        *count += 1;
        let adds = *count > *kept;
        *kept = (*kept).max(*count);
        adds
    }
}

/// What a worker keeps from table to table: making it costs more than a small table does.
#[derive(Debug, Default)]
pub(crate) struct Kit {
    encoder: Option<BlockEncoder>,
    builder: Option<BlockBuilder>,
}

/// Writes a table; `None` if not one of its rows could be stored.
///
/// # Errors
/// `Io`, `Damage` of what is stored, `Interrupted`.
pub(crate) fn build(
    plan: TablePlan<'_>,
    context: &Context,
    kit: &mut Kit,
    file: &mut Box<dyn WriteFile>,
) -> Result<Option<Built>> {
    let mut stored_runs = Vec::new();
    if let Action::Rewrite(stored) = &plan.action {
        let room = (context.resort_bytes, &context.scratch);
        stored_runs = stored.read_back(&context.key, plan.sequenced, &plan.shape.kept, room)?;
    }
    let mut parts: Vec<Part<'_>> = Vec::new();
    for part in &plan.parts {
        if part.section.id.sequenced == plan.sequenced {
            parts.push(part.clone());
        }
    }
    let mut resorted: Vec<(Vec<Run>, &Part<'_>)> = Vec::new();
    for part in plan.parts.iter().filter(|part| part.section.id.sequenced != plan.sequenced) {
        resorted.push((resort(part, context.resort_bytes, &context.scratch)?, part));
    }
    for (runs, like) in &resorted {
        parts.extend(parts_of(runs, like)?);
    }
    for run in &stored_runs {
        let like = plan.parts.first().map(|part| Part { origin: Origin::Stored, ..part.clone() });
        if let Some(like) = like {
            parts.extend(parts_of(std::slice::from_ref(run), &like)?);
        }
    }
    let (segment, first_row) = match &plan.action {
        Action::Create | Action::Rewrite(_) => (0, 0),
        Action::Append { segment, first_row } => (*segment, *first_row),
    };
    let mut header = FileHeader {
        table: plan.table.name().to_owned(),
        key: context.key.clone(),
        channel: plan.channel.clone(),
        generation: context.generation,
        segment,
        first_row,
        clock: plan.clock,
        tz: plan.tz.clone(),
        date_tz: context.date_tz.clone(),
        block_rows: BlockBuilder::block_rows(plan.shape.schema.columns.len()),
        group_blocks: 0,
        schema: plan.shape.schema.clone(),
    };
    let mut built = Built {
        table: plan.table,
        segment,
        rewritten: matches!(plan.action, Action::Rewrite(_)),
        sealed: SealedFile { rows: 0, length: 0, file_hash: 0, identity: 0, content_digest: 0, schema_hash: 0 },
        written: vec![0; plan.ordinals.len()],
        overlapping: vec![0; plan.ordinals.len()],
        inexact: Vec::new(),
        duplicates: 0,
        repeated: vec![0; plan.ordinals.len()],
        replaced: 0,
    };
    header.group_blocks = group_blocks(header.schema.columns.len(), header.block_rows);
    let encoder = kit.encoder.take().map_or_else(cold_encoder, Ok)?;
    let mut writer = TableWriter::with_encoder(file, header, encoder)?;
    // Blocks that are taken over keep their duplicates.
    if let Some(encoded) = takeover(&plan).filter(|_| !context.dedupe) {
        built.duplicates = write_blocks(encoded, &plan, first_row, &context.interrupt, &mut writer)?;
        for (source, facts) in &encoded.1.facts {
            built.written[*source as usize] += facts.rows;
        }
    } else {
        let merge = Merge::new(parts, plan.sequenced, &plan.ordinals)?;
        write_rows((merge, kit), &plan, context, &mut writer, &mut built)?;
    }
    let (_, sealed, encoder) = writer.finish_keeping(context.provenance.clone())?;
    (built.sealed, kit.encoder) = (sealed, Some(encoder));
    Ok((built.sealed.rows > 0).then_some(built))
}

fn write_rows(
    (mut merge, kit): (Merge<'_>, &mut Kit),
    plan: &TablePlan<'_>,
    context: &Context,
    writer: &mut TableWriter<&mut Box<dyn WriteFile>>,
    built: &mut Built,
) -> Result<()> {
    let mut builder = match kit.builder.take() {
        Some(mut used) => {
            used.reset(plan.shape.clone());
            used
        }
        None => BlockBuilder::new(plan.shape.clone()),
    };
    let mut before = Vec::new();
    let mut before_clock = None;
    let mut union = Union::default();
    while let Some(row) = merge.next()? {
        let clock = row.clock();
        match (plan.mixing, row.source) {
            (Mixing::SkipNew((min, max)), Some(source)) if (min..=max).contains(&clock) => {
                built.overlapping[source as usize] += 1;
                continue;
            }
            (Mixing::DropStored((min, max)), None) if (min..=max).contains(&clock) => {
                built.replaced += 1;
                continue;
            }
            (Mixing::Union, source) if !union.adds(&row) => {
                // Stored rows always stay.
                built.overlapping[source.unwrap_or(0) as usize] += 1;
                continue;
            }
            _ => {}
        }
        let same = before_clock == Some(clock) && row.same_content(&before);
        if let (true, true, Some(source)) = (context.dedupe, same, row.source) {
            built.duplicates += 1;
            built.repeated[source as usize] += 1;
            continue;
        }
        if builder.is_full() {
            context.interrupt.check()?;
            builder.flush(writer)?;
        }
        if let Some(refused) = builder.push(&row)? {
            // Stored rows fit their columns: only a new row can be refused.
            let source = row.source.unwrap_or(u32::MAX);
            built.inexact.push(Inexact { source, record: row.record(), refused });
            continue;
        }
        if let Some(source) = row.source {
            built.written[source as usize] += 1;
            built.duplicates += u64::from(same);
        }
        if !same {
            before_clock = Some(clock);
            row.content_into(&mut before);
        }
    }
    builder.flush(writer)?;
    kit.builder = Some(builder);
    Ok(())
}
