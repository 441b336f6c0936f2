"""A grouped product in Triton, the peer that most frameworks run: one program a tile of one expert's rows.

  y[r] = x[r] @ w[e] for rows [offsets[e], offsets[e + 1]) of expert e

Written from the definition. Imported where Triton is installed; peers.py says so where it is not.
"""
import torch
import triton
import triton.language as tl

CONFIGS = [
    triton.Config({"BM": rows, "BN": columns, "BK": 64}, num_warps=warps, num_stages=stages)
    for rows, columns, warps, stages in [(64, 128, 4, 4), (64, 256, 8, 3), (128, 128, 8, 3), (128, 256, 8, 3)]
]


@triton.autotune(configs=CONFIGS, key=["N", "K", "experts"])
@triton.jit
def grouped_kernel(x, w, y, offsets, N, K, experts, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """Program (i, j) walks experts until row tile i is inside one; a tile behind the last expert's does nothing."""
    tile = tl.program_id(0)
    column = tl.program_id(1)
    expert = tile * 0  # a number of the device's, as it stays in the loop
    begin = tl.load(offsets)
    end = tl.load(offsets + 1)
    tiles = tl.cdiv(end - begin, BM)
    while (tile >= tiles) & (expert < experts - 1):
        tile -= tiles
        expert += 1
        begin = end
        end = tl.load(offsets + expert + 1)
        tiles = tl.cdiv(end - begin, BM)
    if tile < tiles:
        rows = begin + tile * BM + tl.arange(0, BM)
        columns = column * BN + tl.arange(0, BN)
        depth = tl.arange(0, BK)
        weights = w + expert.to(tl.int64) * K * N
        total = tl.zeros((BM, BN), dtype=tl.float32)
        for k in range(0, K, BK):
            a = tl.load(x + rows[:, None].to(tl.int64) * K + (k + depth)[None, :],
                        mask=(rows < end)[:, None] & (k + depth < K)[None, :], other=0.0)
            b = tl.load(weights + (k + depth)[:, None].to(tl.int64) * N + columns[None, :],
                        mask=(k + depth < K)[:, None] & (columns < N)[None, :], other=0.0)
            total = tl.dot(a, b, total)
        tl.store(y + rows[:, None].to(tl.int64) * N + columns[None, :], total.to(y.dtype.element_ty),
                 mask=(rows < end)[:, None] & (columns < N)[None, :])


def grouped(x, w, offsets):
    """x [rows, K], w [experts, K, N], offsets [experts + 1] int32 on the device; y [rows, N]. Nothing waits for the host."""
    (rows, depth), (experts, _, columns) = x.shape, w.shape
    y = torch.empty(rows, columns, device=x.device, dtype=x.dtype)

    def grid(config):  # every expert may end in a tile of its own
        return (triton.cdiv(rows, config["BM"]) + experts, triton.cdiv(columns, config["BN"]))

    grouped_kernel[grid](x, w, y, offsets, columns, depth, experts)
    return y
