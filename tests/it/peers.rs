//! The feature list of the comparison with other engines: `docs/peers.toml` selects the 84 columns that they compute, no more.

use std::collections::BTreeSet;
use std::path::Path;

use hftcol::feature::{FeatureConfig, KeyShape, PartitionShape, Plan};

/// The peers' name of a column and ours, where one stands for one.
const COLUMNS: &[(&str, &str)] = &[
    ("mid", "mid"),
    ("spread", "spread"),
    ("rel_spread", "spread_bps"),
    ("microprice", "microprice"),
    ("micro_dev", "micro_minus_mid"),
    ("imb_1", "imbalance_1"),
    ("imb_5", "imbalance_5"),
    ("imb_10", "imbalance_10"),
    ("bid_depth_5", "bid_depth_5"),
    ("ask_depth_5", "ask_depth_5"),
    ("bid_depth_10", "bid_depth_10"),
    ("ask_depth_10", "ask_depth_10"),
    ("vwap_bid_5", "vwap_bid_5"),
    ("vwap_ask_5", "vwap_ask_5"),
    ("vwap_bid_10", "vwap_bid_10"),
    ("vwap_ask_10", "vwap_ask_10"),
    ("log_ret", "log_return"),
    ("ofi", "ofi"),
    ("mlofi_1", "ofi_01"),
    ("mlofi_2", "ofi_02"),
    ("mlofi_3", "ofi_03"),
    ("mlofi_4", "ofi_04"),
    ("mlofi_5", "ofi_05"),
    ("mlofi_6", "ofi_06"),
    ("mlofi_7", "ofi_07"),
    ("mlofi_8", "ofi_08"),
    ("mlofi_9", "ofi_09"),
    ("mlofi_decay", "mlofi"),
    ("buy_vol", "buy_volume"),
    ("sell_vol", "sell_volume"),
    ("trade_cnt", "trade_count"),
    ("tfi", "trade_imbalance"),
    ("kyle_300s", "kyle_lambda"),
    ("vpin", "vpin"),
];
/// The same for columns of every window.
const ROLLING: &[(&str, &str)] = &[
    ("ofi_sum", "ofi_sum"),
    ("ofi_mean", "ofi_mean"),
    ("ofi_std", "ofi_std"),
    ("tfi_sum", "imbalance_sum"),
    ("tfi_mean", "imbalance_mean"),
    ("tfi_std", "imbalance_std"),
    ("ret_sum", "ret_sum"),
    ("ret_mean", "ret_mean"),
    ("ret_std", "ret_std"),
    ("rv", "rv"),
];
const WINDOWS: [u32; 5] = [5, 15, 60, 300, 900];

#[test]
fn the_peers_list_is_selected_column_by_column() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/peers.toml");
    let options: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let compute = options["compute"].as_table().unwrap();
    let numbers = |key: &str| {
        let list = compute[key].as_array().unwrap();
        list.iter().map(|n| u32::try_from(n.as_integer().unwrap()).unwrap()).collect::<Vec<_>>()
    };
    let words = compute["features"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
    let mut known: Vec<&str> = compute.keys().map(String::as_str).collect();
    known.sort_unstable();
    assert_eq!(known, ["features", "horizons", "kyle-window", "levels"], "an option that this test does not read");
    let config = FeatureConfig {
        features: words.collect(),
        horizons_s: numbers("horizons"),
        levels: u16::try_from(compute["levels"].as_integer().unwrap()).unwrap(),
        kyle_window_s: u32::try_from(compute["kyle-window"].as_integer().unwrap()).unwrap(),
        ..FeatureConfig::default()
    };
    let (ts_event, ts_recv, sequence) = (KeyShape::Present, KeyShape::Absent, KeyShape::Absent);
    let plan = Plan::new(&config, &PartitionShape { levels: 10, ts_event, ts_recv, sequence }).unwrap();
    let keys = ["ts_event", "book_flags"];
    let names = plan.schema().columns.iter().map(|column| column.name.clone());
    let selected: Vec<String> = names.filter(|name| !keys.contains(&name.as_str())).collect();

    let rolling = WINDOWS.iter().flat_map(|h| ROLLING.iter().map(move |(_, ours)| format!("{ours}_{h}s")));
    let wanted: BTreeSet<String> = COLUMNS.iter().map(|(_, ours)| (*ours).to_owned()).chain(rolling).collect();
    assert_eq!(COLUMNS.len() + ROLLING.len() * WINDOWS.len(), 84);
    assert_eq!(wanted.len(), 84, "one of ours for each of theirs");
    assert_eq!(selected.len(), 84);
    assert_eq!(selected.into_iter().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(config.horizons_s, WINDOWS);
}
