"""Tables that a later run takes rows over from."""

import csv
import math

import pytest

from evaluation.scoring import FIELDS
from labels.label import FIELDS as LABEL_FIELDS
from metrics.scores import SCORES
from system.csv_file import content_key, read_rows, rounded, write_rows

KEY = "0123456789abcdef"


def row(picture, **changes):
    names = {"picture": picture, "method": "x", "key": KEY}
    numbers = {**dict.fromkeys(SCORES, rounded(1 / 3)), "seconds": None, "megapixels": 2.0}
    return {**names, **numbers, **changes}


def test_rows_come_back_as_they_were_and_damaged_lines_do_not(tmp_path):
    table = tmp_path / "scores.csv"
    rows = [row('a,"b'), row("c", seconds=0.5), row("d", Q=math.nan)]
    write_rows(table, FIELDS, rows)
    found = read_rows(table, FIELDS)
    assert found[:2] == rows[:2] and math.isnan(found[2]["Q"])
    header, first, second, third = table.read_text().splitlines()
    lines = [header, '"' + first, second[:-1], third.replace("nan", "no number"), "", first]
    table.write_text("\n".join(lines))
    assert read_rows(table, FIELDS) == rows[:1]
    assert read_rows(tmp_path / "none.csv", FIELDS) == []


@pytest.mark.parametrize("fields", [FIELDS, LABEL_FIELDS])
def test_the_header_names_each_column_once(tmp_path, fields):
    write_rows(tmp_path / "table.csv", fields, [])
    with open(tmp_path / "table.csv", newline="") as file:
        (names,) = csv.reader(file)
    assert names == list(fields) and len(set(names)) == len(names)
    assert read_rows(tmp_path / "table.csv", fields) == []


def test_a_table_of_labels_of_an_earlier_version_is_read(tmp_path):
    """Five digits, no setting for a classical operator, a column called broken."""
    lines = [
        *(
            "0123456789abcdef,family,0.19402,2.3199,0.98,1.4,0.94687,0.80138,0.99381,0,0,0.99995,1,"
            "0.00018139,187.1,0.0065304,0.45876,,212,halo:3 cast:1,10.5," + KEY,
        ),
        *("b,drago,,,,,0.9,0.8,0.7,0.03,0,nan,nan,0.1,150,1,1.1,blown,99,,3," + KEY,),
    ]
    (tmp_path / "make_sdr.csv").write_text("\n".join([",".join(LABEL_FIELDS), *lines, ""]))
    first, second = read_rows(tmp_path / "make_sdr.csv", LABEL_FIELDS)
    assert first["picture"] == KEY and first["detail"] == 1.4 and first["broken"] == ""
    assert second["key"] is None and second["broken"] == "blown" and second["Q"] == 0.9
    write_rows(tmp_path / "again.csv", LABEL_FIELDS, [first, second])
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "make_sdr.csv").read_bytes()


def test_content_keys_differ_where_a_part_does():
    keys = {content_key(*parts) for parts in ([b"ab"], [b"a", b"b"], [b"ab", 1], ["ab"], [])}
    assert len(keys) == 5 and {len(key) for key in keys} == {16}
