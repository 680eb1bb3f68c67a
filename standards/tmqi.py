"""The numbers of TMQI, which its metric and the losses made of it share.

H. Yeganeh and Z. Wang, "Objective Quality Assessment of Tone-Mapped Images", IEEE
Transactions on Image Processing 22(2), 2013, sections II-A and II-B, and the authors'
program, version 1.0.
"""

import math

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # finest first, as in MS-SSIM
FREQUENCIES_CPD = (16.0, 8.0, 4.0, 2.0, 1.0)  # cycles per degree seen by each scale
C1, C2 = 0.01, 10.0
HDR_RANGE = 2.0**32 - 1
BLOCK_SIDE = 11  # pixels of the contrast blocks
BRIGHTNESS_MEAN, BRIGHTNESS_SPREAD = 115.94, 27.99  # normal law of the mean code
CONTRAST_SCALE = 64.29  # codes that the law of the contrast calls 1
CONTRAST_BETA = (4.4, 10.1)  # parameters of that law
STRUCTURE_WEIGHT = 0.8012  # of S in Q = a S^b + (1 - a) N^c
STRUCTURE_POWER, NATURALNESS_POWER = 0.3046, 0.7088


def contrast_threshold(frequency):
    """Return the contrast of half visibility, in code values of an 8-bit picture of mean 128.

    Contrast sensitivity of J. Mannos and D. Sakrison, IEEE Trans. Information Theory
    20(4), 1974; the factor 1.4 turns an amplitude into a standard deviation.

    Args:
        frequency: cycles per degree.
    """
    f = 0.114 * frequency
    sensitivity = 100 * 2.6 * (0.0192 + f) * math.exp(-(f**1.1))
    return 128 / (1.4 * sensitivity)
