import math

import numpy as np
import pytest
from conftest import scene

import labels.search as search
from labels.family import Setting
from labels.search import BOUNDS, FAMILY, MOVES, Candidate, Score, Trials, choose, refined
from metrics.contrast import contrast_distortion
from metrics.guards import GuardValues, guard_values, violations
from metrics.operators import OPERATORS
from metrics.tmqi import TMQI, tmqi
from system.errors import InputError

pytestmark = pytest.mark.script

FINE = GuardValues(0, 0, 1, 1, 0, 200, 0, 1)


@pytest.fixture(scope="module")
def hdr():
    return scene(168, 173, 1)


@pytest.fixture(scope="module")
def choice(hdr):
    return choose(hdr)


def passing(hdr, sdr):
    return not violations(guard_values(hdr, sdr))


def test_the_choice_beats_every_classical_operator_that_passes(hdr, choice):
    made = [operator(hdr) for operator in OPERATORS.values()]
    scores = [score_of(hdr, sdr).merit for sdr in made if passing(hdr, sdr)]
    best = choice.candidate
    assert scores and max(scores) <= best.score.merit
    assert best.score == score_of(hdr, choice.picture)
    assert best.values == guard_values(hdr, choice.picture) and not best.excess
    assert choice.tried > 40


def score_of(hdr, sdr):
    return Score(tmqi(hdr, sdr), contrast_distortion(hdr, sdr))


def score(quality, distortion=1.0):
    return Score(TMQI(quality, 1.0, 1.0, ()), distortion)


def test_a_label_is_chosen_by_quality_and_distortion():
    assert score(0.9).merit == pytest.approx(0.9)  # the distortion's logarithm is 0
    assert score(0.93, 4.0).merit < score(0.9, 2.0).merit < score(0.99, 4.0).merit
    assert score(math.nan).merit == -math.inf
    assert math.isfinite(score(0.9, 0.0).merit)


class FormulaTrials:
    """Trials whose merit is a function of the setting, so that the maximum is known."""

    def __init__(self, quality, guard):
        self.formula, self.guard = quality, guard

    def merit(self, _, setting):
        return self.formula(setting)

    def candidate(self, operator, setting):
        score = Score(TMQI(self.formula(setting), 1.0, 1.0, ()), 1.0)
        return Candidate(operator, setting, score, FINE, self.guard(setting))


def far(setting):
    """The squared distance from a setting in the middle, in powers of e."""
    target = Setting(0.3, 5.0, 0.9, 1.7)
    return sum(math.log(a / b) ** 2 for a, b in zip(setting, target, strict=True))


def test_refining_climbs_to_the_maximum():
    trials = FormulaTrials(lambda s: 1 - far(s) / 10, lambda _: {})
    start = trials.candidate(FAMILY, Setting(0.15, 9.0, 0.7, 1.2))
    best = refined(trials, start)
    assert far(best.setting) < 0.01 < far(start.setting)


def test_refining_follows_the_edge_of_a_guard():
    # Only key times contrast of at most 0.2 passes; the maximum lies beyond.
    def guard(setting):
        product = setting.key * setting.contrast
        return {"blown": product - 0.2} if product > 0.2 else {}

    trials = FormulaTrials(lambda s: 1 - far(s) / 10, guard)
    best = refined(trials, trials.candidate(FAMILY, Setting(0.15, 9.0, 1.2, 1.2)))
    assert not best.excess and best.setting.key * best.setting.contrast > 0.18
    assert best.setting.key == pytest.approx(0.258, rel=0.12)  # the nearest point, by hand


def test_refining_leaves_a_region_beyond_the_limits_and_stays_in_bounds():
    trials = FormulaTrials(
        lambda s: s.detail / 10, lambda s: {"halo": s.key} if s.key > 0.2 else {}
    )
    best = refined(trials, trials.candidate(FAMILY, Setting(0.5, 9.0, 1.0, 1.2)))
    assert not best.excess and best.setting.detail == BOUNDS["detail"][1]


def test_moves_change_one_or_two_parameters():
    assert len(MOVES) == len(set(MOVES)) == 8 + 24
    assert [sum(map(abs, move)) for move in MOVES] == [1] * 8 + [2] * 24


def test_guards_rank_above_quality():
    bad = Candidate(FAMILY, None, score(0.99), FINE, {"halo": 0.1})
    worse = bad._replace(excess={"halo": 0.1, "cast": 0.2})
    good = Candidate(FAMILY, None, score(0.9), FINE, {})
    assert max([bad, good, worse], key=Candidate.rank) is good
    assert min([bad, good, worse], key=Candidate.rank) is worse


def test_rejections_are_counted_by_guard(hdr):
    trials = Trials(hdr, 1.0)
    trials.best([("gamma", None)])
    expected = violations(guard_values(hdr, OPERATORS["gamma"](hdr)))
    assert dict(trials.rejected) == dict.fromkeys(expected, 1)


def test_large_pictures_are_searched_small_and_scored_whole(hdr, monkeypatch):
    monkeypatch.setattr(search, "SEARCH_SIDE", 175)
    monkeypatch.setattr(search, "ROUNDS", 1)
    sizes = []
    monkeypatch.setattr(search, "tmqi", lambda h, s: sizes.append(h.shape[:2]) or tmqi(h, s))
    large = scene(200, 260, 2)
    choice = choose(large)
    assert choice.picture.shape == large.shape
    assert set(sizes[:-1]) == {(162, 210)} and sizes[-1] == (200, 260)
    assert choice.candidate.score == score_of(large, choice.picture)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.ones((160, 200, 3)), "too few"),
        (np.zeros((170, 170, 3)), "black"),
        (np.ones((170, 170, 3)), "has a TMQI"),
    ],
)
def test_hopeless_pictures_are_refused(picture, words):
    with pytest.raises(InputError, match=words):
        choose(picture)
