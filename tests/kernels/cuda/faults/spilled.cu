// More live values than a thread has registers: the gate must see that ptxas spills.
__global__ void __launch_bounds__(1024, 2) spilled(const float* in, float* out) {
  float values[96];
#pragma unroll
  for (int i = 0; i < 96; ++i) values[i] = in[i * 1024 + threadIdx.x];
#pragma unroll 1
  for (int round = 0; round < 8; ++round) {
#pragma unroll
    for (int i = 0; i < 96; ++i) values[i] = values[i] * values[(i + 17) % 96] + 1.0F;
  }
#pragma unroll
  for (int i = 0; i < 96; ++i) out[i * 1024 + threadIdx.x] = values[i];
}
