/* The smallest useful plugin: one expert after another, a row at a time, fp32, on the host.
 *   cc -O2 -shared -fPIC -I kernels/plugin kernels/plugin/example/expert_loop.c -lm -o mine.so
 *   hotexpert sweep scenarios/skew-to-time.toml --kernel plugin:./mine.so,grouped -o runs/mine */
#include <math.h>

#include "hotexpert_plugin.h"

static float dot(const float* a, const float* b, int64_t n) {
  float sum[8] = {0}; /* eight sums: a smaller rounding error than one */
  for (int64_t i = 0; i < n; ++i) sum[i % 8] += a[i] * b[i];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static float activate(int32_t activation, float z) {
  if (activation == HOTEXPERT_SWIGLU) return z / (1.0f + expf(-z));
  if (activation == HOTEXPERT_GELU) return 0.5f * z * (1.0f + erff(z * 0.70710678f));
  return z < 0.0f ? 0.0f : z;
}

static const char* supports(const hotexpert_layer* layer) {
  return layer->dtype == HOTEXPERT_FP32 ? NULL : "it computes fp32 only; set layer.dtype = fp32";
}

static const char* run(void* state, const hotexpert_layer* layer, const hotexpert_batch* batch) {
  const int64_t d_model = layer->d_model, d_ff = layer->d_ff;
  (void)state; /* it has none */
  for (int32_t e = 0; e < layer->num_experts; ++e) {
    const float* w_in = (const float*)layer->w_in + e * layer->in_columns * d_model;
    const float* w_down = (const float*)layer->w_down + e * d_model * d_ff;
    for (int64_t row = batch->offsets[e]; row < batch->offsets[e + 1]; ++row) {
      const float* x = (const float*)batch->x + row * d_model;
      float* hidden = (float*)batch->scratch_hidden + row * d_ff;
      float* y = (float*)batch->y + row * d_model;
      for (int64_t i = 0; i < d_ff; ++i) {
        hidden[i] = activate(layer->activation, dot(x, w_in + i * d_model, d_model));
        if (layer->activation == HOTEXPERT_SWIGLU)
          hidden[i] *= dot(x, w_in + (d_ff + i) * d_model, d_model);
      }
      for (int64_t i = 0; i < d_model; ++i) y[i] = dot(hidden, w_down + i * d_ff, d_ff);
    }
  }
  return NULL;
}

HOTEXPERT_EXPORT_PLUGIN(.runs_on = HOTEXPERT_ON_HOST, .summary = "one expert after another",
                        .supports = supports, .run = run)
