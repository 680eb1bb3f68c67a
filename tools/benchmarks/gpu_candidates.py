"""What tools/benchmarks/gpu.py compares: devices, and candidates on Keras' backend.

A candidate has picture(high, bot), from arrays to the network's H×W×3 output, and step(stage,
inputs, ground truth), which returns a function that takes a training step. Keras is imported with
the backend of KERAS_BACKEND, PyTorch where it is used.
"""

import keras

from losses.objectives import Objective, Pictures
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
from training.trainer import EPSILON, Trainer

LEVEL_NUM = 3  # of the shipped weights
RATE = 3e-4


class Jax:
    """JAX's default device."""

    def __init__(self):
        import jax

        self._device = jax.devices()[0]
        self.accelerator = None if self._device.platform == "cpu" else self._device.device_kind

    def peak(self):
        """Return the bytes at this process' peak."""
        return self._device.memory_stats()["peak_bytes_in_use"]


class Torch:
    """PyTorch's GPU, or the CPU."""

    def __init__(self):
        import torch

        self._cuda = torch.cuda
        self.accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else None

    def peak(self):
        """Return the bytes at the peak since the last call."""
        peak = self._cuda.max_memory_allocated()
        self._cuda.reset_peak_memory_stats()
        return peak


class Ours:
    """This project's network and trainer on Keras' backend."""

    def __init__(self, arrays, precision):
        self._branches = branches = make_branches(precision)
        for name, branch in branches._asdict().items():
            for layer in branch.layers:
                if layer.weights:
                    path = f"{name}/{layer.name}"
                    layer.set_weights([arrays[f"{path}/kernel"], arrays[f"{path}/bias"]])
        whole = tone_mapper(branches, LEVEL_NUM, TEST_PADDING)
        self._network = keras.Model(whole.input, whole.output["output"])

    def picture(self, high, bot):
        """Return the network's H×W×3 output."""
        return self._network.predict_on_batch({"high": high[None], "bot": bot[None]})[0]

    def step(self, stage, inputs, truth):
        """Return a function that takes a training step."""
        network = getattr(self._branches, stage)
        if stage == "ft":
            network = tone_mapper(self._branches, LEVEL_NUM)
        trainer = Trainer(network, Objective(stage), RATE)

        def step():
            # train_on_batch leaves NumPy's arrays as they are under torch.
            x, y = keras.tree.map_structure(keras.ops.convert_to_tensor, (inputs, truth))
            return trainer.train_on_batch(x, y)

        return step


class Peer:
    """The plain PyTorch network, with torch's own Adam."""

    def __init__(self, arrays, precision):
        import torch

        from tools.benchmarks.pytorch_network import ToneMapper

        weights = {}
        for path in arrays:
            if path.endswith("/kernel"):
                branch, layer, _ = path.split("/")
                pair = arrays[path], arrays[f"{branch}/{layer}/bias"]
                weights.setdefault(branch, {})[layer] = pair
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._cast = precision == "bfloat16"
        self._network = ToneMapper(weights).to(self._device)

    def _tensor(self, pictures):
        return self._torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2)

    def _precision(self):
        return self._torch.autocast(self._device, self._torch.bfloat16, self._cast)

    def picture(self, high, bot):
        """Return the network's H×W×3 output."""
        with self._torch.inference_mode(), self._precision():
            output = self._network(self._tensor(high[None]), self._tensor(bot[None]), TEST_PADDING)
        return output[0].permute(1, 2, 0).cpu().numpy()

    def step(self, stage, inputs, truth):
        """Return a function that takes a training step."""
        network = self._network if stage == "ft" else getattr(self._network, stage)
        adam = self._torch.optim.Adam(network.parameters(), RATE, eps=EPSILON)
        objective = Objective(stage)

        def step():
            adam.zero_grad()
            source, goal = self._tensor(inputs["source"]), self._tensor(truth)
            read = [self._tensor(inputs[n]) for n in ("high", "bot") if n in inputs] or [source]
            with self._precision():
                output = network(*read)
            pictures = (p.permute(0, 2, 3, 1) for p in (output, goal, source))
            total, _ = objective.total(Pictures(*pictures), [])
            total.backward()
            adam.step()
            return float(total)

        return step
