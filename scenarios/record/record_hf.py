#!/usr/bin/env python3
"""Record the routing of a Hugging Face Mixture-of-Experts model into a trace hotexpert reads.

    python3 record_hf.py MODEL PROMPTS.txt -o trace.npz [--max-new-tokens 256]

PROMPTS.txt holds one prompt a line; each is a request. The trace is an .npz with topk_ids
[tokens, layers, k] (slots by falling weight), topk_weights (float16, sum 1) and request_id; turn it
into a .safetensors with `hotexpert trace import trace.npz -o trace.safetensors`.

Only NumPy is needed to import this file; torch and transformers are imported when a model is run.
"""

import argparse

import numpy as np

ROUTER_NAMES = ("gate", "router")


def top_k(logits, k):
    """Experts and softmax weights of the k largest logits a row, largest first, ties to the lower id."""
    logits = np.asarray(logits, dtype=np.float64)
    ids = np.argsort(-logits, axis=-1, kind="stable")[:, :k]
    chosen = np.take_along_axis(logits, ids, axis=-1)
    weights = np.exp(chosen - chosen.max(axis=-1, keepdims=True))
    return ids.astype(np.int16), (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float16)


def as_numpy(value):
    """A tensor or array as NumPy [tokens, last dimension]; floats as float64."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    value = np.asarray(value)
    return value.reshape(-1, value.shape[-1])


def by_falling_weight(ids, weights):
    """The same choices with the heaviest slot first and weights that sum to 1."""
    order = np.argsort(-weights, axis=-1, kind="stable")
    ids = np.take_along_axis(ids, order, axis=-1)
    weights = np.take_along_axis(weights, order, axis=-1)
    total = weights.sum(axis=-1, keepdims=True)
    return ids.astype(np.int16), (weights / np.where(total > 0, total, 1)).astype(np.float16)


def choices(output, num_experts, k):
    """Experts and weights of what a router module returned, or None when it is no routing.

    Routers return logits [tokens, experts]; or, in a tuple, the chosen experts [tokens, k] with
    their weights [tokens, k] or with scores [tokens, experts] that are 0 where nothing was chosen.
    """
    parts = [as_numpy(part) for part in (output if isinstance(output, tuple) else (output,))
             if np.ndim(part) >= 2]
    chosen = [p for p in parts if p.dtype.kind in "iu" and p.shape[1] == k]
    scores = [p for p in parts if p.dtype.kind == "f" and p.shape[1] == num_experts]
    weights = [p for p in parts if p.dtype.kind == "f" and p.shape[1] == k != num_experts]
    if chosen and weights:
        return by_falling_weight(chosen[0], weights[0])
    if chosen and scores and (scores[0] >= 0).all() and ((scores[0] > 0).sum(axis=1) <= k).all():
        return by_falling_weight(chosen[0], np.take_along_axis(scores[0], chosen[0], axis=-1))
    return top_k(scores[0], k) if scores else None


class RoutingRecorder:
    """Collects router decisions of all layers, forward pass by forward pass."""

    def __init__(self, num_experts, k):
        self.num_experts = num_experts
        self.k = k
        self.request = 0
        self._layers = {}  # layer -> list of (ids, weights), one a forward pass
        self._request_id = []
        self._handles = []

    def observe(self, layer, output):
        """Adds what the router of one layer returned, see choices()."""
        routing = choices(output, self.num_experts, self.k)
        if routing is None:
            return
        self._layers.setdefault(layer, []).append(routing)
        if layer == min(self._layers):
            self._request_id.append(np.full(len(routing[0]), self.request, np.int32))

    def attach(self, model):
        """Hooks every module whose name ends in gate or router and whose output is router logits."""
        for name, module in model.named_modules():
            if name.rsplit(".", 1)[-1] in ROUTER_NAMES:
                layer = next((int(part) for part in name.split(".") if part.isdigit()), 0)
                self._handles.append(module.register_forward_hook(self._hook(layer)))
        if not self._handles:
            raise ValueError("the model has no module called gate or router: it routes nothing")

    def detach(self):
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _hook(self, layer):
        def record(_module, _inputs, output):
            self.observe(layer, output)

        return record

    def arrays(self):
        """topk_ids and topk_weights [tokens, layers, k], request_id [tokens], num_experts [1]."""
        if not self._layers:
            raise ValueError("nothing was recorded")
        layers = sorted(self._layers)
        ids = [np.concatenate([a for a, _ in self._layers[layer]]) for layer in layers]
        weights = [np.concatenate([w for _, w in self._layers[layer]]) for layer in layers]
        counts = {len(a) for a in ids}
        if len(counts) != 1:
            raise ValueError(f"layers recorded different numbers of tokens: {sorted(counts)}")
        return {
            "topk_ids": np.stack(ids, axis=1),
            "topk_weights": np.stack(weights, axis=1),
            "request_id": np.concatenate(self._request_id),
            "num_experts": np.array([self.num_experts], np.int64),
        }

    def save(self, path):
        np.savez(path, **self.arrays())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("prompts")
    parser.add_argument("-o", "--output", default="trace.npz")
    parser.add_argument("--max-new-tokens", type=int, default=256)
    args = parser.parse_args()

    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(args.model, torch_dtype="auto")
    config = model.config
    experts = getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None) \
        or config.n_routed_experts
    recorder = RoutingRecorder(experts, config.num_experts_per_tok)
    recorder.attach(model)
    with open(args.prompts, encoding="utf-8") as file, torch.no_grad():
        for recorder.request, prompt in enumerate(line for line in file if line.strip()):
            inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
            model.generate(**inputs, max_new_tokens=args.max_new_tokens, do_sample=False)
    recorder.save(args.output)


if __name__ == "__main__":
    main()
