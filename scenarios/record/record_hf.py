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


class RoutingRecorder:
    """Collects router decisions of all layers, forward pass by forward pass."""

    def __init__(self, num_experts, k):
        self.num_experts = num_experts
        self.k = k
        self.request = 0
        self._layers = {}  # layer -> list of (ids, weights), one a forward pass
        self._request_id = []
        self._handles = []

    def observe(self, layer, logits):
        """Adds router logits [tokens, num_experts] of one layer."""
        logits = np.asarray(logits).reshape(-1, np.shape(logits)[-1])
        if logits.shape[1] != self.num_experts:
            raise ValueError(
                f"layer {layer}: the router has {logits.shape[1]} experts, not {self.num_experts}")
        self._layers.setdefault(layer, []).append(top_k(logits, self.k))
        if layer == min(self._layers):
            self._request_id.append(np.full(len(logits), self.request, np.int32))

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
            logits = output[0] if isinstance(output, tuple) else output
            if hasattr(logits, "detach"):
                logits = logits.detach().float().cpu().numpy()
            if np.shape(logits)[-1] == self.num_experts:
                self.observe(layer, logits)

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
