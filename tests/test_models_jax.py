"""One training step of each stage, and the display, under JAX and under TensorFlow."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, assign_initial_weights, golden_batch

from losses.objectives import Objective
from models.tone_mapper import make_branches, tone_mapper
from training.trainer import Trainer

pytestmark = pytest.mark.script

STAGES = ("high", "bot", "ft")
FAST_COMPILATION = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # a quarter of the time
PROGRAM = """
import sys
import keras  # before conftest, which asks for TensorFlow

import jax
import numpy as np
from test_models_jax import STAGES, one_step
from models.display import Display, to_display

for stage in STAGES:
    np.savez(f"{sys.argv[1]}/{stage}.npz", **one_step(stage))

generator = np.random.default_rng(0)
output, source = generator.random((2, 1, 24, 30, 3), dtype="f4")
display = Display("clip", "source", 1.2, 3, 1.5, 5.0, "clip")
picture = to_display(output[0], source[0], "gamma", display)
found = jax.jit(lambda x, y: to_display(x, y, "gamma", display))(output, source)
np.testing.assert_allclose(found[0], picture, rtol=0, atol=1e-4)
gradient = jax.grad(lambda x: to_display(x, source, "gamma", display).mean())(
    jax.numpy.asarray(output)
)
assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
assert keras.backend.backend() == "jax"
assert "tensorflow" not in sys.modules, "models and losses must not need TensorFlow"
"""


def one_step(stage):
    """Take one step on a golden batch; return dict of its logs, weights and first moments."""
    branches = make_branches()
    inputs, truth = golden_batch(stage, assign_initial_weights(stage, branches))
    network = tone_mapper(branches, 3) if stage == "ft" else getattr(branches, stage)
    inputs, truth = {name: array[:1] for name, array in inputs.items()}, truth[:1]
    # The tmqi of high's layers loses so many digits in float32 that its gradient is 4 % apart
    # under the two; it is compared as a value alone.
    trainer = Trainer(network, Objective(stage, {"tmqi": 0.0} if stage == "high" else None), 1e-3)
    logs = trainer.train_on_batch(inputs, truth, return_dict=True)
    moments = [v for v in trainer.optimizer.variables if v.path.endswith("_momentum")]
    return {
        **{f"log {name}": np.asarray(value) for name, value in logs.items()},
        **{f"weight {i}": np.asarray(v) for i, v in enumerate(network.trainable_variables)},
        **{f"moment {i}": np.asarray(v) for i, v in enumerate(moments)},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what JAX gives for each stage."""
    pytest.importorskip("jax", reason="jax is not installed (requirements-test.txt)")
    folder = tmp_path_factory.mktemp("jax")
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **FAST_COMPILATION},
        check=True,
        timeout=600,
    )
    return folder


@pytest.mark.parametrize("stage", STAGES)
def test_one_step_is_the_same(stage, folder):
    tensorflow = one_step(stage)
    with np.load(folder / f"{stage}.npz") as file:
        jax = dict(file)
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
