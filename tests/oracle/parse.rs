//! Twins of the parsers: character by character, with text and i128, straight from the decisions.

/// A decimal as (mantissa, scale) at its smallest scale; `None` if decision 13 refuses it or it is no number.
pub(crate) fn decimal(text: &str) -> Option<(i64, u8)> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\u{c}']);
    let (negative, unsigned) = sign(text);
    let (number, exponent) = exponent(unsigned)?;
    let (whole, behind) = number.split_once('.').unwrap_or((number, ""));
    let mut digits = format!("{whole}{behind}");
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let mut scale = behind.len() as i128 - exponent;
    while digits.ends_with('0') {
        digits.pop();
        scale -= 1;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some((0, 0));
    }
    if digits.len() > 18 || scale > 12 || scale < -18 {
        return None;
    }
    let mut value: i128 = digits.parse().ok()?;
    while scale < 0 {
        value *= 10;
        scale += 1;
    }
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, scale as u8))
}

/// A number times `10^places` to the nearest whole, half away from zero; `None` if it is no number or beyond i64.
pub(crate) fn scaled(text: &str, places: u32) -> Option<i64> {
    let (negative, unsigned) = sign(text);
    let (number, exponent) = exponent(unsigned)?;
    let (whole, behind) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{behind}");
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    // One zero in front, so that the digit that decides is always there.
    let kept = whole.len() as i128 + i128::from(places) + exponent;
    let value: i128 = if kept < 0 {
        0
    } else if digits.trim_start_matches('0').is_empty() {
        0
    } else if kept > 100 + digits.len() as i128 {
        return None;
    } else {
        let kept = kept as usize;
        let padded: String = digits.chars().chain(std::iter::repeat('0')).take(kept.max(digits.len()) + 1).collect();
        let (front, rest) = padded.split_at(kept);
        let front = front.trim_start_matches('0');
        if front.len() > 30 {
            return None;
        }
        let base: i128 = if front.is_empty() { 0 } else { front.parse().ok()? };
        base + i128::from(rest.starts_with(['5', '6', '7', '8', '9']))
    };
    let value = if negative { -value } else { value };
    i64::try_from(value).ok().filter(|v| *v != i64::MIN)
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The part before the exponent, and the exponent held to +-10^9.
fn exponent(text: &str) -> Option<(&str, i128)> {
    let Some(at) = text.find(['e', 'E']) else {
        return Some((text, 0));
    };
    let (negative, digits) = sign(&text[at + 1..]);
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let size = if digits.len() > 9 { 1_000_000_000 } else { format!("0{digits}").parse().ok()? };
    Some((&text[..at], if negative { -size } else { size }))
}

/// Days since 1970-01-01, counted year by year.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let length = |y: i64, m: i64| match m {
        2 => 28 + i64::from(leap(y)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let year_days = |y: i64| 365 + i64::from(leap(y));
    let years: i64 =
        if year >= 1970 { (1970..year).map(year_days).sum() } else { -(year..1970).map(year_days).sum::<i64>() };
    years + (1..month).map(|m| length(year, m)).sum::<i64>() + day - 1
}

/// Records and fields of text without quotes: the split of a child.
pub(crate) fn plain_records(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    if lines.last().is_some_and(|l| l.is_empty()) {
        lines.pop();
    }
    lines
        .into_iter()
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .map(|line| line.split(|b| *b == delimiter).map(<[u8]>::to_vec).collect())
        .collect()
}
