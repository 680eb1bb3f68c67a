"""Which rows an evaluation has, and which of them an earlier run has scored already."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from evaluation.rows import Made, Source, digest, picture_path
from system.errors import InputError
from system.files import read_bytes


class Item(NamedTuple):
    """One row to be: its picture is made by an operator (None), lies in a file, or is made
    here by a function from the HDR file's path to (H×W×3 uint8, seconds).

    key differs where the row would: with the source, the method's content or the size.
    """

    source: Source
    method: str
    made: str | Callable | None
    key: str

    @property
    def place(self):
        """(picture, method), what its row is known by."""
        return self.source.stem, self.method


def make_plan(sources, makers, to_half):
    """Return (Items picture by picture, sentences on the results that are not there).

    Args:
        sources: Sources.
        makers: dict from method to None for an operator, or to an object with
            item(stem), which returns (`made` of an Item, parts for the key).
        to_half: evaluate at half of each side.
    """
    plan, faults = [], []
    for source in sources:
        for method, maker in makers.items():
            try:
                made, parts = maker.item(source.stem) if maker else (None, ("operator", method))
            except InputError as error:
                faults.append(f"{source.stem}, {method}: {error}")
                continue
            key = digest(source.digest, to_half, *parts)
            plan.append(Item(source, method, made, key))
    return plan, faults


def kept_rows(plan, rows, folder):
    """Return those rows of an earlier run that stand in the plan and have their picture.

    Args:
        plan: Items.
        rows: dict from (picture, method) to row, of evaluation.score_file.read_rows.
        folder: of the report's pictures.
    """
    kept = {}
    for item in plan:
        row, path = rows.get(item.place), picture_path(folder, item.method, item.source.stem)
        if row and row["key"] == item.key and path.is_file():
            kept[item.place] = row
    return kept


class Tasks:
    """The arguments of evaluation.rows.score_row for each Item, made when their turn comes.

    Pictures that this process makes are made one by one while others are scored,
    so that few of them are in the memory.
    """

    def __init__(self, items, to_half, step, folder):
        self._items = items
        self._rest = to_half, step, str(folder)

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        for source, method, made, key in self._items:
            yield source, method, _made_here(made, source.path), key, *self._rest


def _made_here(made, path):
    if not callable(made):
        return made
    try:
        return Made(*made(path))
    except InputError as error:
        return error


class ResultFolder:
    """Finished pictures of a method, found by the stem of the HDR file.

    Args:
        folder: where they lie.
        found: dict from stem to the paths of all its pictures.
    """

    def __init__(self, folder, found):
        self._folder = Path(folder)
        self._found = found

    def item(self, stem):
        """Return (path, parts for the key); InputError if there is not one picture."""
        paths = self._found.get(stem, [])
        if not paths:
            raise InputError(f"{self._folder} holds no picture named {stem}; add it")
        if len(paths) > 1:
            names = " and ".join(Path(path).name for path in paths)
            raise InputError(f"{self._folder} holds {names}; leave one of them there")
        return paths[0], ("file", read_bytes(paths[0]))


class NetworkPictures:
    """What a network makes here.

    Args:
        tone_map: function from an HDR file's path to (H×W×3 uint8, seconds).
        content: bytes and texts on which its pictures depend.
    """

    def __init__(self, tone_map, content):
        self._tone_map = tone_map
        self._parts = "network", digest(*content)

    def item(self, stem):
        """Return (the function, parts for the key), the same for all stems."""
        return self._tone_map, self._parts
