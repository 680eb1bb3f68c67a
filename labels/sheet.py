"""Contact sheets: pages of small pictures with two lines of text beneath each."""

import itertools

import cv2
import numpy as np

from data.pictures import write_sdr

COLUMNS, LINES = 4, 5
WIDTH, HEIGHT = 360, 270  # pixels, what a picture is fitted into
GAP, TEXT = 12, 46  # pixels between the cells, and of the two lines beneath a picture
PAPER, INK, ALERT = (40, 40, 40), (230, 230, 230), (255, 150, 90)
JPEG_QUALITY = 90


def write_sheets(prefix, cells):
    """Write pages of COLUMNS × LINES cells and return their paths.

    Args:
        prefix: path of the pages less their number and ".jpg".
        cells: iterable of (H×W×3 uint8 RGB, two texts, whether the second is in the ALERT
            color), of which one picture is in the memory at a time.

    Raises:
        InputError: a page cannot be written.
    """
    paths = []
    small = itertools.starmap(_cell, cells)
    while page := list(itertools.islice(small, COLUMNS * LINES)):
        height, width = page[0].shape[:2]
        lines = -(-len(page) // COLUMNS)
        sheet = np.full((lines * height + GAP, COLUMNS * width + GAP, 3), PAPER, np.uint8)
        for index, cell in enumerate(page):
            top, left = index // COLUMNS * height, index % COLUMNS * width
            sheet[top : top + height, left : left + width] = cell
        paths.append(f"{prefix}{len(paths) + 1}.jpg")
        write_sdr(paths[-1], sheet, JPEG_QUALITY)
    return paths


def _cell(picture, texts, alert):
    # The gaps above and to the left belong to the cell.
    cell = np.full((GAP + HEIGHT + TEXT, GAP + WIDTH, 3), PAPER, np.uint8)
    factor = min(HEIGHT / picture.shape[0], WIDTH / picture.shape[1])
    width, height = (max(1, round(side * factor)) for side in picture.shape[1::-1])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    top, left = GAP + (HEIGHT - height) // 2, GAP + (WIDTH - width) // 2
    small = cv2.resize(picture, (width, height), interpolation=method)
    cell[top : top + height, left : left + width] = small
    for number, (text, ink) in enumerate(zip(texts, (INK, ALERT if alert else INK), strict=True)):
        # OpenCV's letters are those of ASCII.
        text = text.encode("ascii", "replace").decode()
        position = (GAP + 2, GAP + HEIGHT + 17 + 20 * number)
        cv2.putText(cell, text, position, cv2.FONT_HERSHEY_SIMPLEX, 0.45, ink, 1, cv2.LINE_AA)
    return cell
