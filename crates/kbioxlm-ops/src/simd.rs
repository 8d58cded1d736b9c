//! Vectorised arithmetic chosen at run time.
//!
//! Programs are built for the baseline processor, without `-C target-cpu=native`. A [`kernel!`] is therefore compiled
//! three times on x86-64, with AVX-512, with AVX2 and FMA, and with neither, and the processor decides which one runs.
//! The loops are written so that the compiler vectorises them: sums run over [`LANES`] independent accumulators,
//! remainders included.

use std::f32::consts::LOG2_E;

/// Number of accumulators of a sum: an AVX-512 register or two of AVX. Fixed, so that both give the same bits.
pub(crate) const LANES: usize = 16;

/// How `a * b + c` is computed.
pub(crate) trait Arithmetic: Copy {
    /// `a * b + c`
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// With one fused instruction.
#[derive(Clone, Copy)]
pub(crate) struct Hardware;

/// With two instructions: without hardware support `f32::mul_add` is a slow library call.
#[derive(Clone, Copy)]
#[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "every such processor has fused multiply-add"))]
pub(crate) struct Portable;

impl Arithmetic for Hardware {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Portable {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// Defines a module with the function `generic`, the code, and `run`, which calls it in the version for this processor.
macro_rules! kernel {
    ($(#[$meta:meta])* fn $name:ident<$arithmetic:ident>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        pub(crate) mod $name {
            #[allow(unused_imports, reason = "not every kernel calls another function")]
            use super::*;

            #[inline(always)]
            pub(crate) fn generic<$arithmetic: $crate::simd::Arithmetic>($($arg: $ty),*) $(-> $ret)? $body

            pub(crate) fn run($($arg: $ty),*) $(-> $ret)? {
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2,fma")]
                    fn avx2($($arg: $ty),*) $(-> $ret)? {
                        generic::<$crate::simd::Hardware>($($arg),*)
                    }
                    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                    fn avx512($($arg: $ty),*) $(-> $ret)? {
                        generic::<$crate::simd::Hardware>($($arg),*)
                    }
                    if is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512bw")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512vl")
                        && is_x86_feature_detected!("avx2")
                        && is_x86_feature_detected!("fma")
                    {
                        // SAFETY: the features that the function was compiled for have just been detected.
                        return unsafe { avx512($($arg),*) };
                    }
                    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                        // SAFETY: the two features that the function was compiled for have just been detected.
                        return unsafe { avx2($($arg),*) };
                    }
                }
                #[cfg(target_arch = "aarch64")]
                return generic::<$crate::simd::Hardware>($($arg),*);
                #[cfg(not(target_arch = "aarch64"))]
                generic::<$crate::simd::Portable>($($arg),*)
            }
        }
    };
}
pub(crate) use kernel;

/// The sum of `row`.
#[inline(always)]
pub(crate) fn sum(row: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    lanes.iter().sum()
}

/// The sum of the products of `a` and `b`.
#[inline(always)]
pub(crate) fn dot<A: Arithmetic>(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (chunks_a, chunks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = chunks_a.remainder().iter().zip(chunks_b.remainder());
    for (a, b) in chunks_a.zip(chunks_b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane = A::mul_add(*a, *b, *lane);
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(rest) {
        *lane = A::mul_add(*a, *b, *lane);
    }
    lanes.iter().sum()
}

/// The largest element of `row`; minus infinity if there is none. Not-a-numbers are passed over.
#[inline(always)]
pub(crate) fn max(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = if x > *lane { x } else { *lane };
    }
    lanes.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

/// Replaces each element by `exp((x - shift) * scale)`; returns the sum.
#[inline(always)]
pub(crate) fn exp_sum<A: Arithmetic>(row: &mut [f32], shift: f32, scale: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let mut chunks = row.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = exp::<A>((*x - shift) * scale);
            *lane += *x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(chunks.into_remainder()) {
        *x = exp::<A>((*x - shift) * scale);
        *lane += *x;
    }
    lanes.iter().sum()
}

/// The exponential function, relative error below 2e-7: `2^n exp(r)` with the polynomial of Cephes' `expf`.
///
/// Arguments outside -87 to 88 are moved to these bounds (the result stays a normal number); not-a-number is kept.
#[inline(always)]
pub(crate) fn exp<A: Arithmetic>(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits, without a conversion instruction.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first of which has few enough bits for an exact product with n.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = A::mul_add(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = A::mul_add(n, -LN2_LOW, A::mul_add(n, -LN2_HIGH, x));
    let p = polynomial::<A, 6>(r, [0.5, 1.666_666_5e-1, 4.166_579_6e-2, 8.333_452e-3, 1.398_2e-3, 1.987_569_2e-4]);
    let y = A::mul_add(p, r * r, r) + 1.0;
    y * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

/// `c[0] + c[1] x + c[2] x^2 + ...`
#[inline(always)]
pub(crate) fn polynomial<A: Arithmetic, const N: usize>(x: f32, c: [f32; N]) -> f32 {
    let mut y = 0.0;
    for k in (0..N).rev() {
        y = A::mul_add(y, x, c[k]);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate_in_both_versions() {
        for i in -870_000..=880_000 {
            let x = i as f32 * 1e-4;
            let expected = f64::from(x).exp();
            for y in [exp::<Hardware>(x), exp::<Portable>(x)] {
                assert!((f64::from(y) / expected - 1.0).abs() < 2e-7, "exp({x}) = {y}, expected {expected}");
            }
        }
        assert!(exp::<Portable>(-1e9) < 1.7e-38 && exp::<Portable>(f32::NEG_INFINITY) > 0.0);
        assert!(exp::<Hardware>(f32::NAN).is_nan(), "divergence must stay visible");
    }

    #[test]
    fn reductions_count_the_remainder() {
        for n in 0..70 {
            let row: Vec<f32> = (0..n).map(|i| ((i * 7) % 31) as f32 - 15.0).collect();
            assert_eq!(sum(&row), row.iter().sum::<f32>());
            assert_eq!(dot::<Hardware>(&row, &row), row.iter().map(|x| x * x).sum::<f32>());
            assert_eq!(dot::<Portable>(&row, &row), row.iter().map(|x| x * x).sum::<f32>());
            assert_eq!(max(&row), row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let mut e = row.clone();
            let total = exp_sum::<Hardware>(&mut e, 3.0, 0.5);
            let expected: f32 = row.iter().map(|x| ((x - 3.0) * 0.5).exp()).sum();
            assert!((total - expected).abs() <= 1e-5 * expected && (sum(&e) - total).abs() <= 1e-5 * expected);
        }
    }
}
