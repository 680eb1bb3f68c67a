"""The search for the label of one picture: the best of those that pass the guards.

What is best is told by TMQI and by the band-limited contrast distortion together: TMQI rewards
raised detail wherever it is, and people's judgment follows the distortion more closely.
"""

import itertools
import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from labels.family import Setting, prepare, render
from metrics.contrast import contrast_distortion
from metrics.guards import guard_values, violations
from metrics.operators import OPERATORS
from metrics.pair import reduced
from metrics.tmqi import MIN_SIDE, TMQI, check_size, tmqi
from system.errors import InputError

SEARCH_SIDE = 512  # pixels, longer side of the picture that is searched on
FINALISTS = 4  # tried at full size until one passes the guards there too
FAMILY = "family"
LEAST_DISTORTION = 0.1  # PU21 units, not seen
# Of the distortion's logarithm against Q. Over ten operators' pictures of each of eight scenes
# ColorVideoVDP falls by 2.9 JOD where the logarithm rises by 1; a JOD counts as .03 of Q.
DISTORTION_WEIGHT = 0.086
# Values of each field of Setting, in its order: those of the grid, and the least and the most.
GRID = {
    **{"key": (0.09, 0.18, 0.36), "white": (2.0, 8.0)},
    **{"contrast": (0.65, 0.85, 1.1), "detail": (1.0, 1.8)},
}
BOUNDS = {"key": (0.01, 4.0), "white": (0.5, 100.0), "contrast": (0.5, 1.6), "detail": (1.0, 2.5)}
STARTS = 2  # settings of the grid that are refined
STEP = 1.35  # factor of the first round
ROUNDS = 4  # each takes the square root of the factor
# Along one parameter, then along two: at the limit of a guard, changing one alone
# either exceeds it or lowers Q.
MOVES = sorted(
    (move for move in itertools.product((0, 1, -1), repeat=4) if 1 <= np.abs(move).sum() <= 2),
    key=lambda move: np.abs(move).sum(),
)


class Score(NamedTuple):
    """TMQI and the contrast distortion of a picture."""

    tmqi: TMQI
    distortion: float

    @property
    def merit(self):
        """What a label is chosen by, higher for better; -inf without a Q."""
        quality = self.tmqi.Q
        if math.isnan(quality):
            return -math.inf
        return quality - DISTORTION_WEIGHT * math.log(max(self.distortion, LEAST_DISTORTION))


class Candidate(NamedTuple):
    """An operator tried: FAMILY or a name of OPERATORS, its Setting or None, and what it got.

    excess: dict of metrics.guards.violations, empty if the guards are passed.
    """

    operator: str
    setting: Setting | None
    score: Score
    values: tuple
    excess: dict

    def rank(self):
        """Return what to compare by: guards first, then the merit."""
        return -sum(self.excess.values()), self.score.merit


class Trials:
    """Tries operators on one picture and remembers what came of it."""

    def __init__(self, hdr, saturation):
        self.hdr = hdr
        self.source = prepare(hdr, saturation)
        self.rejected = Counter()
        self.scores = {}
        self.checked = {}

    def picture(self, operator, setting):
        """Return the H×W×3 uint8 picture of an operator; raises InputError as operators do."""
        return render(self.source, setting) if setting else OPERATORS[operator](self.hdr)

    def merit(self, operator, setting=None):
        """Return the Score's merit, -inf where there is none."""
        trial = operator, setting
        if trial not in self.scores:
            try:
                picture = self.picture(*trial)
                score = Score(tmqi(self.hdr, picture), contrast_distortion(self.hdr, picture))
            except InputError:  # Mantiuk's stops at some pictures
                return -math.inf
            self.scores[trial] = score
        return self.scores[trial].merit

    def candidate(self, operator, setting=None):
        """Return the Candidate of an operator that has a Score, its guards checked."""
        trial = operator, setting
        if trial not in self.checked:
            values = guard_values(self.hdr, self.picture(*trial))
            excess = violations(values)
            self.rejected.update(excess.keys())
            self.checked[trial] = Candidate(*trial, self.scores[trial], values, excess)
        return self.checked[trial]

    def best(self, trials):
        """Return the Candidate that ranks first; guards are only checked until one passes."""
        tried = []
        for trial in sorted(trials, key=lambda trial: -self.merit(*trial)):
            if self.merit(*trial) == -math.inf:
                break
            tried.append(self.candidate(*trial))
            if not tried[-1].excess:
                break
        return max(tried, key=Candidate.rank, default=None)


class Choice(NamedTuple):
    """What was chosen: picture H×W×3 uint8, its Candidate at full size, and the search.

    tried: number of operators and settings scored.
    rejected: dict from guard to the number of candidates beyond its limit.
    """

    picture: object
    candidate: Candidate
    tried: int
    rejected: dict


def choose(hdr, saturation=1.0):
    """Search the label of a picture.

    A grid of settings and the classical operators come first; the settings that are
    best are then refined by shrinking steps along one and two parameters. A picture that
    no candidate suits gets the one that exceeds the limits least.

    Args:
        hdr: H×W×3 linear RGB, any unit, sides of at least metrics.tmqi.MIN_SIDE.
        saturation: see labels.family.prepare.

    Raises:
        InputError: too small, black, of constant luminance, or nothing has a Q.
    """
    height, width = hdr.shape[:2]
    check_size(height, width)
    # The shorter side must stay as long as TMQI needs.
    side = max(SEARCH_SIDE, -(-MIN_SIDE * max(height, width) // min(height, width)))
    trials = Trials(reduced(hdr, side), saturation)
    candidates = [trials.best([(name, None)]) for name in OPERATORS]
    # Starts of different contrast, as the best of all often are neighbors.
    grids = [itertools.product(*{**GRID, "contrast": (c,)}.values()) for c in GRID["contrast"]]
    starts = [trials.best([(FAMILY, Setting(*values)) for values in grid]) for grid in grids]
    candidates += [refined(trials, start) for start in _ranked(starts)[:STARTS]]

    full_size, found = Trials(hdr, saturation), []
    for finalist in _ranked(candidates)[:FINALISTS]:
        found.append(full_size.best([(finalist.operator, finalist.setting)]))
        if found[-1] is not None and not found[-1].excess:
            break
    if not _ranked(found):
        raise InputError("no operator's picture of this scene has a TMQI; leave it out")
    best = _ranked(found)[0]
    picture = full_size.picture(best.operator, best.setting)
    return Choice(picture, best, len(trials.scores), dict(trials.rejected))


def _ranked(candidates):
    """Return the Candidates that there are, best first."""
    return sorted(filter(None, candidates), key=Candidate.rank, reverse=True)


def refined(trials, start):
    """Climb from a Candidate of the family by MOVES; return the best met."""
    best, step = start, STEP
    for _ in range(ROUNDS):
        for move in MOVES:
            while (better := _improved(trials, best, move, step)) is not None:
                best = better
        step **= 0.5
    return best


def _improved(trials, best, move, step):
    """Return the Candidate one move away, or None where it is no better."""
    moved = (
        min(max(value * step**steps, least), most)
        for value, steps, (least, most) in zip(best.setting, move, BOUNDS.values(), strict=True)
    )
    near = Setting(*moved)
    merit = trials.merit(FAMILY, near)
    # Checking guards costs more than the score, and a lower one can only win by them.
    if near == best.setting or merit == -math.inf:
        return None
    if not best.excess and merit <= best.score.merit:
        return None
    candidate = trials.candidate(FAMILY, near)
    return candidate if candidate.rank() > best.rank() else None
