import numpy as np

from data.pictures import read_sdr
from labels.record import FIELDS, read_rows, write_rows
from labels.sheet import GAP, HEIGHT, TEXT, WIDTH, Sheet


def test_pages_are_filled_in_order(tmp_path):
    sheet = Sheet(tmp_path / "sheet_")
    for i in range(21):
        sheet.add(np.full((20, 30 + i, 3), 200, np.uint8), (f"ä{i}", "Q"), alert=i == 0)
    sheet.close()
    sheet.close()
    assert [page.rsplit("/", 1)[1] for page in sheet.pages] == ["sheet_1.jpg", "sheet_2.jpg"]
    pages = [read_sdr(page) for page in sheet.pages]
    cell = HEIGHT + TEXT + GAP
    assert pages[0].shape == (5 * cell + GAP, 4 * (WIDTH + GAP) + GAP, 3)
    assert pages[1].shape == (cell + GAP, 4 * (WIDTH + GAP) + GAP, 3)
    middle = GAP + HEIGHT // 2
    assert (abs(pages[1][middle, GAP + WIDTH // 2].astype(int) - 200) < 4).all()
    assert (pages[1][middle, GAP + WIDTH + GAP + WIDTH // 2] < 60).all()  # an empty place


def test_an_empty_sheet_writes_nothing(tmp_path):
    sheet = Sheet(tmp_path / "sheet_")
    sheet.close()
    assert not sheet.pages and not list(tmp_path.iterdir())


def test_no_two_columns_have_the_same_name():
    assert len(set(FIELDS)) == len(FIELDS)


def row(name):
    return dict.fromkeys(FIELDS, "1") | {"picture": name, "key_of_file": "0123456789abcdef"}


def test_rows_come_back_and_cut_lines_do_not(tmp_path):
    table = tmp_path / "make_sdr.csv"
    rows = {name: row(name) for name in ("a", 'b, "c"', "d")}
    write_rows(table, rows.values())
    assert read_rows(table) == rows
    table.write_text(table.read_text()[:-10])
    assert list(read_rows(table)) == ["a", 'b, "c"']
    assert read_rows(tmp_path / "none.csv") == {}
