//! Log return, velocity and acceleration of the mid.

use crate::feature::flow::{Flow, ZERO};
use crate::feature::frame::{Out, copy};
use crate::feature::lanes::{fold1, fold2, map2, map4, only};
use crate::feature::math::ln;
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

const READS: &str = "best prices and clock of this and the previous two-sided snapshot";

pub(crate) const FAMILY: Family = Family {
    name: "returns",
    table: "book",
    about: "movement of the mid since the previous two-sided snapshot",
    columns: &[
        Definition::new("log_return", "1", "ln(m/m_p)")
            .null("as mid_velocity but for dt = 0; m or m_p <= 0")
            .reads(READS, "max_gap_ns")
            .alias("log_return_step"),
        Definition::new("mid_velocity", "price/s", "(m-m_p)/dt, dt in seconds from integer ns")
            .null("not two-sided; no two-sided snapshot before; after a gap; dt = 0")
            .reads(READS, "max_gap_ns"),
        Definition::new("mid_accel", "price/s^2", "(v_k-v_p)/((dt_k+dt_p)/2)")
            .null("mid_velocity is null now or in row p")
            .reads(READS, "max_gap_ns"),
    ],
    needs: &[],
    kernel: Kernel::Flow(|input, out| run(input.simd, input, out)),
};

simd_kernel! {
    fn run(input: &Flow<'_>, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Flow<'_>, out: Out<'_>) {
    let [log_return, velocity, accel] = out.columns();
    let rows = input.rows();
    let (now, before) = (1..=rows, 0..rows);
    let (bid, ask) = (input.level(BookSide::Bid, 0), input.level(BookSide::Ask, 0));
    let mut earlier = ZERO;
    let earlier = &mut earlier[..rows];
    map2(earlier, &bid.price[before.clone()], &ask.price[before.clone()], |b, a| (b + a) / 2.0);
    map2(log_return, &bid.price[now.clone()], &ask.price[now.clone()], |b, a| (b + a) / 2.0);
    fold1(earlier, log_return, |mp, m| only(mp > 0.0 && m > 0.0, m / mp));
    // The signs are decided on the exact sums as well (A1).
    let exact = (&bid.price_m[now.clone()], &ask.price_m[now]);
    fold2(earlier, exact.0, exact.1, |r, b, a| only(b.wrapping_add(a) > 0, r));
    let exact = (&bid.price_m[before.clone()], &ask.price_m[before]);
    fold2(earlier, exact.0, exact.1, |r, b, a| only(b.wrapping_add(a) > 0, r));
    map2(log_return, earlier, input.step(), |r, step| ln(only(!step.is_nan(), r)));
    copy(velocity, input.velocity());
    map4(
        accel,
        (input.velocity(), input.velocity_before()),
        (input.step(), input.step_before()),
        |v, v_before, dt, dt_before| (v - v_before) / ((dt + dt_before) / 2.0),
    );
}
