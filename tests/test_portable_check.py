import numpy as np

from portable.check import compared, sizes_of


def test_sizes_are_whole_odd_and_least():
    picture = np.zeros((512, 768, 3), np.float32)
    assert [part.shape[:2] for part in sizes_of(picture, 3)] == [(512, 768), (341, 577), (63, 63)]
    assert [part.shape[:2] for part in sizes_of(picture[:60, :90], 3)] == [(60, 90)]


def test_differences_and_times():
    picture = np.full((4, 5, 3), 0.5, np.float32)

    def here(image):
        return np.uint8(image * 100)

    def brighter(image):
        codes = here(image)
        codes[0, 0] += 3
        return codes

    runtimes = {"same": here, "brighter": brighter, "cropped": lambda image: here(image)[1:]}
    seconds, outcomes = compared(picture, here, runtimes, 2)
    assert seconds > 0 and all(outcome.seconds > 0 for outcome in outcomes.values())
    assert outcomes["same"][:2] == (0, 0)
    assert outcomes["brighter"][:2] == (3, 3 / 60)
    assert outcomes["cropped"][:2] == (255, 1)
    assert compared(picture, here, runtimes, 0)[0] is None
