"""The three weighted recipes, as data, and the objective that applies them.

Terms bear the original's TensorBoard names without "loss_": l1, l2, l2_reg,
f (perceptual; p in ft), ssim, msssim, tmqi, tmqi_s, h (hue), c (colour); and n
(naturalness), s (TMQI's structural fidelity), q (TMQI), d (contrast distortion), a (added
contrast) and halo, which are not the paper's.
"""

import math
from typing import NamedTuple

from keras import KerasTensor, ops

from data.preparation.normalize import GAMMA
from losses.color import delta_e_itp, delta_hue_ipt
from losses.contrast import added_contrast, contrast_distortion, halo
from losses.ssim import MIN_SIDE, MIN_SIDE_MULTI_SCALE, minmax_epsilon, ms_ssim, ssim
from losses.tmqi import (
    ms_ssim_tmqi,
    naturalness_difference,
    quality,
    ssim_tmqi,
    structural_fidelity,
)
from system.compiled import compiled
from system.errors import InputError

# Weights of the paper's totals.
RECIPES = {
    "high": {"l1": 0.6, "f": 0.3, "tmqi": 0.2, "msssim": 0.2},
    "bot": {"l1": 0.6, "f": 0.3, "tmqi_s": 0.15, "h": 0.15, "c": 0.2},
    "ft": {"l1": 0.6, "p": 0.3, "ssim": 0.1, "c": 0.2, "h": 0.15, "tmqi": 0.1},
}
# What is logged beside the terms of the total.
REPORTED = {
    "high": ("l2", "l2_reg", "ssim", "c"),
    "bot": ("l2", "l2_reg", "ssim"),
    "ft": ("l2", "l2_reg", "msssim"),
}
# In no recipe; in a total where a weight is given.
EXTRA = {"high": (), "bot": ("n",), "ft": ("n", "s", "q", "d", "a", "halo")}
GAMMA_ONLY = ("n", "s", "q", "d", "a", "halo")  # they read brightness as displayed
PERCEPTUAL = ("f", "p")
STRUCTURAL = ("ssim", "msssim", "tmqi", "tmqi_s")
MULTI_SCALE = ("msssim", "tmqi", "s", "q")
FT_OFFSET = 1e-6  # the original adds it to c and h of ft inside the total


def check_weights(stage, weights, domain="gamma", supervised=True):
    """Raise InputError where `weights` cannot be a stage's changes to its recipe.

    Args:
        stage: "high", "bot" or "ft".
        weights: dict from term to weight.
        domain: "gamma" or "linear", of the network's output.
        supervised: whether there is a ground truth.
    """
    known = (*RECIPES[stage], *REPORTED[stage], *EXTRA[stage])
    for name, weight in dict.items(weights):
        if name not in known:
            raise InputError(
                f"{name!r} is no loss term of {stage}; its terms are {', '.join(known)}"
            )
        if name in GAMMA_ONLY and weight and domain != "gamma":
            raise InputError(
                f"the loss term {name!r} of {stage} reads domain gamma and dev.data_domain is "
                f"{domain!r}; leave it out of train.loss_weights_{stage}"
            )
        if name in SUPERVISED and weight and not supervised:
            raise InputError(
                f"the loss term {name!r} of {stage} reads a ground truth, which "
                f"train.whole_pictures has not; leave it out of train.loss_weights_{stage}"
            )


class Pictures(NamedTuple):
    """What the terms read, N×H×W×3 each.

    output, ground_truth, source: in high and bot the branch's own layers, in ft the pictures,
        `source` being the normalized HDR picture.
    black_offset: of the source, a number or N×1×1×1, see
        data.preparation.normalize.normalize_hdr_with_offset.
    """

    output: KerasTensor
    ground_truth: KerasTensor
    source: KerasTensor
    black_offset: KerasTensor = 0.0

    @property
    def scene(self):
        """The light of a source in domain gamma, highlights cut off."""
        # No record holds negative samples; their power would be NaN, in the gradient alone.
        return ops.maximum(self.source, 0.0) ** (1 / GAMMA) + self.black_offset


