"""Steps of each stage on batches that no camera would give; every number of each is checked.

Every term of the stage has a weight in the total, so that each is computed and differentiated
in every step. A gradient that is not finite stays in Adam's moments: these are looked at.
"""

import numpy as np
import pytest

from data.preparation.normalize import normalize_hdr, normalize_sdr
from data.preparation.prepare import Preparation, split
from losses.objectives import EXTRA, PERCEPTUAL, RECIPES, REPORTED, Objective
from models.tone_mapper import make_branches, tone_mapper
from training.trainer import Trainer

pytestmark = pytest.mark.script

SIDE = 168  # the least multiple of 8 that every loss takes
BATCH = {"high": 1, "bot": 4, "ft": 1}
RATES = {"high": 3e-4, "bot": 3e-4, "ft": 1.5e-3}
LEAST_WEIGHT = 0.05  # of the terms outside the paper's totals
PRIMARIES = [rgb for rgb in np.ndindex(2, 2, 2) if 0 < sum(rgb) < 3]


def checkerboard(generator, side):
    size = 2 ** generator.integers(0, 6)
    rows = np.arange(side) // size
    first, second = generator.random((2, 3))
    return np.where(((rows[:, None] + rows) % 2)[..., None], first, second)


def hot_pixel(generator, side):
    picture = np.zeros((side, side, 3))
    picture[tuple(generator.integers(0, side, 2))] = 1e30
    return picture


# Each gives a SIDE×SIDE×3 picture; ranges beyond [0, 1] are what they are there for.
PICTURES = [
    lambda g, n: np.broadcast_to(g.random(3), (n, n, 3)),
    lambda g, n: np.zeros((n, n, 3)),
    lambda g, n: np.ones((n, n, 3)),
    lambda g, n: g.random((n, n, 3)),
    lambda g, n: np.exp2(g.uniform(-20, 20, (n, n, 3))),  # forty stops
    checkerboard,
    lambda g, n: -g.random((n, n, 3)),
    lambda g, n: g.normal(0, 1, (n, n, 3)),
    lambda g, n: g.integers(0, 2, (n, n, 3)),  # salt and pepper
    lambda g, n: np.linspace(g.random(3), g.random(3), n)[None].repeat(n, 0),
    lambda g, n: g.random((n, n, 3)) * 1e-40,
    hot_pixel,
    *(lambda g, n, rgb=rgb: np.broadcast_to(np.float32(rgb), (n, n, 3)) for rgb in PRIMARIES),
]


def batch_of(step, stage, domain):
    """Return (inputs, ground truth) of one step as the trainer takes them; step is the seed.

    Half of the pictures go through the normalization as a file's do; the other half skip it,
    within [-1, 1], which no record of this project holds but the trainer must survive.
    """
    generator = np.random.default_rng([step, ["high", "bot", "ft"].index(stage)])
    preparation = Preparation(
        domain, generator.choice(["bilateral", "gaussian"]), bool(generator.integers(2)), 3
    )
    samples = [sample(generator, stage, preparation) for _ in range(BATCH[stage])]
    stacked = {name: np.stack([s[name] for s in samples]) for name in samples[0]}
    return stacked, stacked.pop("ground_truth")


def sample(generator, stage, preparation):
    hdr = picture(generator, normalize_hdr, preparation.data_domain)
    same = generator.integers(8) == 0
    sdr = hdr if same else picture(generator, normalize_sdr, preparation.data_domain)
    high, bot = split(hdr, preparation)
    if stage == "ft":
        return {"source": hdr, "high": high, "bot": bot, "ground_truth": sdr}
    layer = 0 if stage == "high" else 1
    return {"source": (high, bot)[layer], "ground_truth": split(sdr, preparation)[layer]}


def picture(generator, normalize, domain):
    made = np.array(PICTURES[generator.integers(len(PICTURES))](generator, SIDE), np.float32)
    if generator.integers(2):
        return normalize(np.maximum(made, 0), domain)
    return np.clip(made, -1, 1)


@pytest.mark.parametrize(
    ("stage", "domain", "steps"),
    [
        *(("bot", "linear", 6), ("high", "gamma", 6), ("ft", "linear", 6)),
        *(
            pytest.param(stage, domain, 1000, marks=pytest.mark.slow)
            for stage in RECIPES
            for domain in ("gamma", "linear")
        ),
    ],
)
def test_losses_and_gradients_stay_finite(stage, domain, steps):
    terms = (*RECIPES[stage], *REPORTED[stage], *EXTRA[stage])
    weights = {t: RECIPES[stage].get(t, LEAST_WEIGHT) for t in terms if t not in PERCEPTUAL}
    branches = make_branches()
    network = tone_mapper(branches, 3) if stage == "ft" else getattr(branches, stage)
    trainer = Trainer(network, Objective(stage, weights), RATES[stage])
    variables = network.trainable_variables
    moments = [v for v in trainer.optimizer.variables if v.path.endswith(("momentum", "velocity"))]
    assert len(moments) == 2 * len(variables)
    for step in range(steps):
        inputs, truth = batch_of(step, stage, domain)
        found = trainer.train_on_batch(inputs, truth, return_dict=True)
        bad = {name: value for name, value in found.items() if not np.isfinite(value)}
        bad |= {v.path: "weight" for v in (*variables, *moments) if not np.isfinite(v).all()}
        assert not bad, f"step {step}: {bad}"


def test_half_of_the_pictures_are_outside_what_a_record_can_hold():
    truths = [batch_of(step, "high", "gamma")[1] for step in range(60)]
    assert {truth.shape for truth in truths} == {(1, SIDE, SIDE, 3)}
    assert min(t.min() for t in truths) < -0.5 and max(t.max() for t in truths) > 0.5
