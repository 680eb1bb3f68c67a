"""What an evaluation scores: its methods, its rows, and which of them an earlier run has scored.

A method is a function from the stem of an HDR file to (result, parts of the key). The
result is None where an operator makes the picture, the path of a finished one, or a function
from the HDR file's path to evaluation.scoring.ToneMapped. The parts are what the picture
depends on.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from data.pictures import SDR_SUFFIXES
from evaluation.scoring import SOURCE, Source, picture_path
from metrics import jod
from metrics.operators import OPERATORS
from system.csv_file import content_key
from system.errors import InputError, naming
from system.files import list_pictures, read_bytes

NETWORK_REMEDY = "--precision bfloat16 or --test_resize_to_half"


class PlannedRow(NamedTuple):
    """One row to be; `key` differs where its source, its method's content or the size do."""

    source: Source
    method: str
    result: str | Callable | None
    key: str

    @property
    def name(self):
        """(picture, method), which no two rows share."""
        return self.source.stem, self.method


def operator_methods(names):
    """Return dict from name to method of "a,b,c", in the order of OPERATORS.

    All for None, none for "none".

    Raises:
        InputError: a name that is no operator's.
    """
    chosen = set(OPERATORS)
    if names is not None:
        chosen = {name.strip() for name in names.split(",")} - {"none", ""}
    if unknown := sorted(chosen - set(OPERATORS)):
        raise InputError(
            f"{unknown[0]} is no operator; give some of {', '.join(OPERATORS)}, or none"
        )
    names = [name for name in OPERATORS if name in chosen]
    return {name: lambda _, name=name: (None, ("operator", name)) for name in names}


def folder_methods(texts, taken):
    """Return dict from name to method of texts "NAME=DIR", in their order.

    Args:
        texts: what was given.
        taken: further names that are not free; those of the operators never are.

    Raises:
        InputError: not so written, a name that is taken or cannot be a folder's, or a
            folder without pictures.
    """
    methods = {}
    for text in texts:
        name, equals, folder = (part.strip() for part in text.partition("="))
        if not (equals and name and folder):
            raise InputError(f"--results {text}: write it as --results NAME=DIR")
        # The report's pictures go to a folder of the method's name.
        if name.startswith(".") or any(mark in name for mark in "/\\\0"):
            raise InputError(f"--results {text}: a name has no slash and does not begin with a dot")
        if name in (*taken, *OPERATORS, *methods, SOURCE):
            raise InputError(f"--results {text}: the name {name} is taken; give another")
        if not Path(folder).is_dir():
            raise InputError(f"--results {text}: there is no folder {folder}; check the name")
        methods[name] = _folder_method(folder)
    return methods


def _folder_method(folder):
    paths = list_pictures([folder], SDR_SUFFIXES)

    def method(stem):
        found = [path for path in paths if Path(path).stem == stem]
        if not found:
            raise InputError(f"{folder} holds no picture named {stem}; add it")
        if len(found) > 1:
            names = " and ".join(Path(path).name for path in found)
            raise InputError(f"{folder} holds {names}; leave one of them there")
        return found[0], ("file", read_bytes(found[0]))

    return method


def plan_rows(sources, methods, to_half):
    """Return (PlannedRows picture by picture, sentences on the results that are not there).

    Args:
        sources: evaluation.scoring.Sources.
        methods: dict from name to method.
        to_half: evaluate at half of each side.
    """
    plan, faults = [], []
    for source in sources:
        for name, method in methods.items():
            try:
                with naming(f"{source.stem}, {name}"):
                    result, parts = method(source.stem)
            except InputError as error:
                faults.append(str(error))
                continue
            key = content_key(source.content, to_half, *parts)
            plan.append(PlannedRow(source, name, result, key))
    return plan, faults


def reusable_rows(plan, rows, folder):
    """Return those rows of an earlier run that are planned again and have their picture.

    A row without JOD, which was not installed then, is not taken over where it is now.

    Args:
        plan: PlannedRows.
        rows: dicts with evaluation.scoring.FIELDS.
        folder: of the report's pictures.

    Returns:
        dict from PlannedRow.name to row.
    """
    found = {(row["picture"], row["method"]): row for row in rows}
    return {
        planned.name: found[planned.name]
        for planned in plan
        if found.get(planned.name, {}).get("key") == planned.key
        and not (jod.installed() and math.isnan(found[planned.name]["JOD"]))
        and picture_path(folder, planned.method, planned.source.stem).is_file()
    }


class ScoreTasks:
    """The arguments of evaluation.scoring.score_row for each PlannedRow.

    Pictures that this process makes are made one by one while others are scored,
    so that few of them are in the memory.
    """

    def __init__(self, plan, to_half, step, folder):
        self._plan = plan
        self._settings = to_half, step, str(folder)

    def __len__(self):
        return len(self._plan)

    def __iter__(self):
        for source, method, result, key in self._plan:
            if callable(result):
                try:
                    with naming(f"{source.stem}, {method}", NETWORK_REMEDY):
                        result = result(source.path)
                except InputError as error:
                    result = error
            yield source, method, result, key, *self._settings
