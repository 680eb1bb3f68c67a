"""Match the HDR pictures of training with their SDR partners."""

from pathlib import Path
from typing import NamedTuple

from data.errors import InputError
from data.image_io import read_hdr, read_sdr


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
    hdr = _by_stem(hdr_path, appendix_hdr)
    sdr = _by_stem(sdr_path, appendix_sdr)
    faults = [
        f"{hdr[stem]} has no partner {stem}.{appendix_sdr.lstrip('.')} in {sdr_path}"
        for stem in sorted(hdr.keys() - sdr.keys())
    ]
    faults += [
        f"{sdr[stem]} has no partner {stem}.{appendix_hdr.lstrip('.')} in {hdr_path}"
        for stem in sorted(sdr.keys() - hdr.keys())
    ]
    return [Pair(hdr[stem], sdr[stem]) for stem in sorted(hdr.keys() & sdr.keys())], faults


def pair_fault(pair):
    """Read both files of a Pair; return one sentence about what is wrong, or None."""
    try:
        hdr, sdr = read_hdr(pair.hdr), read_sdr(pair.sdr)
    except InputError as error:
        return str(error)
    if hdr.shape != sdr.shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (hdr, sdr)]
        return f"{pair.hdr} is {sizes[0]} but {pair.sdr} is {sizes[1]} pixels"
    return None


def _by_stem(folder, appendix):
    suffix = f".{appendix.lstrip('.').lower()}"
    return {
        path.stem: path
        for path in sorted(Path(folder).iterdir())
        if path.suffix.lower() == suffix and path.is_file() and not path.name.startswith(".")
    }
