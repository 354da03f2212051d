//! `cargo tools features`: writes `docs/features.md` from the registry; with `--check` only compares.

use std::fs;
use std::path::Path;

/// The page's place in the repository.
const PAGE: &str = "docs/features.md";

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let check = match arguments {
        [] => false,
        [word] if word == "--check" => true,
        _ => return Err("the only argument is --check".to_owned()),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join(PAGE);
    let page = hftcol::feature::reference_page();
    if check {
        let found = fs::read_to_string(&path).map_err(|e| format!("{PAGE}: {e}"))?;
        return if found == page { Ok(()) } else { Err(format!("{PAGE} is old; run `cargo tools features`")) };
    }
    fs::create_dir_all(root.join("docs")).map_err(|e| format!("docs: {e}"))?;
    fs::write(&path, page).map_err(|e| format!("{PAGE}: {e}"))
}
