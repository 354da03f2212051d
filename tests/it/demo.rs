//! `hftcol demo` as a program.

use crate::cli::good;

#[test]
fn the_demo_runs_again_over_a_set_of_another_configuration() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("demo");
    let store = dir.join("store");
    let (dir, store) = (dir.to_str().unwrap(), store.to_str().unwrap());
    good(&["demo", "--dir", dir]);
    let first = good(&["ls", "--store", store, "--digest", "--set", "default"]);
    good(&["compute", "--store", store, "--features", "mid", "--force"]);
    assert_ne!(good(&["ls", "--store", store, "--digest", "--set", "default"]), first);
    let said = good(&["demo", "--dir", dir]);
    assert!(said.contains("--force"), "{said}");
    assert_eq!(good(&["ls", "--store", store, "--digest", "--set", "default"]), first);
    let said = good(&["demo", "--dir", dir]);
    assert!(!said.contains("--force"), "{said}");
}
