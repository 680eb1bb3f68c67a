import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, assign_initial_weights, golden_batch

from losses.objectives import Objective, Pictures
from losses.perceptual import PerceptualLoss
from models.tone_mapper import make_branches, tone_mapper
from training.trainer import SUMMARY_EVERY, Trainer

pytestmark = pytest.mark.script

RATES = {"high": 3e-4, "bot": 3e-4, "ft": 1.5e-3}
# Relative agreement along the steps, as tests/golden asks for.
ALONG_STEPS = {"high": 1e-3, "bot": 3e-3, "ft": 1e-2}
TERM_TOLERANCE = {"tmqi_s": 1e-3, "tmqi": 1e-2, "msssim": 5e-4}
# NaN in the original; see README, "What differs".
MENDED = {"high": {"loss_c": 0.7146}, "bot": {}, "ft": {"loss_msssim": 0.4605}}


def make_trainer(stage, perceptual=None, weights=None, precision="float32"):
    branches = make_branches(precision)
    arrays = assign_initial_weights(stage, branches)
    network = tone_mapper(branches, 3) if stage == "ft" else getattr(branches, stage)
    trainer = Trainer(network, Objective(stage, weights, perceptual), RATES[stage])
    return trainer, golden_batch(stage, arrays)


@pytest.fixture(scope="module")
def perceptual(vgg_weights):
    return PerceptualLoss(vgg_weights)


