//! The column `vpin` of the tables `book` and `trades`.

use crate::feature::frame::copy;
use crate::feature::registry::{Definition, Family, Kernel};

const SOURCE: &str = "Easley, Lopez de Prado, O'Hara 2012";
const PARAMETERS: &str = "vpin.bucket_volume, vpin.classify, vpin.bvc_bar_s, vpin.buckets";

const fn column(reads: &'static str, null: &'static str) -> Definition {
    Definition::new(
        "vpin",
        "1",
        "sum |VB-VS|/(n*V) over the last n = min(full, vpin.buckets) buckets of volume V; day/n uses the whole day",
    )
    .reads(reads, PARAMETERS)
    .null(null)
    .source(SOURCE)
}

pub(crate) const BOOK: Family = Family {
    name: "vpin",
    table: "book",
    about: "volume-synchronised probability of informed trading, before each snapshot",
    columns: &[column("all trades before the snapshot in the total order", "not two-sided, or no bucket is full yet")],
    needs: &[],
    kernel: Kernel::Vpin,
};

pub(crate) const TRADES: Family = Family {
    name: "trade_vpin",
    table: "trades",
    about: "volume-synchronised probability of informed trading, after each trade",
    columns: &[column("all trades up to this one", "no bucket is full yet")],
    needs: &[],
    kernel: Kernel::Trade(|frame, out| {
        let [vpin] = out.columns();
        copy(vpin, frame.vpin());
    }),
};
