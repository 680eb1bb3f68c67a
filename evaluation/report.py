"""report.html: tables and pictures of an evaluation in one file that needs no other."""

import base64
import json
import math
from html import escape
from pathlib import Path

from evaluation.scoring import EXPOSURES_EV, exposure_path, picture_path
from evaluation.table import LEGEND, best
from metrics.scores import broken_guards
from system.atomic import replacing
from system.files import read_bytes

PAGE = Path(__file__).parent / "page.html"
CAPTION_SCORES = {  # heading, key of the row
    **{"Q": "Q", "S": "S", "N": "N", "FSITM": "FSITM", "JOD": "JOD"},
    **{"distortion": "contrast_distortion", "colour": "colour_correlation"},
}
SORT_KEYS = ("Q", "JOD", "contrast_distortion", "guards_broken")  # what page.html sorts by


def write_report(path, intro, summary, notes, sources, rows, folder):
    """Write the report and return its bytes.

    Args:
        path: of the file.
        intro: a sentence on what was compared.
        summary: evaluation.table.Tables.
        notes: sentences on what is missing.
        sources: evaluation.scoring.Sources, in order.
        rows: dicts with evaluation.scoring.FIELDS, the methods in order.
        folder: of the pictures that evaluation.scoring wrote.

    Raises:
        InputError: the file cannot be written, or a picture is gone.
    """
    page = PAGE.read_text("utf-8").replace("<!--INTRO-->", escape(intro))
    tables = [*map(_table, summary), f'<p class="legend">{escape(LEGEND.strip())}</p>']
    if notes:
        items = "\n".join(f"<li>{escape(note)}</li>" for note in notes)
        tables.append(f'<h2>Missing</h2>\n<ul class="missing">\n{items}\n</ul>')
    page = page.replace("<!--TABLES-->", "\n".join(tables))
    before, after = page.split("<!--PICTURES-->")
    index = "\n".join(
        f'<li><a href="#p{number}">{escape(source.stem)}</a></li>'
        for number, source in enumerate(sources)
    )
    with replacing(path) as file:
        # Piece by piece: the pictures of a large set would fill the memory.
        file.write(_bytes(before))
        file.write(_bytes(f"<details><summary>Go to a picture</summary>\n<ul>\n{index}\n</ul>"))
        file.write(_bytes("</details>\n"))
        for number, source in enumerate(sources):
            of_source = [row for row in rows if row["picture"] == source.stem]
            file.write(_bytes(_section(number, source, of_source, folder)))
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


def _section(number, source, rows, folder):
    strip, grid = [], []
    # A score that no picture has was not measured.
    shown = {h: k for h, k in CAPTION_SCORES.items() if not all(math.isnan(r[k]) for r in rows)}
    for ev in EXPOSURES_EV:
        text = f"{ev:+d} EV".replace("-", "−") if ev else "0 EV"
        path = exposure_path(folder, source.stem, ev)
        alt = f"{source.stem}, HDR source at {text}"
        strip.append(_figure(path, alt, f"HDR {text}", "", text, {}))
    winners = best(rows)
    for row in rows:
        name = row["method"]
        scores = [f"{head} {_score(row[key])}" for head, key in shown.items()]
        broken = broken_guards(row)
        scores.append(f"guards broken: {', '.join(broken) or 'none'}")
        values = {key: None if math.isnan(row[key]) else row[key] for key in SORT_KEYS}
        mark = '<span class="best">best Q</span>' if row in winners and not broken else ""
        spans = " ".join(f"<span>{score}</span>" for score in scores)
        caption = f"<b>{escape(name)}</b>{mark}<br>{spans}"
        path = picture_path(folder, name, source.stem)
        alt = f"{source.stem}, tone-mapped by {name}"
        grid.append(_figure(path, alt, name, " · ".join(scores), caption, values))
    remarks = "".join(f'<p class="size">{escape(remark)}</p>\n' for remark in source.remarks)
    return (
        f'<section class="picture" id="p{number}" '
        f'style="--ratio: {source.width} / {source.height}">\n<h3>{escape(source.stem)}</h3>\n'
        f'<p class="size">{source.width} × {source.height} pixels</p>\n{remarks}'
        f'<div class="sides">\n<div class="strip">\n{"".join(strip)}</div>\n'
        f'<div class="grid">\n{"".join(grid)}</div>\n</div>\n</section>\n'
    )


def _figure(path, alt, name, scores, caption, values):
    data = base64.b64encode(read_bytes(path)).decode()
    return (
        f'<figure data-name="{escape(name)}" data-scores="{escape(scores)}" '
        f'data-values="{escape(json.dumps(values))}">'
        f'<button type="button"><img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}" '
        f'loading="lazy" decoding="async"></button><figcaption>{caption}</figcaption></figure>\n'
    )


def _score(value):
    return "NaN" if math.isnan(value) else f"{value:.3f}"
