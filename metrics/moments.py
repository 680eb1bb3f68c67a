"""Gaussian-window moments that stay exact on flat areas of any brightness."""

import numpy as np

RADIUS, SIGMA = 5, 1.5  # the 11 x 11 window of SSIM
STRIP = 32  # output rows worked on at once, so that the arrays stay in the cache


def _kernel():
    taps = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
    return taps / taps.sum()


def window_moments(x, y):
    """Yield variance of x, variance of y and covariance in each complete 11 x 11 window.

    Mean of squares less square of mean would lose everything here: the HDR luminance goes to
    2^32, its square to 2^64, so rounding alone gives a flat highlight a deviation of up to
    70 where the visibility threshold is 1 to 3. Deviations from the local mean are squared
    instead. The window stays separable by the law of total variance: the variance in it is
    the mean of the rows' variances plus the variance of the rows' means.

    Args:
        x, y: H×W float64 of the same size, sides of at least 11.

    Yields:
        Three arrays per strip of rows, together (H-10) × (W-10); variances are never negative.
    """
    kernel = _kernel()
    for top in range(0, x.shape[0] - 2 * RADIUS, STRIP):
        rows = slice(top, top + STRIP + 2 * RADIUS)
        yield _strip_moments(x[rows], y[rows], kernel)


def _strip_moments(x, y, kernel):
    mean_x, mean_y, *within = _moments_along(x.T, y.T, kernel)
    _, _, *between = _moments_along(mean_x.T, mean_y.T, kernel)
    return [a + _mean_along(b.T, kernel) for a, b in zip(between, within, strict=True)]


def _mean_along(a, kernel):
    """Window mean down the first axis, complete windows only."""
    size = a.shape[0] - len(kernel) + 1
    total = kernel[0] * a[:size]
    for i, weight in enumerate(kernel[1:], start=1):
        total += weight * a[i : i + size]
    return total


def _moments_along(x, y, kernel):
    """Means, variances and covariance down the first axis, complete windows only."""
    mean_x, mean_y = _mean_along(x, kernel), _mean_along(y, kernel)
    size = len(mean_x)
    var_x, var_y, cov = (np.zeros_like(mean_x) for _ in range(3))
    for i, weight in enumerate(kernel):
        dx = x[i : i + size] - mean_x
        dy = y[i : i + size] - mean_y
        weighted = weight * dx
        dx *= weighted
        var_x += dx
        weighted *= dy
        cov += weighted
        dy *= dy
        dy *= weight
        var_y += dy
    return mean_x, mean_y, var_x, var_y, cov
