"""What the processes of make_sdr.py do: make the label of one HDR file.

Imports no TensorFlow, so that each process starts at once.
"""

import time

from data.pictures import read_hdr
from data.pictures.sdr import decode_sdr, encode_sdr
from labels.family import Setting
from labels.search import choose
from metrics.guards import GuardValues, guard_values, violations
from metrics.tmqi import tmqi
from system.csv_file import Fields, content_key, key, optional_number, rounded
from system.errors import naming

JPEG_QUALITY = 97  # 4:4:4; training should not learn JPEG's blocks
JPEG_EXCESS = 0.05  # share of a limit that JPEG alone can add to a guard's value
# Of make_sdr.csv; a classical operator has no setting, "broken" lists violations.
FIELDS: Fields = {
    **{"picture": str, "operator": str},
    **dict.fromkeys(Setting._fields, optional_number),
    **dict.fromkeys(("Q", "S", "N", *GuardValues._fields), float),
    **{"broken": str, "tried": float, "rejected": str, "seconds": float, "key_of_file": key},
}


def make_label(path, suffix, saturation):
    """Return (bytes of the SDR file, row of the table) for an HDR file; writes nothing.

    Args:
        path: the pathlib.Path of the HDR file.
        suffix: ".png", ".jpg" or ".jpeg".
        saturation: see labels.family.prepare.

    Returns:
        Bytes, and a dict with FIELDS whose scores and guard values are those of the
        picture in the bytes.

    Raises:
        InputError: the file cannot be read, does not fit into the memory, or see
            labels.search.choose.
    """
    start = time.perf_counter()
    with naming(path, "--set data.processes=1, or a smaller picture"):
        hdr = read_hdr(path)
        choice = choose(hdr, saturation)
        data = encode_sdr(choice.picture, suffix, JPEG_QUALITY)
        sdr = decode_sdr(data, str(path))
        score, values = tmqi(hdr, sdr), guard_values(hdr, sdr)
    candidate = choice.candidate
    numbers = {"Q": score.Q, "S": score.S, "N": score.N, **values._asdict()}
    numbers |= candidate.setting._asdict() if candidate.setting else {}
    broken = [name for name, excess in violations(values).items() if excess > JPEG_EXCESS]
    rejected = sorted(choice.rejected.items(), key=lambda item: -item[1])
    row = dict.fromkeys(FIELDS)
    row |= {"picture": path.stem, "operator": candidate.operator, "broken": " ".join(broken)}
    row |= {name: rounded(number) for name, number in numbers.items()}
    row |= {"tried": choice.tried, "rejected": " ".join(f"{n}:{count}" for n, count in rejected)}
    row |= {"seconds": rounded(time.perf_counter() - start), "key_of_file": content_key(data)}
    return data, row
