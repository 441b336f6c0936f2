"""Recorder and converter with the real torch: a tiny model of MoE layers, and dumps saved as .pt."""

import os
import subprocess
import sys
import tempfile
import types
import unittest

RECORD = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../scenarios/record"))
sys.path.insert(0, RECORD)
try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"skipped: {error} (Debian's package is python3-torch)")
    sys.exit(77)

import record_hf  # noqa: E402

EXPERTS, K, WIDTH = 6, 2, 8


class IndexRouter(torch.nn.Module):
    """Returns sparse scores and the chosen experts, as some models do."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(WIDTH, EXPERTS)

    def forward(self, x):
        values, ids = torch.topk(self.linear(x), K)
        weights = torch.softmax(values, dim=-1)
        return torch.zeros(len(x), EXPERTS).scatter_(1, ids, weights), ids


class Block(torch.nn.Module):
    def __init__(self, router):
        super().__init__()
        self.gate = router
        self.experts = torch.nn.ModuleList(torch.nn.Linear(WIDTH, WIDTH) for _ in range(EXPERTS))

    def forward(self, x):
        self.gate(x)
        return x + self.experts[0](x)


class Model(torch.nn.Module):
    """Two MoE layers, one of each kind of router; generate() is a prefill and one token more."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(
            [Block(torch.nn.Linear(WIDTH, EXPERTS)), Block(IndexRouter())])
        self.config = types.SimpleNamespace(num_local_experts=EXPERTS, num_experts_per_tok=K)
        self.device = "cpu"

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def generate(self, inputs, **_):
        self(inputs)
        self(inputs[-1:])


class RecorderTest(unittest.TestCase):
    def test_what_is_recorded_is_what_the_routers_chose(self):
        torch.manual_seed(0)
        model = Model()
        recorder = record_hf.RoutingRecorder(EXPERTS, K)
        recorder.attach(model)
        x = torch.randn(50, WIDTH)
        with torch.no_grad():
            model(x)
            recorder.detach()
            second = x + model.layers[0].experts[0](x)
            logits = [model.layers[0].gate(x), model.layers[1].gate.linear(second)]
        arrays = recorder.arrays()
        self.assertEqual(arrays["topk_ids"].shape, (50, 2, K))
        for layer in range(2):
            values, ids = torch.topk(logits[layer], K)
            np.testing.assert_array_equal(arrays["topk_ids"][:, layer], ids.numpy())
            np.testing.assert_allclose(arrays["topk_weights"][:, layer],
                                       torch.softmax(values, dim=-1).numpy(), atol=1e-3)

    def test_a_run_of_the_program_writes_a_trace(self):
        torch.manual_seed(1)
        model = Model()

        class Inputs(dict):
            def to(self, _):
                return self

        fake = types.ModuleType("transformers")
        fake.AutoTokenizer = types.SimpleNamespace(
            from_pretrained=lambda _: lambda text, **_: Inputs(
                inputs=torch.randn(len(text.split()), WIDTH)))
        fake.AutoModelForCausalLM = types.SimpleNamespace(from_pretrained=lambda *_, **__: model)
        sys.modules["transformers"] = fake
        with tempfile.TemporaryDirectory() as folder:
            prompts = os.path.join(folder, "prompts.txt")
            with open(prompts, "w", encoding="utf-8") as file:
                file.write("one two three\n\nfour five\n")
            out = os.path.join(folder, "trace.npz")
            sys.argv = ["record_hf.py", "tiny", prompts, "-o", out]
            record_hf.main()
            with np.load(out) as trace:
                self.assertEqual(trace["topk_ids"].shape, (3 + 1 + 2 + 1, 2, K))
                self.assertEqual(trace["request_id"].tolist(), [0] * 4 + [1] * 3)
                np.testing.assert_allclose(trace["topk_weights"].astype(float).sum(axis=2), 1,
                                           atol=2e-3)


class Trap:
    def __reduce__(self):
        return (os.system, (f"touch {Trap.path}",))


class ConverterTest(unittest.TestCase):
    def convert(self, folder, dump):
        path = os.path.join(folder, "dump.pt")
        torch.save(dump, path)
        out = os.path.join(folder, "trace.npz")
        result = subprocess.run(
            [sys.executable, "-B", os.path.join(RECORD, "convert_sglang.py"), path, "-o", out],
            capture_output=True, text=True, check=False)
        return result, out

    def test_counts_and_tokens_of_a_saved_dump(self):
        with tempfile.TemporaryDirectory() as folder:
            result, out = self.convert(folder, {"rank": 0, "logical_count": torch.tensor(
                [[[1, 2], [0, 3]], [[4, 0], [2, 2]]])})
            self.assertEqual(result.returncode, 0, result.stderr)
            with np.load(out) as trace:
                self.assertEqual(trace["load"].tolist(), [[[1, 2], [0, 3]], [[4, 0], [2, 2]]])
            ids = torch.tensor([[[0, 1], [-1, -1]], [[3, 2], [-1, -1]]], dtype=torch.int32)
            result, out = self.convert(folder, {"records": [{"topk_ids_of_layer": ids}]})
            self.assertEqual(result.returncode, 0, result.stderr)
            with np.load(out) as trace:
                self.assertEqual(trace["topk_ids"].tolist(), [[[0, 1], [3, 2]]])

    def test_a_pickle_that_runs_code_is_refused_and_runs_none(self):
        with tempfile.TemporaryDirectory() as folder:
            Trap.path = os.path.join(folder, "sprung")
            result, out = self.convert(folder, {"logical_count": Trap()})
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("dump.pt", result.stderr)
            self.assertNotIn("Traceback", result.stderr)
            self.assertFalse(os.path.exists(Trap.path))
            self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main()
