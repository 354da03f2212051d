//! docs/promises.md names tests: each of them is there, and counts as many cases as the page says.

use std::path::Path;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/promises.md")).unwrap()
}

/// The numbers in the brackets behind the name of a test: `(1,422)`, or `(1,632 and 10,404)` for two.
fn figures(behind: &str) -> Option<Vec<u64>> {
    let (figures, _) = behind.strip_prefix(" (")?.split_once(')')?;
    figures.split(" and ").map(|figure| figure.replace(',', "").parse().ok()).collect()
}

/// Holds the page to what a test has counted.
pub(crate) fn counted(test: &str, cases: &[u64]) {
    let page = page();
    let told: Vec<_> = page.split(&format!("`{test}`")).skip(1).filter_map(figures).collect();
    assert!(
        !told.is_empty() && told.iter().all(|told| told == cases),
        "{test} counts {cases:?}, the page tells {told:?}"
    );
}

#[test]
fn every_test_that_the_page_names_exists_and_counts_its_figures() {
    let page = page();
    let parts: Vec<&str> = page.split('`').collect();
    let (mut named, mut held) = (0, 0);
    for (at, quoted) in parts.iter().enumerate().skip(1).step_by(2) {
        let Some((file, test)) = quoted.split_once("::").filter(|(file, _)| *file != "file") else { continue };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/{file}.rs"));
        let source = std::fs::read_to_string(path).unwrap_or_default();
        assert!(source.contains(&format!("fn {test}(")), "{quoted} is no test");
        named += 1;
        if parts.get(at + 1).copied().and_then(figures).is_some() {
            assert!(source.contains(&format!("counted(\"{quoted}\"")), "nothing holds the figure of {quoted}");
            held += 1;
        }
    }
    assert!(named > 60 && held > 14, "{named} tests, {held} figures");
}

#[test]
fn every_promise_has_its_row() {
    let page = page();
    for number in 1..=15 {
        assert!(page.contains(&format!("\n| **P{number} ")), "P{number} has no row");
    }
}
