"""Cut one pair into patches of one size."""

import cv2


def training_patches(hdr, sdr, size, ratio, count, generator, flip=False):
    """Cut the same patches from a picture and its partner.

    count - 1 random crops, each side a fraction of the picture's drawn evenly
    from `ratio`, and last the whole picture, all resized bilinearly to `size`.
    A picture smaller than `size` on either side gives copies of the whole.

    Args:
        hdr, sdr: H×W×3 float32, normalized.
        size: (height, width) of a patch.
        ratio: (least, largest) fraction.
        count: patches per picture.
        generator: numpy.random.Generator.
        flip: mirror every second patch, drawn at random, left to right.

    Yields:
        (hdr_patch, sdr_patch), float32.
    """
    height, width = hdr.shape[:2]
    small = height < size[0] or width < size[1]
    for _ in range(count - 1):
        box = (slice(None), slice(None)) if small else _random_box(height, width, ratio, generator)
        yield _patch(hdr[box], sdr[box], size, flip, generator)
    yield _patch(hdr, sdr, size, flip, generator)


def _patch(hdr, sdr, size, flip, generator):
    # Before the pyramid: halving keeps every second sample, so that a mirrored
    # picture's layers are not the mirrored layers.
    across = slice(None, None, -1 if flip and generator.random() < 0.5 else 1)
    return tuple(_resize(picture, size)[:, across].copy() for picture in (hdr, sdr))


def _random_box(height, width, ratio, generator):
    sides = [max(1, int(length * generator.uniform(*ratio))) for length in (height, width)]
    starts = [
        int(generator.random() * (length - side))
        for length, side in zip((height, width), sides, strict=True)
    ]
    return tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))


def _resize(image, size):
    height, width = size  # OpenCV wants (width, height)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
