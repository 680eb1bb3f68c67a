"""Match the HDR pictures of training with their SDR partners."""

from pathlib import Path
from typing import NamedTuple

from data.pictures import HDR_SUFFIXES, SDR_SUFFIXES, read_hdr_counted, read_sdr
from data.pictures.sanitize import remarks_on
from system.errors import InputError


class Pair(NamedTuple):
    """The files of one pair."""

    hdr: Path
    sdr: Path


def find_pairs(hdr_path, sdr_path, appendix_hdr, appendix_sdr):
    """Pair the files of two folders by stem.

    Args:
        hdr_path, sdr_path: folders.
        appendix_hdr, appendix_sdr: file endings, with or without the dot.

    Returns:
        (pairs, faults): list of Pair sorted by stem, and one sentence for each
        file without a partner.
    """
    faults = []
    hdr = _by_stem(hdr_path, appendix_hdr, faults)
    sdr = _by_stem(sdr_path, appendix_sdr, faults)
    faults += [
        f"{hdr[stem]} has no partner {stem}.{appendix_sdr.lstrip('.')} in {sdr_path}"
        for stem in sorted(hdr.keys() - sdr.keys())
    ]
    faults += [
        f"{sdr[stem]} has no partner {stem}.{appendix_hdr.lstrip('.')} in {hdr_path}"
        for stem in sorted(sdr.keys() - hdr.keys())
    ]
    return [Pair(hdr[stem], sdr[stem]) for stem in sorted(hdr.keys() & sdr.keys())], faults


def find_unpaired(hdr_path, sdr_path, appendix_hdr):
    """Tell the HDR files that have no SDR partner from those that have.

    Args:
        hdr_path, sdr_path: folders.
        appendix_hdr: ending of the HDR files, with or without the dot.

    Returns:
        (unpaired, partners): list of Path sorted by stem, and dict from the stem of each
        other HDR file to the list of its partners, which may have any SDR ending.

    Raises:
        InputError: two HDR files have one name.
    """
    partners = {}
    for path in sorted(Path(sdr_path).iterdir()):
        if path.suffix.lower() in SDR_SUFFIXES:
            partners.setdefault(path.stem, []).append(path)
    faults = []
    hdr = _by_stem(hdr_path, appendix_hdr, faults)
    if faults:
        raise InputError(faults[0])
    unpaired = [hdr[stem] for stem in sorted(hdr.keys() - partners.keys())]
    return unpaired, {stem: partners[stem] for stem in sorted(hdr.keys() & partners.keys())}


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
    hdr, counts = read_hdr_counted(pair.hdr)
    sdr = read_sdr(pair.sdr)
    if hdr.shape != sdr.shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (hdr, sdr)]
        raise InputError(f"{pair.hdr} is {sizes[0]} but {pair.sdr} is {sizes[1]} pixels")
    return remarks_on(hdr, counts)


def _by_stem(folder, appendix, faults):
    suffix = f".{appendix.lstrip('.').lower()}"
    found = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix.lower() == suffix and path.is_file() and not path.name.startswith("."):
            if path.stem in found:
                faults.append(f"{path} and {found[path.stem].name} have one name; remove one")
            found.setdefault(path.stem, path)
    return found
