//! One body a kernel, compiled for each SIMD level, chosen at run time.
//!
//! A kernel body is a plain `#[inline(always)]` function over slices; [`simd_kernel!`] makes the function that dispatches it.
//! No operation is fused or reassociated and exp and ln are our own, so every level gives the same bits (decision 25).

/// Which SIMD level the kernels run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Simd {
    /// The best that the processor has.
    #[default]
    Best,
    /// What every processor of the architecture has: for tests and for comparison.
    Baseline,
}

/// `simd_kernel!(pub(crate) fn name(x: &[f64], out: &mut [f64]) = body);` makes `name(simd, x, out)`.
macro_rules! simd_kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:path;) => {
        $(#[$meta])*
        $vis fn $name(simd: $crate::merge::Simd, $($arg: $ty),*) {
            #[multiversion::multiversion(targets(
                "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
                "x86_64+avx2+fma",
                "aarch64+neon"
            ))]
            fn best($($arg: $ty),*) {
                $body($($arg),*);
            }
            match simd {
                $crate::merge::Simd::Best => best($($arg),*),
                $crate::merge::Simd::Baseline => $body($($arg),*),
            }
        }
    };
}
pub(crate) use simd_kernel;
