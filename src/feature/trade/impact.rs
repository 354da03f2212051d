//! What became of the mid after a trade: realized spread and price impact. Their sum is the effective spread.

use crate::feature::frame::{Out, copy};
use crate::feature::lanes::{map2, map3, only};
use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::feature::trade::TradeFrame;

const READS: &str = "trades; best quotes before the trade and up to {g} s after it";
const SOURCE: &str = "Huang and Stoll 1996";
const NULL: &str = "mid_after is null, or sign is 0";

const fn ahead(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula).reads(READS, "impact_s").source(SOURCE).levels(LevelRule::Impact)
}

pub(crate) const FAMILY: Family = Family {
    name: "trade_impact",
    table: "trades",
    about: "realized spread and price impact at fixed times after the trade",
    columns: &[
        ahead("mid_after_{g}s", "price", "m of the last two-sided snapshot at or before clock + g s")
            .null("clock + g s is after the last book row; no two-sided snapshot until then"),
        ahead("realized_spread_{g}s", "price", "2*sign*(P-mid_after_{g}s)").null(NULL),
        ahead("realized_spread_{g}s_bps", "bps", "1e4*realized_spread_{g}s/mid_before")
            .null("realized_spread is null; mid_before is null or <= 0"),
        ahead("price_impact_{g}s", "price", "2*sign*(mid_after_{g}s-mid_before)")
            .null("mid_after or mid_before is null, or sign is 0"),
        ahead("price_impact_{g}s_bps", "bps", "1e4*price_impact_{g}s/mid_before")
            .null("price_impact is null, or mid_before <= 0"),
    ],
    needs: &[],
    kernel: Kernel::Trade(run),
};

fn run(frame: &TradeFrame, out: Out<'_>) {
    let mut columns = out.into_iter();
    for after in &frame.mid_after {
        let mut next = || columns.next().unwrap_or_default();
        let [mid, realized, realized_bps, impact, impact_bps] = [next(), next(), next(), next(), next()];
        let (sign, after) = (frame.sign(), &after[..frame.rows]);
        copy(mid, after);
        map3(realized, frame.price(), after, sign, |p, m, sign| only(sign != 0.0, 2.0 * sign * (p - m)));
        map2(realized_bps, realized, frame.divisor(), |x, m| 1e4 * x / m);
        map3(impact, after, frame.mid_before(), sign, |later, m, sign| only(sign != 0.0, 2.0 * sign * (later - m)));
        map2(impact_bps, impact, frame.divisor(), |x, m| 1e4 * x / m);
    }
}
