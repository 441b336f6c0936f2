#include "kernels/cpu/vector_loops.hpp"

#include <bit>

/// One clone an instruction set.
#define HOTEXPERT_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

namespace hotexpert {
namespace {

/// e^x in fp32: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor to r^6 (remainder 1e-7), scaled by 2^n.
/// Clamped to [-87, 88]: finite, and NaN passes through.
inline float fast_exp(float x) {
  const float low = x < -87.0F ? -87.0F : x;
  const float clamped = low > 88.0F ? 88.0F : low;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest whole number
  const float shifted = clamped * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * 0.693145752F) - n * 1.42860677e-6F;
  float sum = 1.0F / 5040.0F;
  sum = sum * r + 1.0F / 720.0F;
  sum = sum * r + 1.0F / 120.0F;
  sum = sum * r + 1.0F / 24.0F;
  sum = sum * r + 1.0F / 6.0F;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  const auto exponent = (std::bit_cast<std::uint32_t>(shifted) & 0xffU) + 127U;
  return sum * std::bit_cast<float>((exponent & 0xffU) << 23);
}

/// Φ(x), the normal distribution function, by erf of Abramowitz and Stegun 7.1.26 (error 1.5e-7).
inline float normal_cdf(float x) {
  const float z = x < 0.0F ? x * -0.707106781F : x * 0.707106781F;
  const float t = 1.0F / (1.0F + 0.3275911F * z);
  float poly = 1.061405429F;
  poly = poly * t - 1.453152027F;
  poly = poly * t + 1.421413741F;
  poly = poly * t - 0.284496736F;
  poly = poly * t + 0.254829592F;
  const float upper = 0.5F * poly * t * fast_exp(-z * z);
  return x < 0.0F ? upper : 1.0F - upper;
}

/// e^(-x^2 / 2) / sqrt(2 pi)
inline float normal_density(float x) { return 0.398942280F * fast_exp(-0.5F * x * x); }

template <class Element>
inline float lane_dot(const Element* a, const Element* b, std::int64_t count) {
  constexpr std::int64_t kLanes = 16;
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] += to_float(a[i + lane]) * to_float(b[i + lane]);
  for (std::int64_t lane = 0; i + lane < count; ++lane)
    lanes[lane] += to_float(a[i + lane]) * to_float(b[i + lane]);
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2)
    for (std::int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

}  // namespace

HOTEXPERT_VECTOR_CLONES
void assign_scaled(const float* row, float weight, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = weight * row[i];
}

HOTEXPERT_VECTOR_CLONES
void assign_scaled(const Bf16* row, float weight, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = weight * to_float(row[i]);
}

HOTEXPERT_VECTOR_CLONES
void add_scaled(const float* row, float weight, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] += weight * row[i];
}

HOTEXPERT_VECTOR_CLONES
void add_scaled(const Bf16* row, float weight, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] += weight * to_float(row[i]);
}

HOTEXPERT_VECTOR_CLONES
void round_to_bf16(const float* values, Bf16* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = to_bf16(values[i]);
}

HOTEXPERT_VECTOR_CLONES
void widen(const Bf16* values, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = to_float(values[i]);
}

HOTEXPERT_VECTOR_CLONES
void add(const float* values, float* sum, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += values[i];
}

HOTEXPERT_VECTOR_CLONES
float dot(const float* a, const float* b, std::int64_t count) { return lane_dot(a, b, count); }

HOTEXPERT_VECTOR_CLONES
float dot(const Bf16* a, const Bf16* b, std::int64_t count) { return lane_dot(a, b, count); }

HOTEXPERT_VECTOR_CLONES
void apply_swiglu(const float* gate, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] *= gate[i] / (1.0F + fast_exp(-gate[i]));
  }
}

HOTEXPERT_VECTOR_CLONES
void apply_gelu(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] *= normal_cdf(values[i]);
}

HOTEXPERT_VECTOR_CLONES
void apply_relu(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = values[i] < 0.0F ? 0.0F : values[i];
}

HOTEXPERT_VECTOR_CLONES
void swiglu_gradient(const float* d, float* gate, float* up, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float z = gate[i];
    const float sigmoid = 1.0F / (1.0F + fast_exp(-z));
    gate[i] = d[i] * up[i] * sigmoid * (1.0F + z * (1.0F - sigmoid));
    up[i] = d[i] * z * sigmoid;
  }
}

HOTEXPERT_VECTOR_CLONES
void gelu_gradient(const float* d, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float z = values[i];
    values[i] = d[i] * (normal_cdf(z) + z * normal_density(z));
  }
}

HOTEXPERT_VECTOR_CLONES
void relu_gradient(const float* d, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float slope = values[i] > 0.0F ? 1.0F : (values[i] <= 0.0F ? 0.0F : values[i]);
    values[i] = d[i] * slope;
  }
}

}  // namespace hotexpert
