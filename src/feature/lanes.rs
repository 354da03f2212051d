//! Loops over columns: one output, a few inputs, one expression. Every kernel is made of these, so that each loop is
//! vectorised alone and no kernel indexes by hand.

/// `x` if `yes`, else null.
#[inline(always)]
pub(crate) fn only(yes: bool, x: f64) -> f64 {
    if yes { x } else { f64::NAN }
}

/// `a / b`, null when `b` is 0 (G5).
#[inline(always)]
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    only(b != 0.0, a / b)
}

/// `out = f(a)`.
#[inline(always)]
pub(crate) fn map1<T, A: Copy>(out: &mut [T], a: &[A], f: impl Fn(A) -> T) {
    let n = out.len();
    let a = &a[..n];
    for i in 0..n {
        out[i] = f(a[i]);
    }
}

/// `out = f(a, b)`.
#[inline(always)]
pub(crate) fn map2<T, A: Copy, B: Copy>(out: &mut [T], a: &[A], b: &[B], f: impl Fn(A, B) -> T) {
    let n = out.len();
    let (a, b) = (&a[..n], &b[..n]);
    for i in 0..n {
        out[i] = f(a[i], b[i]);
    }
}

/// `out = f(a, b, c)`.
#[inline(always)]
pub(crate) fn map3<T, A: Copy, B: Copy, C: Copy>(out: &mut [T], a: &[A], b: &[B], c: &[C], f: impl Fn(A, B, C) -> T) {
    let n = out.len();
    let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
    for i in 0..n {
        out[i] = f(a[i], b[i], c[i]);
    }
}

/// `out = f(a, b, c, d)`.
#[inline(always)]
pub(crate) fn map4<T, A: Copy, B: Copy, C: Copy, D: Copy>(
    out: &mut [T],
    (a, b): (&[A], &[B]),
    (c, d): (&[C], &[D]),
    f: impl Fn(A, B, C, D) -> T,
) {
    let n = out.len();
    let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
    for i in 0..n {
        out[i] = f(a[i], b[i], c[i], d[i]);
    }
}

/// `acc = f(acc, a)`.
#[inline(always)]
pub(crate) fn fold1<T: Copy, A: Copy>(acc: &mut [T], a: &[A], f: impl Fn(T, A) -> T) {
    let n = acc.len();
    let a = &a[..n];
    for i in 0..n {
        acc[i] = f(acc[i], a[i]);
    }
}

/// `acc = f(acc, a, b)`.
#[inline(always)]
pub(crate) fn fold2<T: Copy, A: Copy, B: Copy>(acc: &mut [T], a: &[A], b: &[B], f: impl Fn(T, A, B) -> T) {
    let n = acc.len();
    let (a, b) = (&a[..n], &b[..n]);
    for i in 0..n {
        acc[i] = f(acc[i], a[i], b[i]);
    }
}

/// `acc = f(acc, a, b, c)`.
#[inline(always)]
pub(crate) fn fold3<T: Copy, A: Copy, B: Copy, C: Copy>(
    acc: &mut [T],
    a: &[A],
    b: &[B],
    c: &[C],
    f: impl Fn(T, A, B, C) -> T,
) {
    let n = acc.len();
    let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
    for i in 0..n {
        acc[i] = f(acc[i], a[i], b[i], c[i]);
    }
}

/// `acc = f(acc, a, b, c, d)`.
#[inline(always)]
pub(crate) fn fold4<T: Copy, A: Copy, B: Copy, C: Copy, D: Copy>(
    acc: &mut [T],
    (a, b): (&[A], &[B]),
    (c, d): (&[C], &[D]),
    f: impl Fn(T, A, B, C, D) -> T,
) {
    let n = acc.len();
    let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
    for i in 0..n {
        acc[i] = f(acc[i], a[i], b[i], c[i], d[i]);
    }
}