class Objective:
    """One stage's total and its terms.

    Args:
        stage: "high", "bot" or "ft".
        weights: dict from term to weight; what it leaves out, RECIPES fill in.
            A weight of 0 takes the term out of the total; it is reported still.
        perceptual: callable (a, b) -> scalar, or None to do without that term.
        supervised: whether there is a ground truth; else the terms that read it are left out.

    Raises:
        InputError: a weight's name is no term of this stage.
    """

    def __init__(self, stage, weights=None, perceptual=None, supervised=True):
        check_weights(stage, weights or {})
        known = (*RECIPES[stage], *REPORTED[stage])
        recipe = {**RECIPES[stage], **(weights or {})}
        left_out = () if supervised else SUPERVISED
        left_out += () if perceptual else PERCEPTUAL
        recipe = {name: w for name, w in recipe.items() if name not in left_out}
        known = tuple(name for name in known if name not in left_out)
        self.stage = stage
        self.perceptual = perceptual
        self.weights = {name: weight for name, weight in recipe.items() if weight}
        self.reported = tuple(name for name in known if name not in self.weights)

    def check_patch(self, height, width):
        """Raise InputError where a patch of this size is too small for the terms."""
        terms = (*self.weights, *self.reported)
        multi_scale = any(name in MULTI_SCALE for name in terms)
        least = MIN_SIDE_MULTI_SCALE if multi_scale else MIN_SIDE
        if min(height, width) < least:
            raise InputError(
                f"patches of {height}x{width} are too small for the loss of {self.stage}: "
                f"its structural terms need {least} pixels on each side"
            )

    def total(self, pictures, variables):
        """Return (total, dict of the terms in it), scalars.

        Args:
            pictures: Pictures of a batch.
            variables: the trained variables.
        """
        terms = self._terms(self.weights, pictures, variables)
        offset = FT_OFFSET if self.stage == "ft" else 0.0
        total = sum(
            weight * (terms[name] + (offset if name in ("c", "h") else 0.0))
            for name, weight in self.weights.items()
        )
        return total, terms

    def report(self, pictures, variables):
        """Return the dict of the terms outside the total; arguments as in `total`."""
        return self._terms(self.reported, pictures, variables)

    def _terms(self, names, pictures, variables):
        stretched = pictures
        if self.stage == "high" and any(name in STRUCTURAL for name in names):
            stretched = Pictures(*map(minmax_epsilon, pictures[:3]))
        return {
            name: self._term(name, stretched if name in STRUCTURAL else pictures, variables)
            for name in names
        }

    def _term(self, name, pictures, variables):
        if name in PERCEPTUAL:
            return self.perceptual(pictures.output, pictures.ground_truth)
        if name == "l2_reg":
            return weight_magnitude(variables)
        term, other = TERMS[name]
        return term(pictures.output, getattr(pictures, other))


def l1(a, b):
    """Return the mean absolute difference."""
    return ops.mean(ops.abs(a - b))


def l2(a, b):
    """Return the mean squared difference."""
    return ops.mean((a - b) ** 2)


def weight_magnitude(variables):
    """Return 2·Σ|w| / number of weights: an L1 sum under the original's name l2_reg."""
    count = sum(math.prod(variable.shape) for variable in variables)
    return 2 * sum(ops.sum(ops.abs(variable)) for variable in variables) / count


# Term: (function of the output and another picture, which one): "ground_truth"; "source", the
# normalized HDR picture; or "scene", its light. The last two are the unsupervised terms.
TERMS = {
    "l1": (l1, "ground_truth"),
    "l2": (l2, "ground_truth"),
    "ssim": (lambda a, b: 1 - ssim(a, b), "ground_truth"),
    "msssim": (lambda a, b: 1 - ms_ssim(a, b), "ground_truth"),
    "tmqi": (lambda a, b: 1 - ms_ssim_tmqi(a, b), "source"),
    "tmqi_s": (lambda a, b: 1 - ssim_tmqi(a, b), "source"),
    "h": (lambda a, b: compiled(delta_hue_ipt)(a, b), "source"),
    "c": (lambda a, b: compiled(delta_e_itp)(a, b), "ground_truth"),
    "n": (naturalness_difference, "ground_truth"),
    "s": (lambda a, b: 1 - structural_fidelity(a, b), "source"),
    "q": (lambda a, b: 1 - quality(a, b), "source"),
    "d": (contrast_distortion, "scene"),
    "a": (added_contrast, "scene"),
    "halo": (halo, "scene"),
}
SUPERVISED = (*PERCEPTUAL, *(name for name, (_, other) in TERMS.items() if other == "ground_truth"))
