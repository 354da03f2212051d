//! Any delimited file or JSON lines whose columns can be told: from a mapping file, or from header names that mean one thing only.
//!
//! Without a mapping the dialect is sure only if every column is understood ([`roles`]), no two have the same role, times have a
//! unit (in the name or by their size), and the first records parse. docs/mapping.md describes the mapping file.

mod assign;
mod auto;
mod long;
mod mapping;
mod nested;
mod own;
mod paths;
mod plan;
mod plan_paths;
mod roles;
mod snapshot;
mod tree;

use self::auto::plan_from_header;
use self::long::LongParser;
use self::nested::NestedParser;
use self::plan::{Form, Planned};
use super::columns::{ColumnParser, ColumnPlan, Role};
use super::{Chunk, ChunkParser, Dialect, Probe, Recognition, SourceOptions, header};
use crate::error::{Error, Result};
use crate::schema::RawTable;

/// The dialect.
#[derive(Debug)]
pub(super) struct Generic;

/// Records of the head that must parse before the dialect is sure.
const TRIAL_BYTES: usize = 16 << 10;

impl Dialect for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        if let Some((table, _)) = own::header(probe, None).as_ref().and_then(|h| own::table(h, None)) {
            return Recognition::Yes(format!("the header names our own columns of {}", table.name()));
        }
        let options = SourceOptions { security: Some("?".to_owned()), ..SourceOptions::default() };
        let Ok(plan) = plan_from_header(probe, &options) else {
            return Recognition::No;
        };
        let reason = format!("every column of the header names one thing of {}", plan.table.name());
        let whole = header::whole(probe.head);
        let trial = &whole[..whole.len().min(TRIAL_BYTES)];
        let trial = &trial[..memchr::memrchr(b'\n', trial).map_or(trial.len(), |at| at + 1)];
        let (parsed, _) = ColumnParser::new(plan).parse_with(Chunk::of(trial), false);
        if parsed.rejects.len() as u64 > parsed.stored { Recognition::No } else { Recognition::Yes(reason) }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let flat = |plan: ColumnPlan| Planned { plan, form: Form::Flat };
        let Planned { plan, form } = match (&options.mapping, own::header(probe, options.table)) {
            (Some(text), _) => plan::plan(text, probe, options)?,
            (None, Some(header)) => flat(own::plan(probe, header, options)?),
            (None, None) => flat(plan_from_header(probe, options)?),
        };
        let table = if matches!(form, Form::Long { .. }) { RawTable::Book } else { plan.table };
        if options.table.is_some_and(|t| t != table) {
            let found = table.name();
            return Err(Error::usage(
                format!("--table differs from the {found} that the columns of {} make", probe.path.display()),
                "leave --table out or give a mapping file",
            ));
        }
        if plan.names.security.is_none() && !plan.columns.iter().any(|(_, role)| *role == Role::Security) {
            return Err(Error::usage(
                format!("{}: no column names the security", probe.path.display()),
                "name it with --security",
            ));
        }
        let columns = ColumnParser::new(plan);
        Ok(match form {
            Form::Flat => Box::new(columns),
            Form::Long { base, kept } => Box::new(LongParser::new(columns, base, kept)),
            Form::Nested(nest) => Box::new(NestedParser::new(columns, nest)),
        })
    }
}
