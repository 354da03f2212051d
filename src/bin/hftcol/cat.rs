//! `hftcol cat` and `hftcol head`.

use hftcol::error::Result;

use crate::output::Output;

/// Under construction.
#[derive(Debug, clap::Args)]
pub(crate) struct CatArgs {}

/// Under construction.
#[derive(Debug, clap::Args)]
pub(crate) struct HeadArgs {}

pub(crate) fn run_cat(_args: &CatArgs, _output: &Output) -> Result<()> {
    todo!()
}

pub(crate) fn run_head(_args: &HeadArgs, _output: &Output) -> Result<()> {
    todo!()
}
