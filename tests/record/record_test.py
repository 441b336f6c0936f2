"""Recorder and converter, without torch: stand-ins have the few methods that are used."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../scenarios/record"))
try:
    import numpy as np
except ImportError:
    print("skipped: python3-numpy is not installed")
    sys.exit(77)

import convert_sglang  # noqa: E402
import record_hf  # noqa: E402


class Module:
    def __init__(self):
        self.hooks = []

    def register_forward_hook(self, hook):
        self.hooks.append(hook)
        return self

    def remove(self):
        self.hooks = []

    def forward(self, logits):
        for hook in self.hooks:
            hook(self, (), logits)


class Model:
    def __init__(self, names):
        self.modules = {name: Module() for name in names}

    def named_modules(self):
        return self.modules.items()


class RecorderTest(unittest.TestCase):
    def test_slots_fall_by_weight_and_weights_sum_to_one(self):
        ids, weights = record_hf.top_k([[0.0, 3.0, 1.0, 2.0], [1.0, 1.0, 1.0, 0.0]], 2)
        self.assertEqual(ids.tolist(), [[1, 3], [0, 1]])
        np.testing.assert_allclose(weights.astype(float).sum(axis=1), 1, atol=1e-3)
        self.assertAlmostEqual(float(weights[0, 0]), np.e / (1 + np.e), places=3)

    def test_layers_and_requests_line_up(self):
        model = Model(["model.layers.1.mlp.gate", "model.layers.3.mlp.gate", "lm_head",
                       "model.layers.1.mlp.experts.0.gate_proj"])
        recorder = record_hf.RoutingRecorder(4, 1)
        recorder.attach(model)
        for recorder.request, tokens in enumerate((2, 1)):
            model.modules["model.layers.1.mlp.gate"].forward(np.eye(4)[:tokens])
            model.modules["model.layers.3.mlp.gate"].forward((np.eye(4)[::-1][:tokens],))
        arrays = recorder.arrays()
        self.assertEqual(arrays["topk_ids"].tolist(), [[[0], [3]], [[1], [2]], [[0], [3]]])
        self.assertEqual(arrays["request_id"].tolist(), [0, 0, 1])
        recorder.detach()
        model.modules["lm_head"].forward(np.eye(4))
        self.assertEqual(len(recorder.arrays()["request_id"]), 3)
        with tempfile.TemporaryDirectory() as folder:
            recorder.save(os.path.join(folder, "t.npz"))
            with np.load(os.path.join(folder, "t.npz")) as back:
                self.assertEqual(back["topk_ids"].shape, (3, 2, 1))

    def test_a_model_that_routes_nothing_is_refused(self):
        with self.assertRaisesRegex(ValueError, "routes nothing"):
            record_hf.RoutingRecorder(4, 1).attach(Model(["lm_head"]))
        with self.assertRaisesRegex(ValueError, "different numbers"):
            recorder = record_hf.RoutingRecorder(2, 1)
            recorder.observe(0, np.eye(2))
            recorder.observe(1, np.eye(2)[:1])
            recorder.arrays()


class ConverterTest(unittest.TestCase):
    def test_counts_keep_steps_layers_and_experts(self):
        load = convert_sglang.convert({"logical_count": np.array([[1.0, 2.0], [0.0, 3.0]])})["load"]
        self.assertEqual(load.tolist(), [[[1, 2], [0, 3]]])
        with self.assertRaises(ValueError):
            convert_sglang.convert({"logical_count": np.array([[1.5, 2.0]])})

    def test_per_token_records_become_token_major_without_padding(self):
        ids = np.array([[[0, 1], [2, 3], [-1, -1]], [[3, 2], [1, 0], [-1, -1]]])
        out = convert_sglang.convert({"records": [{"topk_ids_of_layer": ids}] * 2})
        self.assertEqual(out["topk_ids"][:2].tolist(), [[[0, 1], [3, 2]], [[2, 3], [1, 0]]])
        self.assertEqual(out["step_offsets"].tolist(), [0, 2, 4])

    def test_other_dumps_are_refused(self):
        with self.assertRaisesRegex(ValueError, "neither"):
            convert_sglang.convert({})


if __name__ == "__main__":
    unittest.main()
