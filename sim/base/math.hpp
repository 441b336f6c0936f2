#pragma once

namespace hotexpert {

/// exp, log and the standard normal inverse CDF that give the same bits on every machine and
/// compiler (built with -ffp-contract=off): glibc's change with the CPU's FMA unit. Use them
/// wherever a sampled or counted result depends on the value. Relative error: below 4 ulp for exp
/// and log, below 2e-9 for the quantile.
double portable_exp(double x);  ///< e^x; 0 below -745, +inf above 709.8
double portable_log(double x);  ///< ln x for x > 0; -inf for 0; NaN for x < 0
double portable_normal_quantile(
    double p);  ///< z with P(N(0,1) <= z) = p, 0 < p < 1 (Acklam 2003, one Newton-free pass)

}  // namespace hotexpert
