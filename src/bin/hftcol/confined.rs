//! `--no-sandbox` of the commands that write, and what `--verbose` says of the sandbox.

use hftcol::storage::Sandbox;

use crate::output::Output;

/// The option of every command that writes.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SandboxArgs {
    /// Do not let the kernel confine the process to its inputs and outputs (Landlock).
    #[arg(long)]
    no_sandbox: bool,
}

impl SandboxArgs {
    pub(crate) fn sandbox(self) -> Sandbox {
        if self.no_sandbox { Sandbox::default() } else { Sandbox::wanted() }
    }
}

/// Says with `--verbose` how the process was confined.
pub(crate) fn tell(sandbox: &Sandbox, output: &Output) {
    if let Some(outcome) = sandbox.outcome() {
        output.detail(outcome);
    }
}
