//! `hftcol import`.

use hftcol::error::Result;

use crate::output::Output;

/// Under construction.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args, _output: &Output) -> Result<()> {
    todo!()
}
