"""report.html: tables and pictures of an evaluation in one file that needs no other."""

import base64
import math
from html import escape
from pathlib import Path

from evaluation.report_pictures import EXPOSURES
from evaluation.rows import exposure_path, picture_path
from evaluation.table import LEGEND, best
from system.atomic import replacing
from system.files import read_bytes

PAGE = Path(__file__).parent / "page"


def write_report(path, intro, summary, notes, sources, rows, folder):
    """Write the report and return its bytes.

    Args:
        path: of the file.
        intro: a sentence on what was compared.
        summary: evaluation.table.Tables.
        notes: sentences on what is missing.
        sources: evaluation.rows.Sources, in order.
        rows: dicts with evaluation.score_file.FIELDS, the methods in order.
        folder: of the pictures that evaluation.rows wrote.

    Raises:
        InputError: the file cannot be written, or a picture is gone.
    """
    page = (PAGE / "page.html").read_text("utf-8")
    parts = {
        "STYLE": (PAGE / "style.css").read_text("utf-8").strip(),
        "SCRIPT": (PAGE / "script.js").read_text("utf-8").strip(),
        "INTRO": escape(intro),
        "TABLES": "\n".join([*map(_table, summary), _legend(), _missing(notes)]),
    }
    for name, text in parts.items():
        page = page.replace(f"<!--{name}-->", text)
    before, after = page.split("<!--PICTURES-->")
    with replacing(path) as file:
        # Piece by piece: the pictures of a large set would fill the memory.
        file.write(_bytes(before + _index(sources)))
        for number, source in enumerate(sources):
            own = [row for row in rows if row["picture"] == source.stem]
            file.write(_bytes(_section(number, source, own, folder)))
        file.write(_bytes(after))
        return file.tell()


def _bytes(text):
    # A file name that is not UTF-8 loses its odd characters here.
    return text.encode("utf-8", "replace")


def _table(table):
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    lines = []
    for name, *cells in table.rows:
        texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{texts}</tr>')
    title = escape(table.title)
    return (
        f'<h2>{title}</h2>\n<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{chr(10).join(lines)}\n</tbody></table>"
        "</div>"
    )


def _legend():
    return f'<p class="legend">{escape(LEGEND.strip())}</p>'


def _missing(notes):
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>\n" for note in notes)
    return f'<h2>Missing</h2>\n<ul class="missing">\n{items}</ul>'


def _index(sources):
    items = "".join(
        f'<li><a href="#p{number}">{escape(source.stem)}</a></li>\n'
        for number, source in enumerate(sources)
    )
    return f"<details><summary>Go to a picture</summary>\n<ul>\n{items}</ul></details>\n"


def _section(number, source, rows, folder):
    winners = best(rows)
    strip = [
        _figure(
            exposure_path(folder, source.stem, ev),
            f"{source.stem}, HDR source at {_ev(ev)}",
            f"HDR {_ev(ev)}",
            "",
            _ev(ev),
        )
        for ev in EXPOSURES
    ]
    grid = []
    for row in rows:
        name = row["method"]
        mark = '<span class="best">best Q</span>' if row in winners else ""
        grid.append(
            _figure(
                picture_path(folder, name, source.stem),
                f"{source.stem}, tone-mapped by {name}",
                name,
                _scores(row),
                f"<b>{escape(name)}</b>{mark}<br>"
                + " ".join(f"<span>{part}</span>" for part in _scores(row).split(" · ")),
            )
        )
    remarks = "".join(f'<p class="size">{escape(remark)}</p>\n' for remark in source.remarks)
    return (
        f'<section class="picture" id="p{number}" '
        f'style="--ratio: {source.width} / {source.height}">\n<h3>{escape(source.stem)}</h3>\n'
        f'<p class="size">{source.width} × {source.height} pixels</p>\n{remarks}'
        f'<div class="strip">\n{"".join(strip)}</div>\n'
        f'<div class="grid">\n{"".join(grid)}</div>\n</section>\n'
    )


def _figure(path, alt, name, scores, caption):
    data = base64.b64encode(read_bytes(path)).decode()
    return (
        f'<figure data-name="{escape(name)}" data-scores="{escape(scores)}">'
        f'<button type="button"><img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}" '
        f'loading="lazy" decoding="async"></button><figcaption>{caption}</figcaption></figure>\n'
    )


def _scores(row):
    shown = (
        ("Q", "Q"),
        ("S", "S"),
        ("N", "N"),
        ("FSITM", "FSITM"),
        ("colour", "colour_correlation"),
    )
    return " · ".join(f"{name} {_score(row[key])}" for name, key in shown)


def _score(value):
    return "NaN" if math.isnan(value) else f"{value:.3f}"


def _ev(ev):
    return f"{ev:+d} EV".replace("-", "−") if ev else "0 EV"
