/* Your own expert kernel behind hotexpert's measurements: --kernel plugin:PATH[:OPTIONS], PATH a
 * shared object that ends with
 *
 *     HOTEXPERT_EXPORT_PLUGIN(.runs_on = HOTEXPERT_ON_HOST, .summary = "mine", .run = run)
 *
 * hotexpert draws weights and tokens, sorts rows by expert, calls run(), compares every expert with
 * fp64, and only then times it, interleaved with the balanced control, as it times its own kernels.
 * C99; all sizes are counts of elements.
 *
 * A function that can fail returns NULL, or a sentence that says why; the program copies it before
 * it calls again, so a static buffer will do. Calls come from one thread at a time. A crash inside
 * a plugin ends the program; points that were finished before it are safe. */
#ifndef HOTEXPERT_PLUGIN_H
#define HOTEXPERT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define HOTEXPERT_OPTIONAL \
  {} /* a member that may be left out */
extern "C" {
#else
#define HOTEXPERT_OPTIONAL
#endif

#define HOTEXPERT_PLUGIN_ABI 2u

enum { HOTEXPERT_FP32 = 0, HOTEXPERT_BF16 = 1 }; /* dtype */
enum {
  HOTEXPERT_SWIGLU = 0,
  HOTEXPERT_GELU = 1,
  HOTEXPERT_RELU = 2
};                                                     /* activation; GELU is the exact one (erf) */
enum { HOTEXPERT_ON_HOST = 1, HOTEXPERT_ON_CUDA = 2 }; /* where; bits of hotexpert_plugin.runs_on */
enum {
  HOTEXPERT_NEEDS_HOST_OFFSETS =
      1, /* CUDA: offsets are copied back and waited for inside the timed step */
  HOTEXPERT_CAPTURABLE =
      2 /* CUDA: run() only puts work on the stream, so the step may be a CUDA graph */
};

/* One layer. Everything lives as long as the state that create() makes. w_in and w_down are where
 * the kernel runs: host memory aligned to 64 bytes, or device memory aligned to 256. Matrices are
 * row-major, inner dimension last, as in a torch.nn.Linear. For SwiGLU the rows of w_in are d_ff
 * gates, then d_ff ups, and in_columns = 2 * d_ff; else d_ff. h = x * w_in[e]^T;   y =
 * (silu(h[:d_ff]) * h[d_ff:]) * w_down[e]^T,   or   y = act(h) * w_down[e]^T          */
typedef struct hotexpert_layer {
  uint32_t struct_bytes; /* sizeof(hotexpert_layer) of the program: later versions only append */
  int32_t where;         /* HOTEXPERT_ON_HOST or HOTEXPERT_ON_CUDA (the current device) */
  int32_t dtype;         /* of x, y and both weights; accumulate in fp32 */
  int32_t activation;
  int32_t num_experts; /* routed (replicas counted apart), then shared experts */
  int32_t threads;     /* processors that a host kernel may use, >= 1 */
  int64_t d_model;
  int64_t d_ff;
  int64_t in_columns;
  const void* w_in;    /* [num_experts, in_columns, d_model]; NULL in supports() */
  const void* w_down;  /* [num_experts, d_model, d_ff]; NULL in supports() */
  const char* options; /* what follows PATH: in the kernel's name, "tile=64:stages=3"; never NULL */
} hotexpert_layer;

/* One pass. Rows of expert e are [offsets[e], offsets[e + 1]); experts may have none, and loads may
 * be as uneven as they like. Pointers are where the kernel runs, but for host_offsets. */
typedef struct hotexpert_batch {
  uint32_t struct_bytes;
  uint32_t reserved;
  int64_t rows;  /* offsets[num_experts]; known to the host beforehand, as a buffer's size is */
  const void* x; /* [rows, d_model] */
  void* y;       /* [rows, d_model], every element to be written */
  const int32_t* offsets; /* [num_experts + 1] */
  const int32_t*
      host_offsets; /* the same in host memory; NULL on CUDA unless HOTEXPERT_NEEDS_HOST_OFFSETS */
  void* scratch_in; /* [rows, in_columns] of dtype, for the plugin's use */
  void* scratch_hidden; /* [rows, d_ff] of dtype, likewise */
  void* stream;         /* cudaStream_t that all work goes on; NULL on the host */
} hotexpert_batch;

typedef struct hotexpert_plugin {
  uint32_t abi;     /* HOTEXPERT_PLUGIN_ABI */
  uint32_t runs_on; /* HOTEXPERT_ON_HOST | HOTEXPERT_ON_CUDA */
  uint32_t flags HOTEXPERT_OPTIONAL;
  uint32_t reserved HOTEXPERT_OPTIONAL;
  const char* summary; /* one line for people */
  /* May be NULL: everything is supported. A refusal's reason makes the point skipped. */
  const char* (*supports)(const hotexpert_layer* layer)HOTEXPERT_OPTIONAL;
  /* May be NULL: no state. Pack weights, reserve memory, choose tiles here: it is not timed. */
  const char* (*create)(const hotexpert_layer* layer, void** state)HOTEXPERT_OPTIONAL;
  /* Computes y from x. `layer` is the one that create() saw. */
  const char* (*run)(void* state, const hotexpert_layer* layer, const hotexpert_batch* batch);
  void (*destroy)(void* state) HOTEXPERT_OPTIONAL; /* may be NULL */
} hotexpert_plugin;

/* What a plugin exports. */
const hotexpert_plugin* hotexpert_plugin_entry(void);

#ifdef __cplusplus
}
#endif

/* Defines it, from members by name; in C++ (20) in the order above. Those left out are 0. */
#define HOTEXPERT_EXPORT_PLUGIN(...)                                                   \
  const hotexpert_plugin* hotexpert_plugin_entry(void) {                               \
    static const hotexpert_plugin plugin = {.abi = HOTEXPERT_PLUGIN_ABI, __VA_ARGS__}; \
    return &plugin;                                                                    \
  }
#endif /* HOTEXPERT_PLUGIN_H */
