"""One training step of each stage under JAX and under TensorFlow."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

STEP = """
import sys
import keras  # before conftest, which asks for TensorFlow

import numpy as np
from conftest import assign_initial_weights, golden_batch
from losses.objectives import Objective
from models.tone_mapper import make_branches, tone_mapper
from training.trainer import Trainer

stage, out, backend = sys.argv[1:]
branches = make_branches()
inputs, truth = golden_batch(stage, assign_initial_weights(stage, branches))
network = tone_mapper(branches, 3) if stage == "ft" else getattr(branches, stage)
inputs, truth = {name: array[:1] for name, array in inputs.items()}, truth[:1]
# The tmqi of high's layers loses so many digits in float32 that its gradient is 4 % apart
# under the two; it is compared as a value alone.
weights = {"tmqi": 0.0} if stage == "high" else None
trainer = Trainer(network, Objective(stage, weights), 1e-3)
logs = trainer.train_on_batch(inputs, truth, return_dict=True)
weights = [np.asarray(v) for v in network.trainable_variables]
moments = [np.asarray(v) for v in trainer.optimizer.variables if v.path.endswith("_momentum")]
assert keras.backend.backend() == backend
if backend == "jax":
    assert "tensorflow" not in sys.modules, "models and losses must not need TensorFlow"
np.savez(
    out,
    **{f"log {name}": value for name, value in logs.items()},
    **{f"weight {i}": weight for i, weight in enumerate(weights)},
    **{f"moment {i}": moment for i, moment in enumerate(moments)},
)
"""

DISPLAY = """
import sys
import jax
import numpy as np
from models.display import Display, to_display

generator = np.random.default_rng(0)
output, source = generator.random((2, 1, 24, 30, 3), dtype="f4")
display = Display("clip", "source", 1.2, 3)
picture = to_display(output[0], source[0], "gamma", display)
found = jax.jit(lambda x, y: to_display(x, y, "gamma", display))(output, source)
np.testing.assert_allclose(found[0], picture, rtol=0, atol=1e-4)
gradient = jax.grad(lambda x: to_display(x, source, "gamma", display).mean())(
    jax.numpy.asarray(output)
)
assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
assert "tensorflow" not in sys.modules
"""


def test_the_display_is_the_same():
    pytest.importorskip("jax", reason="jax is not installed (requirements-test.txt)")
    run(DISPLAY, "jax")


def run(program, backend, *arguments):
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        check=True,
        timeout=300,
    )


def step(stage, backend, folder):
    out = folder / f"{backend}.npz"
    run(STEP, backend, stage, str(out), backend)
    with np.load(out) as file:
        return dict(file)


@pytest.mark.parametrize("stage", ["high", "bot", "ft"])
def test_one_step_is_the_same(stage, tmp_path):
    pytest.importorskip("jax", reason="jax is not installed (requirements-test.txt)")
    jax, tensorflow = (step(stage, backend, tmp_path) for backend in ("jax", "tensorflow"))
    assert jax.keys() == tensorflow.keys()
    assert sum(name.startswith("log ") for name in jax) >= 8
    for name, value in tensorflow.items():
        if name.startswith("log "):
            # The tmqi terms lose digits in float32 (0.0928 and 0.0955 were seen of one batch);
            # the totals hold a fifth of them.
            tolerance = 5e-2 if "tmqi" in name else 3e-3 if name.endswith("loss") else 1e-3
            np.testing.assert_allclose(jax[name], value, rtol=tolerance, err_msg=name)
        elif name.startswith("moment "):  # a tenth of the gradient
            error = np.abs(jax[name] - value).max() / np.abs(value).max()
            assert error < 0.02, f"{name}: {error}"
        else:
            # Adam's first step has the length of the rate whatever the gradient: where that
            # nearly vanishes the sign, and so the step, is anyone's.
            np.testing.assert_allclose(jax[name], value, rtol=0, atol=2.1e-3, err_msg=name)
