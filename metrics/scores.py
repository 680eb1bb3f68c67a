"""All scores of one tone-mapped picture."""

from metrics.color import color_fidelity
from metrics.fsitm import fsitm
from metrics.tmqi import tmqi
from standards.tmqi import SCALE_WEIGHTS

SCALES = tuple(f"S_{i}" for i in range(1, len(SCALE_WEIGHTS) + 1))
SCORES = (
    *("Q", "S", "N", *SCALES),
    *("FSITM_R", "FSITM_G", "FSITM_B", "FSITM", "FSITM_TMQI"),
    *("colour_correlation", "chroma_ratio", "cast", "distance"),
)


def scores(hdr, sdr):
    """Score a tone-mapped picture against its HDR source.

    Args:
        hdr: H×W×3 linear RGB in any unit, sides of at least metrics.tmqi.MIN_SIDE.
        sdr: H×W×3 uint8, display-encoded RGB.

    Returns:
        dict from each of SCORES to a float, NaN where a score has no value: see
        metrics.tmqi, metrics.fsitm and metrics.color. FSITM is the mean of the
        channels, FSITM_TMQI the average of that and Q, S_1 the finest scale.

    Raises:
        InputError: as those three.
    """
    quality, phase, tint = tmqi(hdr, sdr), fsitm(hdr, sdr), color_fidelity(hdr, sdr)
    both = (phase.mean + quality.Q) / 2
    values = (quality.Q, quality.S, quality.N, *quality.S_per_scale, *phase, both, *tint)
    return dict(zip(SCORES, map(float, values), strict=True))
