//! Buckets that go from one date to the next: the open one with what it holds, the last full ones, each with its volume.
//!
//! The lots of two dates may differ: both are parts of a quantity, and the state is taken over in lots so small that both are
//! whole numbers of them.

use super::bulk::Bulk;
use super::{LOTS_MAX, Vpin, too_many_lots};
use crate::error::Result;
use crate::feature::carry::{Carried, Rescale, StateReader, StateWriter, damaged};
use crate::feature::sums::unit;
use crate::merge::rescaled;
use crate::units::POW10;

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The f64 of `numerator / (denominator * 10^scale)`, which depends on the quantity only and not on how it is written.
pub(super) fn quantity(numerator: i128, denominator: i128, scale: u8) -> f64 {
    let Some(below) = denominator.checked_mul(10_i128.pow(u32::from(scale).min(18))) else {
        return numerator as f64 / (denominator as f64 * unit(u32::from(scale)));
    };
    let common = gcd(numerator, below).max(1);
    (numerator / common) as f64 / (below / common) as f64
}

impl Vpin {
    /// Lots that are held, besides those that a bulk bar splits.
    fn held(&mut self) -> [Option<&mut i128>; 3] {
        [Some(&mut self.fill), Some(&mut self.signed), self.bulk.as_mut().map(Bulk::lots_mut)]
    }

    /// Makes the lots so small that they and `lots` parts of a unit, at `factor` units a unit of now, are whole numbers.
    /// Returns what one of those lots then is.
    fn refine(&mut self, lots: i128, factor: i128) -> Option<i128> {
        let common = gcd(factor, lots);
        let (up, parts) = (factor / common, lots / common);
        let finer = parts / gcd(parts, self.per_unit);
        self.per_unit = self.per_unit.checked_mul(finer)?;
        self.bucket = self.bucket.checked_mul(finer)?;
        self.most = self.most.checked_mul(finer)?;
        up.checked_mul(self.per_unit / parts)
    }
}

impl Carried for Vpin {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        let lots = self.bulk.as_ref().map_or(0, Bulk::lots);
        // In the largest lots that do, so that lots do not become smaller from date to date.
        let common = gcd(gcd(gcd(self.per_unit, self.fill), self.signed), lots).max(1);
        out.wide(self.per_unit)?;
        out.wide(common)?;
        out.wide(self.fill / common)?;
        out.wide(self.signed / common)?;
        out.float(self.split)?;
        out.float(self.value)?;
        out.word(self.next as u64)?;
        out.word(self.shares.len() as u64)?;
        out.floats(&self.shares)?;
        out.floats(&self.volumes)?;
        self.tick.save(out)?;
        self.bulk.as_ref().map_or(Ok(()), |bulk| bulk.save(out, lots / common))
    }

    fn restore(&mut self, from: &mut StateReader, scales: Rescale) -> Result<()> {
        let (per_unit, common) = (from.wide()?, from.wide()?);
        if !(1..=LOTS_MAX).contains(&per_unit) || common < 1 || per_unit % common != 0 {
            return Err(damaged("lots of a unit", format!("{per_unit} in {common}")));
        }
        (self.fill, self.signed) = (from.wide()?, from.wide()?);
        self.split = from.float()?;
        self.value = from.float()?;
        self.next = from.below(self.capacity as u64)? as usize;
        let full = from.below(self.capacity as u64 + 1)?;
        for list in [&mut self.shares, &mut self.volumes] {
            list.clear();
            for _ in 0..full {
                list.push(from.float()?);
            }
        }
        self.mixed = self.volumes.iter().any(|volume| *volume != self.volume);
        self.tick.restore(from, scales)?;
        if let Some(bulk) = &mut self.bulk {
            bulk.restore(from, scales)?;
        }
        let factor = i128::from(POW10[usize::from(scales.to.size - scales.from.size).min(18)]);
        let lot = self.refine(per_unit / common, factor).ok_or_else(too_many_lots)?;
        let per_unit_now = self.per_unit;
        for held in self.held().into_iter().flatten() {
            let lots = held.checked_mul(lot).filter(|lots| lots.abs() <= LOTS_MAX);
            *held = lots.ok_or_else(too_many_lots)?;
        }
        if self.fill < 0 || self.bucket.max(self.most) > LOTS_MAX {
            return Err(too_many_lots());
        }
        let wanted = per_unit_now.checked_mul(factor);
        if wanted != Some(per_unit) {
            self.split *= per_unit_now as f64 * factor as f64 / per_unit as f64;
        }
        Ok(())
    }
}

impl Bulk {
    fn lots(&self) -> i128 {
        self.lots
    }

    fn lots_mut(&mut self) -> &mut i128 {
        &mut self.lots
    }

    fn save(&self, out: &mut StateWriter<'_>, lots: i128) -> Result<()> {
        out.option(self.end)?;
        out.wide(lots)?;
        out.int(self.last_price)?;
        out.option(self.before)?;
        out.floats(&[self.moves, self.mean, self.squares])?;
        out.int(self.first)?;
        out.word(u64::from(self.all_alike))
    }

    /// The bar that was open at the end of the date before ends at this date's midnight at the latest.
    fn restore(&mut self, from: &mut StateReader, scales: Rescale) -> Result<()> {
        let price = |price_m| rescaled(price_m, scales.from.price, scales.to.price);
        let began = |end: i64| end.saturating_sub(self.width_ns);
        self.end = from.option()?.map(|end| if began(end) < self.midnight { end.min(self.midnight) } else { end });
        self.lots = from.wide()?;
        self.last_price = price(from.int()?)?;
        self.before = from.option()?.map(price).transpose()?;
        (self.moves, self.mean, self.squares) = (from.float()?, from.float()?, from.float()?);
        self.first = price(from.int()?)?;
        self.all_alike = from.below(2)? == 1;
        Ok(())
    }
}
