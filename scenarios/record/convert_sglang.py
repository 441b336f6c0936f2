#!/usr/bin/env python3
"""Convert an expert distribution dump of SGLang (.pt) into an .npz that hotexpert reads.

    python3 convert_sglang.py expert_distribution_recorder_*.pt -o trace.npz

A .pt file is a pickle; it is loaded with weights_only=True, which runs no code from the file. Dumps
with `logical_count` [steps, layers, experts] become counts (`load`). Dumps of mode per_token become
topk_ids [tokens, layers, k]: SGLang stores layers first, and -1 where a token was padding.
"""

import argparse
import pickle
import sys

import numpy as np


def as_numpy(value):
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def counts(dump):
    """load [steps, layers, experts] of a dump with logical_count."""
    load = as_numpy(dump["logical_count"])
    if load.ndim == 2:
        load = load[None]
    if load.ndim != 3 or (load < 0).any() or (load != np.floor(load)).any():
        raise ValueError(f"logical_count of shape {load.shape} holds no counts")
    return {"load": load.astype(np.int64)}


def tokens(dump):
    """topk_ids [tokens, layers, k] of the records of a per-token dump."""
    rows = []
    for record in dump["records"]:
        ids = as_numpy(record["topk_ids_of_layer"])  # [layers, tokens, k]
        if ids.ndim != 3:
            raise ValueError(f"topk_ids_of_layer of shape {ids.shape} is not [layers, tokens, k]")
        ids = ids.transpose(1, 0, 2)
        rows.append(ids[(ids >= 0).any(axis=(1, 2))])  # padding tokens are -1 throughout
    offsets = np.cumsum([0] + [len(r) for r in rows]).astype(np.int64)
    return {"topk_ids": np.ascontiguousarray(np.concatenate(rows)).astype(np.int32),
            "step_offsets": np.unique(offsets)}


def convert(dump):
    if "logical_count" in dump:
        return counts(dump)
    if "records" in dump:
        return tokens(dump)
    raise ValueError("the dump has neither logical_count nor records")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dump")
    parser.add_argument("-o", "--output", default="trace.npz")
    args = parser.parse_args()

    import torch

    try:
        arrays = convert(torch.load(args.dump, map_location="cpu", weights_only=True))
    except (OSError, KeyError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        sys.exit(f"{args.dump}: {str(error).splitlines()[0]}")
    np.savez(args.output, **arrays)


if __name__ == "__main__":
    main()
