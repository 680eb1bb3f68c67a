"""What the processes of make_sdr.py do: make the label of one HDR file.

Imports no TensorFlow, so that each process starts at once.
"""

import time

from data.pictures import read_hdr
from data.pictures.sdr import decode_sdr, encode_sdr
from evaluation.rows import digest
from labels.guards import Figures, broken, figures
from labels.record import FIELDS, rounded
from labels.search import choose
from metrics.tmqi import tmqi

QUALITY = 97  # of JPEGs, which are 4:4:4; training should not learn their blocks
SLACK = 0.05  # share of a limit that JPEG alone can add to a figure


def label(path, suffix, saturation):
    """Return (bytes of the SDR file, row of the table) for an HDR file; writes nothing.

    Args:
        path: the pathlib.Path of the HDR file.
        suffix: ".png", ".jpg" or ".jpeg".
        saturation: see labels.family.prepared.

    Returns:
        Bytes, and a dict with labels.record.FIELDS whose scores and figures are those of
        the picture in the bytes.

    Raises:
        InputError: the file cannot be read, or see labels.search.choose.
    """
    start = time.perf_counter()
    hdr = read_hdr(path)
    choice = choose(hdr, saturation)
    data = encode_sdr(choice.picture, suffix, QUALITY)
    sdr = decode_sdr(data, str(path))
    score, found = tmqi(hdr, sdr), figures(hdr, sdr)
    rejected = sorted(choice.rejected.items(), key=lambda item: -item[1])
    setting = choice.candidate.setting
    row = dict.fromkeys(FIELDS, "")
    row |= {"picture": path.stem, "operator": choice.candidate.operator}
    row |= {name: rounded(value) for name, value in (setting._asdict() if setting else {}).items()}
    row |= {"Q": rounded(score.Q), "S": rounded(score.S), "N": rounded(score.N)}
    row |= {name: rounded(getattr(found, name)) for name in Figures._fields}
    row["broken"] = " ".join(name for name, excess in broken(found).items() if excess > SLACK)
    row["tried"] = str(choice.tried)
    row["rejected"] = " ".join(f"{name}:{count}" for name, count in rejected)
    row |= {"seconds": rounded(time.perf_counter() - start), "key_of_file": digest(data)}
    return data, row
