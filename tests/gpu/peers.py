#!/usr/bin/env python3
"""Times hotexpert's kernels and PyTorch's on the same loads, in turn, and writes ours / best peer / ceiling.

  peers.py --program hotexpert --out FOLDER     writes peers.json and peers.md

Peers compute the two ragged products of a SwiGLU layer on rows in expert order: torch's grouped product, a loop over
experts, and a batched product padded to the largest load. Ours is layer.expert_ffn_s of `hotexpert sweep` for the same
expert loads, without shared experts. A grouped product in Triton (triton_grouped.py) is a peer where Triton is installed; each
peer is compared with the loop once before it is timed. Ceilings are one 8192-cubed product and a device-to-device copy. Without a device everything is "not measured".
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

SHAPES = {  # name: experts, top_k, d_model, d_ff
    "qwen3-30b-a3b": (128, 8, 2048, 768),
    "mixtral-8x7b": (8, 2, 4096, 14336),
    "deepseek-v3": (256, 8, 7168, 2048),
}
SKEWS = ["uniform", "zipf:exponent=1.2"]
OURS = ["grouped", "grouped-cublas", "padded", "loop"]
OURS_LARGE = ["grouped", "grouped-cublas"]  # where checking every expert on the host takes longest
TOLERANCE = 2e-2  # of a peer against the loop: both round the hidden values to bf16
TOKENS = 8192
ROUNDS = 2


def milliseconds(torch, body, repeats=10):
    """Median over `repeats` runs of `body`, by events, after two warm-up runs."""
    for _ in range(2):
        body()
    times = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        body()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def triton_peer():
    """(grouped product, "") or (None, why there is none)."""
    try:
        from triton_grouped import grouped
        return grouped, ""
    except Exception as error:  # an import can fail in a driver's way, too
        return None, f"Triton: {error}"


def wrong(torch, name, body, expected):
    """Why a peer is not to be timed; "" when it computes what the loop does. The padded one has other rows."""
    if name == "torch bmm padded":
        return ""
    off = (torch.linalg.norm((body() - expected).float()) / torch.linalg.norm(expected.float())).item()
    return "" if off <= TOLERANCE else f"differs from the loop by {off:.1e}"


def peer_bodies(torch, shape, loads):
    """Name -> function that computes the expert part for these loads."""
    experts, _, d_model, d_ff = shape
    functional = torch.nn.functional
    new = lambda *size: torch.randn(*size, device="cuda", dtype=torch.bfloat16)
    rows, most = sum(loads), max(loads)
    x = new(rows, d_model)
    w_in = new(experts, d_model, 2 * d_ff) / d_model**0.5
    w_down = new(experts, d_ff, d_model) / d_ff**0.5
    offsets = torch.tensor(loads, device="cuda").cumsum(0).to(torch.int32)

    def activate(h):
        gate, up = h.chunk(2, dim=-1)
        return functional.silu(gate) * up

    grouped = getattr(functional, "grouped_mm", None) or getattr(torch, "_grouped_mm", None)
    bodies = {}
    if grouped is not None:
        bodies["torch grouped_mm"] = lambda: grouped(activate(grouped(x, w_in, offs=offsets)), w_down, offs=offsets)

    def loop():
        out = torch.empty_like(x)
        first = 0
        for expert, count in enumerate(loads):
            if count:
                out[first:first + count] = activate(x[first:first + count] @ w_in[expert]) @ w_down[expert]
            first += count
        return out

    bodies["torch loop"] = loop
    triton_grouped, _ = triton_peer()
    if triton_grouped is not None:
        from_zero = torch.cat([torch.zeros(1, device="cuda", dtype=torch.int32), offsets])
        bodies["triton grouped"] = lambda: triton_grouped(activate(triton_grouped(x, w_in, from_zero)), w_down, from_zero)
    if experts * most * (2 * d_model + 3 * d_ff) * 2 < 30e9:
        padded = new(experts, most, d_model)
        bodies["torch bmm padded"] = lambda: torch.bmm(activate(torch.bmm(padded, w_in)), w_down)
    return bodies


def ceilings(torch):
    """FLOP/s of an 8192-cubed product and bytes/s (read and written) of a copy."""
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    product_ms = milliseconds(torch, lambda: a @ b)
    source = torch.empty(1 << 31, device="cuda", dtype=torch.uint8)
    target = torch.empty_like(source)
    copy_ms = milliseconds(torch, lambda: target.copy_(source))
    return {"flops_per_s": 2 * 8192**3 / (product_ms * 1e-3), "bytes_per_s": 2 * source.numel() / (copy_ms * 1e-3)}


def ours(program, folder, preset, skew):
    """(kernel -> layer.expert_ffn_s in ms, loads of the measured batch, kernel -> reason why not) of one sweep."""
    kernels = OURS_LARGE if preset == "deepseek-v3" else OURS
    command = [program, "sweep", str(pathlib.Path(__file__).with_name("h100.toml")), "--layer.preset", preset, "--skew.model", skew,
               "--layer.shared_experts", "0", "--kernel", ",".join(kernels), "--step.tokens", str(TOKENS), "--measure.control", "none", "--measure.budget_s", "0.2",
               "-o", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    points = folder / "points.jsonl"
    times, loads, reasons = {}, [], {}
    if not points.exists():
        return times, loads, {kernel: run.stderr.strip()[-300:] for kernel in OURS}
    for line in points.read_text().splitlines():
        point = json.loads(line)
        if "point" not in point:
            continue
        kernel = point["point"]["kernel"]
        metric = point["metrics"].get("layer.expert_ffn_s")
        if metric is None:
            reasons[kernel] = point.get("reason", "")
        else:
            times[kernel] = metric["value"] * 1e3
            loads = [int(v) for v in point["series"]["load.measured_batch"]["values"]]
    return times, loads, reasons


def time_peers(torch, shape, loads, row):
    """Adds each peer's time to row["ms"], or its reason to row["reasons"]."""
    bodies = peer_bodies(torch, shape, loads)
    expected = bodies["torch loop"]()
    for name, body in bodies.items():
        try:
            reason = wrong(torch, name, body, expected)
            if reason:
                row["reasons"][name] = reason
            else:
                row["ms"].setdefault(name, []).append(milliseconds(torch, body))
        except Exception as error:  # a peer that cannot run costs its own cell only
            row["reasons"][name] = (str(error).splitlines() or [type(error).__name__])[0]


