/* The example plugin with a fault. Faults of its table are chosen when it is compiled, faults of
 * its arithmetic by options (plugin:faulty.so:fault=wrong_expert), so that one file serves all of
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define hotexpert_plugin_entry sound_entry
#include "kernels/plugin/example/expert_loop.c"
#undef hotexpert_plugin_entry

#ifndef TABLE_ABI
#define TABLE_ABI HOTEXPERT_PLUGIN_ABI
#endif
#ifndef TABLE_RUN
#define TABLE_RUN faulty_run
#endif
#ifndef TABLE_RUNS_ON
#define TABLE_RUNS_ON HOTEXPERT_ON_HOST
#endif

static int has_fault(const hotexpert_layer* layer, const char* name) {
  const char* prefix = "fault=";
  return strncmp(layer->options, prefix, strlen(prefix)) == 0 &&
         strcmp(layer->options + strlen(prefix), name) == 0;
}

static const char* known(const hotexpert_layer* layer) {
  static char error[64];
  static const char* names[] = {"wrong_expert", "swapped_rows", "k_tail", "unwritten",
                                "create",       "run",          "silent"};
  if (layer->options[0] == '\0') return supports(layer);
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
    if (has_fault(layer, names[i])) return supports(layer);
  snprintf(error, sizeof(error), "it has no option '%s'", layer->options);
  return error;
}

static const char* create(const hotexpert_layer* layer, void** state) {
  if (has_fault(layer, "create")) return "no room for its tables";
  *state = malloc(1);
  return *state == NULL ? "no memory" : NULL;
}

static const char* faulty_run(void* state, const hotexpert_layer* layer,
                              const hotexpert_batch* batch) {
  hotexpert_layer seen = *layer;
  int32_t hottest = 0;
  if (has_fault(layer, "silent")) return "";
  if (has_fault(layer, "run")) return "its queue is full";
  for (int32_t e = 1; e < layer->num_experts; ++e)
    if (batch->offsets[e + 1] - batch->offsets[e] >
        batch->offsets[hottest + 1] - batch->offsets[hottest])
      hottest = e;
  const int64_t first = batch->offsets[hottest];
  float* y = (float*)batch->y + first * layer->d_model;
  if (run(state, &seen, batch) != NULL) return "the sound kernel failed";
  if (has_fault(layer, "unwritten")) memset(y, 0xff, sizeof(float));
  if (has_fault(layer, "swapped_rows") && batch->offsets[hottest + 1] - first > 1) {
    for (int64_t i = 0; i < layer->d_model; ++i) {
      const float kept = y[i];
      y[i] = y[layer->d_model + i];
      y[layer->d_model + i] = kept;
    }
  }
  if (has_fault(layer, "wrong_expert") ||
      has_fault(layer, "k_tail")) { /* the hottest expert's rows again */
    const int tail = has_fault(layer, "k_tail");
    const int32_t other = tail ? hottest : (hottest + 1) % layer->num_experts;
    const float* w_down = (const float*)layer->w_down + other * layer->d_model * layer->d_ff;
    for (int64_t row = first; row < batch->offsets[hottest + 1]; ++row)
      for (int64_t i = 0; i < layer->d_model; ++i)
        ((float*)batch->y)[row * layer->d_model + i] =
            dot((const float*)batch->scratch_hidden + row * layer->d_ff, w_down + i * layer->d_ff,
                layer->d_ff - tail);
  }
  return NULL;
}

static void destroy(void* state) { free(state); }

#ifndef NO_ENTRY
const hotexpert_plugin* hotexpert_plugin_entry(void) {
  static const hotexpert_plugin plugin = {
      TABLE_ABI, TABLE_RUNS_ON, 0,         0,      "the example with a fault",
      known,     create,        TABLE_RUN, destroy};
  (void)faulty_run;
#ifdef NO_TABLE
  return (void)plugin, NULL;
#else
  return &plugin;
#endif
}
#endif
