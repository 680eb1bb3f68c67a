"""Contact sheets: pages of small pictures with a line of text beneath each."""

import cv2
import numpy as np

from data.pictures import write_sdr

COLUMNS, LINES = 4, 5
WIDTH, HEIGHT = 360, 270  # pixels, what a picture is fitted into
GAP, TEXT = 12, 46  # pixels between the cells, and of the two lines beneath a picture
PAPER, INK, ALERT = (40, 40, 40), (230, 230, 230), (255, 150, 90)


class Sheet:
    """Takes pictures one by one and writes a page whenever one is full.

    Args:
        beginning: path of the pages less their number and ".jpg".
    """

    def __init__(self, beginning):
        self.beginning = beginning
        self.pages = []
        self._cells = []

    def add(self, picture, lines, alert=False):
        """Add H×W×3 uint8 RGB and the two texts beneath it; `alert` gives the second colour.

        Raises:
            InputError: a full page cannot be written.
        """
        self._cells.append(_cell(picture, lines, alert))
        if len(self._cells) == COLUMNS * LINES:
            self.close()

    def close(self):
        """Write the page that is not full yet, if there is one; see add."""
        if not self._cells:
            return
        rows = -(-len(self._cells) // COLUMNS)
        height, width = HEIGHT + TEXT, WIDTH
        size = (rows * (height + GAP) + GAP, COLUMNS * (width + GAP) + GAP, 3)
        page = np.full(size, PAPER, np.uint8)
        for index, cell in enumerate(self._cells):
            top = GAP + index // COLUMNS * (height + GAP)
            left = GAP + index % COLUMNS * (width + GAP)
            page[top : top + height, left : left + width] = cell
        path = f"{self.beginning}{len(self.pages) + 1}.jpg"
        write_sdr(path, page, 90)
        self.pages.append(path)
        self._cells = []


def _cell(picture, lines, alert):
    cell = np.full((HEIGHT + TEXT, WIDTH, 3), PAPER, np.uint8)
    factor = min(HEIGHT / picture.shape[0], WIDTH / picture.shape[1])
    size = [max(1, round(side * factor)) for side in picture.shape[1::-1]]
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    small = cv2.resize(picture, size, interpolation=way)
    top, left = (HEIGHT - size[1]) // 2, (WIDTH - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    inks = (INK, ALERT if alert else INK)
    for number, (text, ink) in enumerate(zip(lines, inks, strict=True)):
        # OpenCV's letters are those of ASCII.
        text = text.encode("ascii", "replace").decode()
        place = (2, HEIGHT + 17 + 20 * number)
        cv2.putText(cell, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, ink, 1, cv2.LINE_AA)
    return cell
