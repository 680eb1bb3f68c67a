"""Finding picture files and reading their bytes."""

import contextlib
import os
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from system.errors import InputError, reason_of

# Bytes: file systems take 255, and a result's ending is ".jpg" or ".png".
LONGEST_STEM = 251


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix of `path` in lower case, with its dot ("" for none)."""
    return os.path.splitext(os.fspath(path))[1].lower()


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a regular file that is not empty.

    Raises:
        InputError: missing, unreadable, empty, a folder, a pipe or a device.
    """
    path = Path(path)
    try:
        # Asked before opening: opening a pipe waits for its writer.
        regular = stat.S_ISREG(path.stat().st_mode)
        data = path.read_bytes() if regular else b""
    except (OSError, ValueError) as error:  # ValueError: a null character
        raise InputError(
            f"{path}: cannot be read ({reason_of(error)}); check the name and permissions."
        ) from error
    if not regular:
        raise InputError(f"{path}: is a folder or no regular file; give a picture file.")
    if not data:
        raise InputError(f"{path}: the file is empty; get it again.")
    return data


def list_pictures(
    paths: Iterable[str | os.PathLike[str]],
    suffixes: Sequence[str],
    also: Callable[[Path], bool] | None = None,
) -> list[Path]:
    """Return the picture files among `paths` and directly inside the folders among them.

    A folder gives its files with one of `suffixes` (lower case, with the dot; the
    case of the name is ignored); hidden files and sub-folders are skipped. The
    list is sorted and names no file twice.

    Args:
        paths: files and folders.
        suffixes: see above.
        also: says which files of a folder count that have another suffix. With it, every
            file given by name counts: its reader tells.

    Raises:
        InputError: a path is missing or unreadable, a file given by name has
            another suffix, or a folder holds no picture.
    """
    wanted = ", ".join(suffixes)
    found: set[Path] = set()
    for path in map(Path, paths):
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
            entries = list(path.iterdir()) if is_folder else [path]
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read ({reason_of(error)}); check the name and permissions."
            ) from error
        if is_folder:
            entries = [e for e in entries if not (e.name.startswith(".") or e.is_dir())]
        pictures = [
            entry
            for entry in entries
            if suffix_of(entry) in suffixes or (also is not None and (not is_folder or also(entry)))
        ]
        if not pictures and is_folder:
            raise InputError(f"{path}: the folder holds no picture; put {wanted} files into it.")
        if not pictures:
            raise InputError(f"{path}: the suffix is not supported; give one of {wanted}.")
        found.update(pictures)
    return sorted(found)


def file_stamps(paths: Iterable[str | os.PathLike[str]]) -> dict[str, list[int]]:
    """Return {name: [bytes, time of the last change in ns]} of the files that are there."""
    stamps = {}
    for path in map(Path, paths):
        with contextlib.suppress(OSError):
            status = path.stat()
            stamps[path.name] = [status.st_size, status.st_mtime_ns]
    return stamps


def file_identities(paths: Iterable[object]) -> set[tuple[int, int]]:
    """Return what tells one file from others by whatever name, of those paths that are files."""
    identities = set()
    for path in paths:
        if isinstance(path, Path):
            with contextlib.suppress(OSError):
                status = path.stat()
                identities.add((status.st_dev, status.st_ino))
    return identities


def find_pictures(
    given: Iterable[str | os.PathLike[str]],
    suffixes: Sequence[str],
    also: Callable[[Path], bool] | None = None,
) -> list[Path | InputError]:
    """Return what `list_pictures` finds under each path, in order and without repeats.

    Where it raises InputError for a path, that error stands in the list instead.
    """
    found: dict[Path | InputError, None] = {}
    for path in given:
        try:
            found.update(dict.fromkeys(list_pictures([path], suffixes, also)))
        except InputError as error:
            found[error] = None
    return list(found)


def result_stems(paths: Iterable[Path | InputError], layers: Sequence[str] = ()) -> dict[Path, str]:
    """Return the stem of each picture's result, in the order of `paths`; errors are left out.

    It is the picture's own. Pictures that differ in their ending, folder or letter
    case alone have ending and folder in the result's name, and a number where that
    does not tell them apart either: no two results have one name. What would make a name
    too long for a file system is left out.

    Args:
        paths: of the pictures.
        layers: what is also written of each picture, under the stem, "_" and this name.
    """
    pictures = [path for path in paths if isinstance(path, Path)]
    shared = Counter(path.stem.casefold() for path in pictures)
    stems: dict[Path, str] = {}
    taken: set[str] = set()
    for path in pictures:
        stem = path.stem
        if shared[stem.casefold()] > 1:
            told_apart = f"{path.absolute().parent.name}_{path.name}"
            stem = told_apart if len(os.fsencode(told_apart)) <= LONGEST_STEM else stem
        stems[path] = unique_stem(stem, taken, layers)
    return stems


def unique_stem(stem: str, taken: set[str], layers: Sequence[str] = ()) -> str:
    """Return `stem`, shortened and with a number where it must be, and add its names to `taken`.

    Args:
        stem: wanted for a result.
        taken: names without regard to case that no result and no layer may have.
        layers: as for result_stems.
    """
    unique = stem = stem[:LONGEST_STEM]
    number = 1
    while True:
        names = [unique, *(f"{unique}_{layer}" for layer in layers)]
        folded = {name.casefold() for name in names}
        if max(len(os.fsencode(name)) for name in names) > LONGEST_STEM:
            stem = stem[:-1]
        elif folded.isdisjoint(taken):
            taken |= folded
            return unique
        else:
            number += 1
        unique = stem if number == 1 else f"{stem}_{number}"


def result_path(folder: str | os.PathLike[str], stem: str, ending: str) -> Path:
    """Return the file of a result: `stem`.`ending`, directly inside `folder`.

    Raises:
        InputError: `stem`, which a record may have brought along, is no plain file name.
    """
    if stem in ("", ".", "..") or "\0" in stem or os.path.basename(stem) != stem:
        raise InputError(
            f"{stem!r} cannot be the name of a result in {folder}; make the records again with "
            "generate_tfrec.py"
        )
    return Path(folder) / f"{stem}.{ending}"


def make_folder(folder: str | os.PathLike[str], remedy: str = "--output") -> Path:
    """Make a folder that will be written to and return its path.

    `remedy` is the flag or setting that names it.

    Raises:
        InputError: it cannot be made or written to.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(
            f"{folder}: cannot write to this folder ({error.strerror}); name another with {remedy}"
        ) from error
    return Path(folder)