def compare(torch, program, out, seconds):
    """A row a shape and skew. Rounds alternate ours and peers, so that a warm device serves both alike."""
    started, rows = time.monotonic(), []
    for preset, skew in [(p, s) for p in SHAPES for s in SKEWS]:
        row = {"shape": preset, "skew": skew, "loads": [], "flops": 0, "ms": {}, "reasons": {}}
        rows.append(row)
        for number in range(ROUNDS):
            if time.monotonic() - started > seconds:
                row["reasons"]["all"] = "no time left"
                break
            found, loads, reasons = ours(program, out / f"peer-{len(rows)}-{number}", preset, skew)
            row["reasons"].update(reasons)
            if not loads:
                break
            row["loads"], row["flops"] = loads, 6 * sum(loads) * SHAPES[preset][2] * SHAPES[preset][3]
            for kernel, ms in found.items():
                row["ms"].setdefault(kernel, []).append(ms)
            time_peers(torch, SHAPES[preset], loads, row)
            torch.cuda.empty_cache()  # the next `ours` needs the memory
    return rows


def table(rows, ceiling):
    def best(row, peers):
        found = {k: statistics.median(v) for k, v in row["ms"].items() if (k not in OURS) == peers and v}
        return min(found.items(), key=lambda item: item[1]) if found else ("not measured", None)

    text = ["| shape | skew | ours | TFLOP/s | best peer | TFLOP/s | ours / peer | share of the ceiling |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        (mine, mine_ms), (peer, peer_ms) = best(row, False), best(row, True)
        rate = lambda ms: f"{row['flops'] / ms / 1e9:.0f}" if ms else "not measured"
        ratio = f"{peer_ms / mine_ms:.2f}x" if mine_ms and peer_ms else "not measured"  # above 1: ours is faster
        share = f"{row['flops'] / (mine_ms * 1e-3) / ceiling['flops_per_s']:.0%}" if mine_ms else "not measured"
        text.append(f"| {row['shape']} | {row['skew']} | {mine} | {rate(mine_ms)} | {peer} | {rate(peer_ms)} | {ratio} | {share} |")
    text.append(f"\nCeilings: {ceiling['flops_per_s'] / 1e12:.0f} TFLOP/s (8192-cubed product), {ceiling['bytes_per_s'] / 1e12:.2f} TB/s (copy).")
    return "\n".join(text) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="hotexpert")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=80, help="no new comparison starts after so long")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        import torch
    except ImportError:
        print("peers: not measured (PyTorch is not installed)")
        return 0
    if not torch.cuda.is_available():
        print("peers: not measured (no CUDA device)")
        return 0
    if not triton_peer()[0]:
        print(f"peers: triton grouped not measured ({triton_peer()[1]})")
    ceiling = ceilings(torch)
    rows = compare(torch, arguments.program, arguments.out, arguments.seconds)
    (arguments.out / "peers.json").write_text(json.dumps({"device": torch.cuda.get_device_name(), "ceilings": ceiling, "rows": rows}, indent=1))
    (arguments.out / "peers.md").write_text(table(rows, ceiling))
    return 0


if __name__ == "__main__":
    sys.exit(main())