# Op determinism holds for a whole process. The steps are chaotic: without it the last loss of
# ft wanders by a few thousandths.
SIX_STEPS = """
import json
import tensorflow as tf
from conftest import vgg_weights
from losses.perceptual import PerceptualLoss
from test_training_trainer import make_trainer

tf.config.experimental.enable_op_determinism()
found, perceptual = {}, PerceptualLoss(vgg_weights.__wrapped__())
for stage in ("high", "bot", "ft"):
    tf.keras.utils.set_random_seed(0)
    trainer, (inputs, truth) = make_trainer(stage, perceptual)
    steps = [trainer.train_on_batch(inputs, truth, return_dict=True) for _ in range(6)]
    found[stage] = [{name: float(value) for name, value in step.items()} for step in steps]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def six_steps():
    """Each stage's losses before each of six steps on its golden batch."""
    outcome = subprocess.run(
        [sys.executable, "-c", SIX_STEPS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(outcome.stdout)


@pytest.mark.parametrize("stage", ["high", "bot", "ft"])
def test_terms_and_five_steps_equal_the_original(stage, six_steps, golden_losses):
    golden, steps = golden_losses[stage], six_steps[stage]
    check_terms(stage, steps[0], golden["terms"])
    totals = [step["total_loss"] for step in steps]
    np.testing.assert_allclose(totals, golden["loss_before_each_step"], rtol=ALONG_STEPS[stage])
    assert totals[0] == pytest.approx(golden["terms"]["total_loss"], rel=5e-4)


def check_terms(stage, logs, golden):
    for name, value in golden.items():
        if name == "total_loss":
            continue
        expected = MENDED[stage].get(name, value)
        tolerance = 1e-3 if value is None else TERM_TOLERANCE.get(name[5:], 1e-4)
        assert logs[name] == pytest.approx(expected, rel=tolerance), name


@pytest.mark.parametrize("stage", ["high", "bot", "ft"])
def test_gradient_norm_equals_the_original(stage, perceptual, golden_losses):
    trainer, (inputs, truth) = make_trainer(stage, perceptual)
    variables = trainer.network.trainable_variables
    with tf.GradientTape() as tape:
        output = trainer(inputs, training=True)["output"]
        total, _ = trainer.objective.total(Pictures(output, truth, inputs["source"]), variables)
    gradients = tape.gradient(total, [variable.value for variable in variables])
    norm = float(tf.linalg.global_norm(gradients))
    assert norm == pytest.approx(golden_losses[stage]["grad_global_norm"], rel=1e-2)


# Relative; 1.5e-3 was measured, and 5e-3 of the terms that divide by deviations.
BFLOAT16_TOLERANCE = {"tmqi": 1e-2, "tmqi_s": 1e-2, "msssim": 1e-2}


@pytest.mark.parametrize("stage", ["high", "bot", "ft"])
def test_a_step_in_bfloat16_is_near_the_original(stage, golden_losses):
    """Values, not gradients: on the golden pictures those of high and ft point elsewhere than
    float32's (cosines .2 to .6). The pictures are very flat; whether that is why was not tested.
    """
    trainer, (inputs, truth) = make_trainer(stage, precision="bfloat16")
    logs = trainer.train_on_batch(inputs, truth, return_dict=True)
    golden = golden_losses[stage]["terms"]
    for name in trainer.objective.weights:
        value = golden.get(f"loss_{name}")
        if value is not None:
            tolerance = BFLOAT16_TOLERANCE.get(name, 3e-3)
            assert logs[f"loss_{name}"] == pytest.approx(value, rel=tolerance), name
    assert {v.dtype for v in trainer.network.variables} == {"float32"}
    assert {v.dtype for v in trainer.optimizer.variables[2:]} == {"float32"}
    assert all(np.isfinite(v).all() for v in trainer.optimizer.variables)


def test_the_gradient_in_bfloat16_points_where_that_in_float32_does():
    gradients = []
    for precision in ("float32", "bfloat16"):
        weights = {"h": 0.0, "tmqi_s": 0.0}  # theirs grow without bound where a picture is flat
        trainer, (inputs, truth) = make_trainer("bot", None, weights, precision)
        variables = trainer.network.trainable_variables
        with tf.GradientTape() as tape:
            output = trainer(inputs, training=True)["output"]
            total, _ = trainer.objective.total(Pictures(output, truth, inputs["source"]), variables)
        found = tape.gradient(total, [variable.value for variable in variables])
        gradients.append(np.concatenate([np.ravel(gradient) for gradient in found]))
    a, b = gradients
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.998  # 0.9992 was measured


def test_terms_outside_the_total_are_new_only_on_summary_steps():
    trainer, (inputs, truth) = make_trainer("bot")
    seen = [
        trainer.train_on_batch(inputs, truth, return_dict=True)["loss_l2"]
        for _ in range(SUMMARY_EVERY + 2)
    ]
    assert len(set(seen[:SUMMARY_EVERY])) == 1
    assert seen[SUMMARY_EVERY] != seen[0]
    assert seen[SUMMARY_EVERY + 1] == seen[SUMMARY_EVERY]


def test_metrics_hold_the_step_and_not_a_mean():
    trainer, (inputs, truth) = make_trainer("bot")
    totals = [
        trainer.train_on_batch(inputs, truth, return_dict=True)["total_loss"] for _ in range(3)
    ]
    assert totals[0] > totals[1] > totals[2]
    output = trainer(inputs)["output"]
    pictures = Pictures(output, truth, inputs["source"])
    now, _ = trainer.objective.total(pictures, trainer.network.trainable_variables)
    last = trainer.train_on_batch(inputs, truth, return_dict=True)["total_loss"]
    assert last == pytest.approx(float(now), rel=1e-5)


def test_adam_is_that_of_tensorflow_1():
    trainer, _ = make_trainer("bot")
    assert isinstance(trainer.optimizer, keras.optimizers.Adam)
    assert trainer.optimizer.epsilon == 1e-8
    assert (trainer.optimizer.beta_1, trainer.optimizer.beta_2) == (0.9, 0.999)
    assert not trainer.jit_compile


def test_a_share_of_the_total_is_the_shown_pictures():
    batch = np.random.default_rng(0).random((2, 24, 24, 3)).astype("f4")
    inputs, truth = {"source": batch}, batch[:, ::-1]
    branch = make_branches().bot
    objective = Objective("bot")

    def show(output, source, black_offset=0.0):
        return 0.5 * output + 0.1 * source

    output = branch(batch)
    own, shown = (
        float(objective.total(Pictures(picture, truth, batch), branch.trainable_variables)[0])
        for picture in (output, show(output, batch))
    )
    assert abs(own - shown) > 0.01
    for share in (0.0, 0.25, 1.0):
        trainer = Trainer(branch, objective, 1e-9, show, share)
        logs = trainer.train_on_batch(inputs, truth, return_dict=True)
        expected = (1 - share) * own + share * shown
        assert logs["total_loss"] == pytest.approx(expected, rel=1e-4)
