//! The same content again, whatever it is called, packed with and named beside; and the same commands in other time zones.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use hftcol::import;

use crate::import::{World, trades, tree};
use crate::promises::counted;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn bzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = liblzma::write::XzEncoder::new(Vec::new(), 1);
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn fifty_ways_to_import_the_same_again() {
    let world = World::new();
    let rows = |from: i64| -> Vec<(i64, String)> { (0..40).map(|n| (from + n * 900, format!("1.{n}"))).collect() };
    let text = |security: &str, from: i64| {
        let rows = rows(from);
        trades(security, &rows.iter().map(|(us, price)| (*us, price.as_str(), "2")).collect::<Vec<_>>())
    };
    let contents = [text("A", 0), text("B", 7), text("A", 90_000)];
    for (number, content) in contents.iter().enumerate() {
        world.import(&[world.file(&format!("{number}.csv"), content)]);
    }
    let state = |world: &World| (tree(&world.store()), fs::read(world.store().join("journal/ledger.hftj")).unwrap());
    let before = state(&world);
    type Pack = fn(&[u8]) -> Vec<u8>;
    let packings: [Pack; 5] = [<[u8]>::to_vec, gzip, |b| zstd::encode_all(b, 1).unwrap(), xz, bzip];
    let mut cases = 0;
    for (packing, pack) in packings.into_iter().enumerate() {
        for name in ["again", "again.csv", "again.csv.gz", "with a space", "binance_trades_2020-01-01_Z.csv"] {
            for in_order in [true, false] {
                let folder = world.dir.path().join(format!("{packing}-{name}-{in_order}"));
                fs::create_dir(&folder).unwrap();
                let mut inputs: Vec<PathBuf> = Vec::new();
                for (number, content) in contents.iter().enumerate() {
                    inputs.push(folder.join(format!("{number}{name}")));
                    fs::write(&inputs[number], pack(content.as_bytes())).unwrap();
                }
                if !in_order {
                    inputs.reverse();
                }
                let report = import::run(&world.options(&inputs), &mut |_| {}).unwrap();
                report.verdict().unwrap();
                assert_eq!((report.published, report.up_to_date), (0, 2), "{}", folder.display());
                assert!(state(&world) == before, "{}", folder.display());
                cases += 1;
            }
        }
    }
    counted("reimport::fifty_ways_to_import_the_same_again", &[cases]);
}

/// Rows about the changes of the clocks, about midnight, before 1970.
fn about_midnights() -> String {
    let mut text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned();
    let seconds = [
        -86_401_i64,
        -1,
        0,
        1_325_151_000,
        1_710_050_399,
        1_710_054_000,
        1_711_846_799,
        1_711_846_800,
        1_730_613_600,
        1_723_075_199,
    ];
    for (id, second) in seconds.into_iter().enumerate() {
        for micros in [0, 999_999] {
            let at = second * 1_000_000 + micros;
            text += &format!("binance,X,{at},{at},{id},buy,1.5,2\n");
        }
    }
    text
}

#[test]
fn five_time_zones_of_the_machine_leave_one_store() {
    let world = World::new();
    let epochs = world.file("epochs.csv", about_midnights());
    // Times without a zone, of a venue in New York.
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lobster");
    let mut first = None;
    let zones = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Europe/London"];
    for zone in zones {
        let store = world.dir.path().join(zone.replace('/', "-"));
        let store = store.to_str().unwrap();
        let run = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_hftcol"));
            let output = command.args(args).args(["--store", store]).env("TZ", zone).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{zone}: {}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        run(&["import", epochs.to_str().unwrap()]);
        run(&["import", &format!("{}/*.csv", local.display())]);
        run(&["compute", "--tables", "trades,bars_60s"]);
        let printed = run(&["cat", "--table", "trades", "--format", "csv"]);
        let files = tree(Path::new(store));
        let dates = files.keys().filter(|path| path.extension().is_some_and(|e| e == "hftm")).count();
        assert!(dates > 12, "{dates}");
        let found = (files, printed);
        assert!(*first.get_or_insert_with(|| found.clone()) == found, "{zone}");
    }
    counted("reimport::five_time_zones_of_the_machine_leave_one_store", &[zones.len() as u64]);
}
