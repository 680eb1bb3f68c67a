"""All scores of one tone-mapped picture."""

import math

from metrics.color import color_fidelity
from metrics.contrast import contrast_distortion
from metrics.fsitm import fsitm
from metrics.guards import GuardValues, SeenValues, guard_values, seen_values, violations
from metrics.jod import jod
from metrics.tmqi import tmqi
from standards.tmqi import SCALE_WEIGHTS

SCALES = tuple(f"S_{i}" for i in range(1, len(SCALE_WEIGHTS) + 1))
COLOR = ("colour_correlation", "chroma_ratio", "cast", "distance")
# Of the guards' values; the three of color are among COLOR.
GUARDS = ("blown", "crushed", "span", "halo", "noise", *SeenValues._fields)
SCORES = (
    *("Q", "S", "N", *SCALES),
    *("FSITM_R", "FSITM_G", "FSITM_B", "FSITM", "FSITM_TMQI"),
    *COLOR,
    *("JOD", "contrast_distortion", "guards_broken", *GUARDS),
)


def scores(hdr, sdr, with_jod=False):
    """Score a tone-mapped picture against its HDR source.

    Args:
        hdr: H×W×3 linear RGB in any unit, sides of at least metrics.tmqi.MIN_SIDE.
        sdr: H×W×3 uint8, display-encoded RGB.
        with_jod: measure JOD, for which PyTorch is loaded; it is NaN otherwise.

    Returns:
        dict from each of SCORES to a float, NaN where a score has no value: see
        metrics.tmqi, metrics.fsitm, metrics.color, metrics.jod, metrics.contrast and
        metrics.guards. FSITM is the mean of the channels, FSITM_TMQI the average of that and Q,
        S_1 the finest scale, guards_broken the number of limits that are exceeded.

    Raises:
        InputError: as those.
    """
    quality, phase, tint = tmqi(hdr, sdr), fsitm(hdr, sdr), color_fidelity(hdr, sdr)
    both = (phase.mean + quality.Q) / 2
    seen_difference = jod(hdr, sdr) if with_jod else math.nan
    distortion = contrast_distortion(hdr, sdr)
    guards, seen = guard_values(hdr, sdr, tint), seen_values(hdr, sdr)
    values = (quality.Q, quality.S, quality.N, *quality.S_per_scale, *phase, both, *tint)
    values += (seen_difference, distortion, len(violations(guards, seen)))
    values += tuple((guards._asdict() | seen._asdict())[name] for name in GUARDS)
    return dict(zip(SCORES, map(float, values), strict=True))


def broken_guards(row):
    """Return the names of the limits that a picture exceeds, of a dict with SCORES."""
    numbers = {**row, "correlation": row["colour_correlation"]}
    guards, seen = (
        kind(*(numbers[name] for name in kind._fields)) for kind in (GuardValues, SeenValues)
    )
    return list(violations(guards, seen))
