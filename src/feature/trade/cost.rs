//! What a trade cost against the mid before it.

use crate::feature::frame::{Out, copy};
use crate::feature::lanes::{map2, map3, only};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::feature::trade::TradeFrame;

const READS: &str = "trades; best quotes of the last two-sided snapshot before";
const SOURCE: &str = "Huang and Stoll 1996";

pub(crate) const FAMILY: Family = Family {
    name: "trade_cost",
    table: "trades",
    about: "effective spread against the mid before the trade",
    columns: &[
        Definition::new("mid_before", "price", "m of the last two-sided snapshot before the trade in the total order")
            .reads(READS, "")
            .null("no two-sided snapshot before"),
        Definition::new("effective_spread", "price", "2*sign*(P-mid_before)")
            .reads(READS, "")
            .null("mid_before is null, or sign is 0")
            .source(SOURCE),
        Definition::new("effective_spread_bps", "bps", "1e4*effective_spread/mid_before")
            .reads(READS, "")
            .null("effective_spread is null, or mid_before <= 0")
            .source(SOURCE),
    ],
    needs: &[],
    kernel: Kernel::Trade(run),
};

fn run(frame: &TradeFrame, out: Out<'_>) {
    let [before, effective, bps] = out.columns();
    copy(before, frame.mid_before());
    map3(effective, frame.price(), frame.mid_before(), frame.sign(), |p, m, sign| {
        only(sign != 0.0, 2.0 * sign * (p - m))
    });
    map2(bps, effective, frame.divisor(), |x, m| 1e4 * x / m);
}
