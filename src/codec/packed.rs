//! The packed part: base, factor, width, then one u of that width a value.

use multiversion::multiversion;

use super::pack::{Divisor, Packing};
use crate::error::{Error, Result};
use crate::format::constants::PACKED_HEADER;
use crate::format::rules;

/// Appends the packed part of values that [`super::pack::plan`] was made for.
pub fn put(values: &[i64], packing: Packing, out: &mut Vec<u8>) {
    out.extend_from_slice(&packing.base.to_le_bytes());
    out.extend_from_slice(&packing.factor.to_le_bytes());
    out.extend_from_slice(&[packing.width, 0, 0, 0, 0, 0, 0, 0]);
    let start = out.len();
    out.resize(start + values.len() * usize::from(packing.width), 0);
    let data = &mut out[start..];
    let divisor = Divisor::new(packing.factor);
    match packing.width {
        1 => put_1(values, packing.base, divisor, data),
        2 => put_2(values, packing.base, divisor, data),
        4 => put_4(values, packing.base, divisor, data),
        8 => put_8(values, packing.base, divisor, data),
        _ => {}
    }
}

macro_rules! width {
    ($put:ident, $unpack:ident, $bytes:literal, $number:ty) => {
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
        fn $put(values: &[i64], base: i64, divisor: Divisor, out: &mut [u8]) {
            let (out, _) = out.as_chunks_mut::<$bytes>();
            for (out, v) in out.iter_mut().zip(values) {
                let u = divisor.quotient(v.wrapping_sub(base).cast_unsigned());
                *out = (u as $number).to_le_bytes();
            }
        }

        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
        fn $unpack(data: &[u8], base: i64, factor: u64, out: &mut [i64]) {
            let (data, _) = data.as_chunks::<$bytes>();
            if factor == 1 {
                for (out, u) in out.iter_mut().zip(data) {
                    *out = base.wrapping_add(<$number>::from_le_bytes(*u) as i64);
                }
                return;
            }
            for (out, u) in out.iter_mut().zip(data) {
                let u = <$number>::from_le_bytes(*u) as u64;
                *out = base.wrapping_add(u.wrapping_mul(factor).cast_signed());
            }
        }
    };
}

width!(put_1, unpack_1, 1, u8);
width!(put_2, unpack_2, 2, u16);
width!(put_4, unpack_4, 4, u32);
width!(put_8, unpack_8, 8, u64);

/// A packed part whose header and length were checked.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    /// base, factor and width.
    pub packing: Packing,
    data: &'a [u8],
}

impl<'a> Packed<'a> {
    /// Takes the packed part of `count` values, which is all of `bytes`.
    ///
    /// # Errors
    /// `Damage`.
    pub fn parse(bytes: &'a [u8], count: usize) -> Result<Self> {
        let Some((head, data)) = bytes.split_at_checked(PACKED_HEADER) else {
            let got = format!("{} bytes", bytes.len());
            return Err(Error::damage(rules::PART_LENGTH, format!("{PACKED_HEADER} bytes and more"), got));
        };
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&head[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let (base, factor, width) = (word(0).cast_signed(), word(8), head[16]);
        let known = matches!(width, 0 | 1 | 2 | 4 | 8);
        if !known || factor == 0 || word(16) >> 8 != 0 {
            let got = format!("factor {factor}, width word {:#x}", word(16));
            return Err(Error::damage(rules::PACKED_HEADER, "factor >= 1 and width 0, 1, 2, 4 or 8", got));
        }
        let length = count * usize::from(width);
        if data.len() != length {
            let got = format!("{} bytes", data.len());
            return Err(Error::damage(rules::PART_LENGTH, format!("{length} bytes of packed values"), got));
        }
        Ok(Self { packing: Packing { base, factor, width }, data })
    }

    /// Writes the values to `out`, which is as long as the count.
    pub fn unpack(&self, out: &mut [i64]) {
        let Packing { base, factor, width } = self.packing;
        match width {
            1 => unpack_1(self.data, base, factor, out),
            2 => unpack_2(self.data, base, factor, out),
            4 => unpack_4(self.data, base, factor, out),
            8 => unpack_8(self.data, base, factor, out),
            _ => out.fill(base),
        }
    }

    /// The range that no value can leave, were it computed without wrapping.
    #[must_use]
    pub fn bounds(&self) -> (i128, i128) {
        let most = match self.packing.width {
            0 => 0,
            8 => u64::MAX,
            width => (1 << (8 * u32::from(width))) - 1,
        };
        let base = i128::from(self.packing.base);
        // At most 2^128 - 2^65 + 1, which does not fit; such a range is as good as any that is too wide.
        let span = u128::from(most).saturating_mul(u128::from(self.packing.factor));
        (base, base.saturating_add(i128::try_from(span).unwrap_or(i128::MAX)))
    }
}
