#pragma once

namespace netcompute::math {

// Elementary functions with the same bits on every build, as scalars and as lanes of the kernels:
// IEEE add, subtract, multiply and divide, and operations on bits, nothing else. Every NaN that
// they return is the canonical one, 0x7ff8000000000000.
//
// The errors are the largest seen against MPFR over millions of random and hard arguments, as
// distances from the correctly rounded result; tests/unit/shared/math_test.cpp holds them.

/// e^x. At most 1 ulp off the correctly rounded value, subnormal results included.
[[nodiscard]] double exp(double x);

/// The natural logarithm. At most 1 ulp off. log(±0) is -infinity; below 0 it is NaN.
[[nodiscard]] double log(double x);

/// log(1 + x), without the loss near 0. At most 1 ulp off. log1p(-1) is -infinity; below it is NaN;
/// log1p(-0) is -0.
[[nodiscard]] double log1p(double x);

/// 1 / (1 + e^-x): the logistic function. At most 2 ulp off.
[[nodiscard]] double sigmoid(double x);

/// log(1 + e^x): the logistic loss of a row with label 0 and score x. At most 2 ulp off.
[[nodiscard]] double softplus(double x);

}  // namespace netcompute::math
