//! Positions of delimiters and newlines in a block, many bytes at a comparison.

use multiversion::multiversion;

/// Appends the position of every `delimiter` and newline of `block` (less than 4 GiB) to `out`, in order, and to `lines` the
/// number in `out` of each newline's. What is gained by the newer instructions is the lowest bit of a mask, found and cleared in one each.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"))]
pub(super) fn mark(block: &[u8], delimiter: u8, out: &mut Vec<u32>, lines: &mut Vec<u32>) {
    let (chunks, tail) = block.as_chunks::<64>();
    let mut base = 0_u32;
    let mut count = out.len();
    for chunk in chunks {
        if out.len() < count + 64 {
            // Seldom: the places of many chunks at a time.
            out.resize(count + 16 * 64, 0);
        }
        let (delimiters, mut newlines) = masks(chunk, delimiter);
        let all = delimiters | newlines;
        while newlines != 0 {
            let before = all & newlines.wrapping_sub(1) & !newlines;
            lines.push(count as u32 + before.count_ones());
            newlines &= newlines - 1;
        }
        count += push(all, base, &mut out[count..]);
        base = base.wrapping_add(64);
    }
    out.truncate(count);
    for (at, byte) in tail.iter().enumerate() {
        if *byte == b'\n' {
            lines.push(out.len() as u32);
        }
        if *byte == delimiter || *byte == b'\n' {
            out.push(base + at as u32);
        }
    }
}

#[inline(always)]
fn push(mut mask: u64, base: u32, out: &mut [u32]) -> usize {
    let count = mask.count_ones() as usize;
    // Eight at a time: how many there are is what a branch would have to guess.
    for places in out.as_chunks_mut::<8>().0.iter_mut().take(count.div_ceil(8)) {
        for place in places {
            *place = base.wrapping_add(mask.trailing_zeros());
            mask &= mask.wrapping_sub(1);
        }
    }
    count
}

/// One bit for each byte that is the delimiter, and one for each newline.
#[inline(always)]
fn masks(chunk: &[u8; 64], delimiter: u8) -> (u64, u64) {
    (mask(chunk, delimiter), mask(chunk, b'\n'))
}

/// One bit for each byte that is the wanted one.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "SIMD island: comparison of 16 bytes at a time")]
fn mask(chunk: &[u8; 64], wanted: u8) -> u64 {
    // SAFETY: SSE2 is part of every x86-64 processor.
    unsafe { sse2_mask(chunk, wanted) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn sse2_mask(chunk: &[u8; 64], wanted: u8) -> u64 {
    use core::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set1_epi8};
    let wanted = _mm_set1_epi8(wanted.cast_signed());
    let lanes: [__m128i; 4] = bytemuck::cast(*chunk);
    let mut mask = 0;
    for (at, lane) in lanes.into_iter().enumerate() {
        mask |= u64::from(_mm_movemask_epi8(_mm_cmpeq_epi8(lane, wanted)).cast_unsigned()) << (16 * at);
    }
    mask
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn mask(chunk: &[u8; 64], wanted: u8) -> u64 {
    portable_mask(chunk, wanted)
}

/// The same eight bytes at a time, for every machine.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable_mask(chunk: &[u8; 64], wanted: u8) -> u64 {
    const LOW7: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let zeros = |x: u64| !((((x & LOW7) + LOW7) | x) | LOW7);
    let (words, _) = chunk.as_chunks::<8>();
    let mut mask = 0;
    for (at, word) in words.iter().enumerate() {
        let hit = zeros(u64::from_le_bytes(*word) ^ (u64::from(wanted) * 0x0101_0101_0101_0101));
        // One bit a byte, gathered into the highest byte by a multiplication.
        let bits = (hit >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask |= bits << (8 * at);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_found_by_both() {
        let mut block = vec![b'1'; 200];
        for at in [0, 7, 8, 63, 64, 65, 127, 128, 191, 192, 199] {
            block[at] = if at % 2 == 0 { b',' } else { b'\n' };
        }
        block[100] = b'.';
        block[101] = 0xAC;
        let (mut found, mut lines) = (Vec::new(), Vec::new());
        mark(&block, b',', &mut found, &mut lines);
        assert_eq!(found, [0, 7, 8, 63, 64, 65, 127, 128, 191, 192, 199]);
        let newlines: Vec<u32> = lines.iter().map(|line| found[*line as usize]).collect();
        assert_eq!(newlines, [7, 63, 65, 127, 191, 199]);
        for chunk in block.as_chunks::<64>().0 {
            assert_eq!(masks(chunk, b','), (portable_mask(chunk, b','), portable_mask(chunk, b'\n')));
        }
    }
}
