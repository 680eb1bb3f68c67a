"""Which methods an evaluation compares, read from its command line."""

from pathlib import Path

from data.pictures import SDR_SUFFIXES
from evaluation.plan import ResultFolder
from evaluation.rows import SOURCE
from metrics.operators import OPERATORS
from system.errors import InputError
from system.files import list_pictures


def chosen_operators(text):
    """Return the operators of "a,b,c" in the order of OPERATORS; all for None, none for "none".

    Raises:
        InputError: a name that is no operator's.
    """
    if text is None:
        return list(OPERATORS)
    names = {name.strip() for name in text.split(",")} - {"none", ""}
    unknown = sorted(names - set(OPERATORS))
    if unknown:
        raise InputError(
            f"{unknown[0]} is no operator; give some of {', '.join(OPERATORS)}, or none"
        )
    return [name for name in OPERATORS if name in names]


def result_folders(texts, taken):
    """Return dict from name to evaluation.plan.ResultFolder of texts "NAME=DIR", in their order.

    Args:
        texts: what was given.
        taken: further names that are not free; those of the operators never are.

    Raises:
        InputError: not so written, a name that is taken or cannot be a folder's, or a
            folder without pictures.
    """
    folders = {}
    for text in texts:
        name, equals, folder = (part.strip() for part in text.partition("="))
        if not (equals and name and folder):
            raise InputError(f"--results {text}: write it as --results NAME=DIR")
        # The report's pictures go to a folder of the method's name.
        if name.startswith(".") or any(mark in name for mark in "/\\\0"):
            raise InputError(f"--results {text}: a name has no slash and does not begin with a dot")
        if name in (*taken, *OPERATORS, *folders, SOURCE):
            raise InputError(f"--results {text}: the name {name} is taken; give another")
        if not Path(folder).is_dir():
            raise InputError(f"--results {text}: there is no folder {folder}; check the name")
        found = {}
        for path in list_pictures([folder], SDR_SUFFIXES):
            found.setdefault(Path(path).stem, []).append(path)
        folders[name] = ResultFolder(folder, found)
    return folders
