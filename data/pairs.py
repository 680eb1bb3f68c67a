"""Match the HDR pictures of training with their SDR partners."""

from pathlib import Path
from typing import NamedTuple

from data.pictures import HDR_SUFFIXES, SDR_SUFFIXES, read_hdr_with_remarks, read_sdr
from system.errors import InputError


class Pair(NamedTuple):
    """The files of one pair."""

    hdr: Path
    sdr: Path


def find_pairs(hdr_path, sdr_path, appendix_hdr, appendix_sdr):
    """Pair the files of two folders by stem.

    Args:
        hdr_path, sdr_path: folders.
        appendix_hdr: ending of the HDR files, with or without the dot.
        appendix_sdr: of their partners; where none has it, another SDR ending is taken.

    Returns:
        (pairs, faults): list of Pair sorted by stem, and one sentence for each
        file without a partner or with two.
    """
    hdr, sdr, faults = _match(hdr_path, sdr_path, appendix_hdr, appendix_sdr)
    faults += [
        f"{hdr[stem]} has no partner {stem}.{appendix_sdr.lstrip('.')} in {sdr_path}"
        for stem in sorted(hdr.keys() - sdr.keys())
    ]
    faults += [
        f"{sdr[stem]} has no partner {stem}.{appendix_hdr.lstrip('.')} in {hdr_path}"
        for stem in sorted(sdr.keys() - hdr.keys())
    ]
    return [Pair(hdr[stem], sdr[stem]) for stem in sorted(hdr.keys() & sdr.keys())], faults


def find_unpaired(hdr_path, sdr_path, appendix_hdr, appendix_sdr):
    """Tell the HDR files that have no SDR partner from those that have; as find_pairs.

    Returns:
        (unpaired, partners): list of Path sorted by stem, and dict from the stem of each
        other HDR file to its partner.

    Raises:
        InputError: two files have one name.
    """
    hdr, sdr, faults = _match(hdr_path, sdr_path, appendix_hdr, appendix_sdr)
    if faults:
        raise InputError(faults[0])
    unpaired = [hdr[stem] for stem in sorted(hdr.keys() - sdr.keys())]
    return unpaired, {stem: sdr[stem] for stem in sorted(hdr.keys() & sdr.keys())}


def ignored_hdr(hdr_path, appendix_hdr):
    """Return a sentence on the HDR files that do not end in appendix_hdr, None without any."""
    others = [
        path
        for path in sorted(Path(hdr_path).iterdir())
        if path.suffix.lower() in HDR_SUFFIXES and path.suffix.lower() != hdr_suffix(appendix_hdr)
    ]
    if not others:
        return None
    return (
        f"{len(others)} HDR files in {hdr_path} do not end in .{appendix_hdr.lstrip('.')} and are "
        f"not used, {others[0].name} for one; data.appendix_hdr says which ending is"
    )


def hdr_suffix(appendix_hdr):
    """Return the ending of the HDR files with its dot; raise InputError for one nobody reads."""
    suffix = f".{appendix_hdr.lstrip('.').lower()}"
    if suffix not in HDR_SUFFIXES:
        known = ", ".join(suffix.lstrip(".") for suffix in HDR_SUFFIXES)
        raise InputError(f"data.appendix_hdr is {appendix_hdr!r}; it must be one of {known}")
    return suffix


def inspect_pair(pair):
    """Read both files of a Pair; return remarks on the HDR picture, a tuple of sentences.

    Raises:
        InputError: a file cannot be read, or their sizes differ.
    """
    hdr, remarks = read_hdr_with_remarks(pair.hdr)
    sdr = read_sdr(pair.sdr)
    if hdr.shape != sdr.shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (hdr, sdr)]
        raise InputError(f"{pair.hdr} is {sizes[0]} but {pair.sdr} is {sizes[1]} pixels")
    return remarks


def _match(hdr_path, sdr_path, appendix_hdr, appendix_sdr):
    """Return (dict from stem to HDR file, the same of SDR files, faults)."""
    faults = []
    hdr = _by_stem(hdr_path, [appendix_hdr], faults)
    sdr = _by_stem(sdr_path, [appendix_sdr], faults)
    others = _by_stem(sdr_path, SDR_SUFFIXES, faults, hdr.keys() - sdr.keys(), hdr.values())
    return hdr, sdr | others, faults


def _by_stem(folder, endings, faults, stems=None, besides=()):
    """Return dict from stem to file of these endings; `stems` are all that may be, or None."""
    suffixes = [f".{ending.lstrip('.').lower()}" for ending in endings]
    found = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix.lower() not in suffixes or not path.is_file() or path in besides:
            continue
        if path.name.startswith(".") or (stems is not None and path.stem not in stems):
            continue
        if path.stem in found:
            faults.append(f"{path} and {found[path.stem].name} have one name; remove one")
        found.setdefault(path.stem, path)
    return found
