import keras
import numpy as np
import pytest
import tensorflow as tf

from losses.objectives import (
    EXTRA,
    PERCEPTUAL,
    RECIPES,
    REPORTED,
    Objective,
    Pictures,
    check_weights,
    weight_magnitude,
)
from system.errors import InputError

PAPER = {
    "high": {"l1": 0.6, "f": 0.3, "tmqi": 0.2, "msssim": 0.2},
    "bot": {"l1": 0.6, "f": 0.3, "tmqi_s": 0.15, "h": 0.15, "c": 0.2},
    "ft": {"l1": 0.6, "p": 0.3, "ssim": 0.1, "c": 0.2, "h": 0.15, "tmqi": 0.1},
}


def no_perceptual_difference(a, b):
    return keras.ops.zeros(())


def test_recipes_are_the_papers():
    assert RECIPES == PAPER
    for stage, recipe in PAPER.items():
        assert Objective(stage, perceptual=no_perceptual_difference).weights == recipe


def test_without_perceptual_network_the_term_is_left_out():
    for stage in PAPER:
        objective = Objective(stage)
        assert not {"f", "p"} & {*objective.weights, *objective.reported}


def test_without_ground_truth_only_unsupervised_terms_are_left():
    objective = Objective("ft", {"q": 1.0, "halo": 0.01}, no_perceptual_difference, False)
    assert set(objective.weights) == {"h", "tmqi", "q", "halo"}
    assert objective.reported == ("l2_reg",)
    check_weights("ft", {"q": 1.0, "l1": 0.0}, supervised=False)
    with pytest.raises(InputError, match=r"'l1' of ft reads a ground truth, which train\.whole_p"):
        check_weights("ft", {"l1": 0.5}, supervised=False)


def test_changed_weights():
    objective = Objective("ft", {"h": 0.0, "l2": 0.5})
    assert objective.weights["l2"] == 0.5
    assert "h" not in objective.weights and "h" in objective.reported
    assert objective.weights["c"] == 0.2


def test_terms_beside_the_papers():
    assert Objective("ft", {"n": 0.1, "s": 0.2}).weights["s"] == 0.2
    assert "s" not in Objective("ft").reported
    with pytest.raises(InputError, match="'s' is no loss term of bot"):
        Objective("bot", {"s": 0.2})


@pytest.mark.parametrize(
    ("stage", "weights", "domain", "message"),
    [
        ("ft", {"hue": 1.0}, "gamma", "'hue' is no loss term of ft; its terms are l1, p, ssim, c"),
        ("ft", {1: 2}, "gamma", "1 is no loss term of ft"),
        ("bot", {"items": 1}, "gamma", "'items' is no loss term of bot"),
        ("high", {"n": 1}, "gamma", "'n' is no loss term of high"),
        (
            "ft",
            {"n": 0.1},
            "linear",
            "domain gamma and dev.data_domain is 'linear'",
        ),
        ("bot", {"n": 0.1}, "linear", "'n' of bot reads domain gamma"),
        ("ft", {"s": 0.1}, "linear", "'s' of ft reads domain gamma"),
    ],
)
def test_weights_that_mean_nothing_are_one_sentence(stage, weights, domain, message):
    with pytest.raises(InputError, match=message):
        check_weights(stage, weights, domain)


def test_weights_that_mean_something():
    check_weights("ft", {"n": 0.1, "s": 0.1, "h": 0}, "gamma")
    check_weights("ft", {"n": 0, "s": 0.0, "h": 1}, "linear")


@pytest.mark.parametrize(
    ("stage", "size", "fits"),
    [
        ("high", 160, False),
        ("high", 168, True),
        ("ft", 160, False),
        ("bot", 10, False),
        ("bot", 16, True),
    ],
)
def test_patches_too_small_for_the_terms(stage, size, fits):
    objective = Objective(stage)
    if fits:
        objective.check_patch(size, size)
    else:
        with pytest.raises(InputError, match=f"patches of 200x{size} are too small"):
            objective.check_patch(200, size)


def test_weight_magnitude_by_hand():
    variables = [tf.Variable([1.0, -2.0]), tf.Variable([[3.0]])]
    assert float(weight_magnitude(variables)) == pytest.approx(2 * 6 / 3)


SIZE = (1, 168, 168, 3)
GENERATOR = np.random.default_rng(0)
BATCHES = {
    "flat": np.full(SIZE, 0.4, "f4"),
    "black": np.zeros(SIZE, "f4"),
    "white": np.ones(SIZE, "f4"),
    "negative": np.full(SIZE, -0.2, "f4"),
    "noise": GENERATOR.random(SIZE, dtype="f4"),
    "layer": GENERATOR.normal(0, 0.1, SIZE).astype("f4"),
    "saturated": np.broadcast_to(
        np.eye(3, dtype="f4")[GENERATOR.integers(0, 3, SIZE[:3])], SIZE
    ).copy(),
}


@pytest.mark.parametrize("stage", PAPER)
def test_total_and_gradient_are_finite_on_bad_batches(stage):
    terms = (*RECIPES[stage], *REPORTED[stage], *EXTRA[stage])
    weights = {name: RECIPES[stage].get(name, 0.1) for name in terms if name not in PERCEPTUAL}
    objective = Objective(stage, weights)

    @tf.function
    def losses(output, truth, source):
        with tf.GradientTape() as tape:
            tape.watch(output)
            total, terms = objective.total(Pictures(output, truth, source), [output])
        report = objective.report(Pictures(output, truth, source), [output])
        return tape.gradient(total, output), total, {**terms, **report}

    for name, output in BATCHES.items():
        for other in ("black", name):
            truth, source = BATCHES[other], BATCHES[name]
            gradient, total, terms = losses(*map(tf.constant, (output, truth, source)))
            for term, value in terms.items():
                assert np.isfinite(value.numpy()), (name, other, term)
            assert np.isfinite(total.numpy()), (name, other)
            assert np.isfinite(gradient.numpy()).all(), (name, other)


def test_ft_adds_the_originals_offsets():
    objective = Objective("ft", dict.fromkeys(("l1", "p", "ssim", "tmqi"), 0.0))
    picture = tf.constant(BATCHES["flat"])
    total, terms = objective.total(Pictures(picture, picture, picture), [])
    expected = 0.2 * (float(terms["c"]) + 1e-6) + 0.15 * (float(terms["h"]) + 1e-6)
    assert float(total) == pytest.approx(expected, rel=1e-6)
