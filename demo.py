"""Tone-map HDR pictures in the browser, on this machine.

    pip install -r requirements-demo.txt
    python demo.py               then open http://localhost:7860

Drop HDR files of up to 200 MB and 16 megapixels: IQATM's picture stands beside a plain exposure
and Reinhard's global operator. Only this machine can open the page. A tab holds its latest 8
pictures; temporary files go when it is closed or after ten minutes, and when the program ends.
"""

import html
import importlib.util
import os
import shutil
import signal
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from configs.command_line import make_parser, run, settings
from configs.stage_settings import operator_settings
from data.pictures import HDR_SUFFIXES, read_hdr_with_remarks, write_sdr
from inference import load_operator
from inference.strength import blend
from metrics.operators.classical import reinhard_global
from metrics.operators.common import encode, log_average, scaled
from metrics.pair import reduced
from system.errors import InputError, naming

MAX_MEGABYTES, MAX_MEGAPIXELS = 200, 16
MAX_PICTURES = 8  # of a tab
VIEW_SIDE = 1024  # pixels of the views; downloads have the full size
MIDDLE_GRAY = 0.18  # what the log-average is exposed to at 0 EV
CLEANING = 60, 540  # seconds between two cleanings, and of age

network_in_use = threading.Lock()


class Picture(NamedTuple):
    """H×W×3 arrays: an exposure in linear light of a view's size, and two uint8 pictures."""

    exposed: np.ndarray
    reinhard: np.ndarray
    ours: np.ndarray

    def blended(self, strength):
        """Return uint8 codes between Reinhard's at strength 0 and ours at 1."""
        return blend(self.reinhard, self.ours, strength)


def tone_map(path, operator):
    """Return (Picture, sentences on what is odd) of an HDR file; InputError: it cannot be used."""
    with naming(path, "python test.py --test_resize_to_half"):
        rgb, remarks = read_hdr_with_remarks(path)
        if rgb.size > 3e6 * MAX_MEGAPIXELS:
            raise InputError(f"has more than {MAX_MEGAPIXELS} megapixels; use test.py")
        view, luminance = scaled(reduced(rgb, VIEW_SIDE))
        exposed = (view * (MIDDLE_GRAY / log_average(luminance))).astype(np.float32)
        with network_in_use:
            ours = operator(rgb)
        picture = Picture(exposed, reinhard_global(rgb), ours)
    return picture, [f"{path}: {remark}" for remark in remarks]


def make_page(operator, folder):
    """Return the gradio.Blocks that show what an operator makes; downloads lie in `folder`."""
    import gradio as gr

    tabs = {}  # of the session: of the file's name: Picture

    def add(paths, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        pictures = tabs.setdefault(request.session_hash, {})
        for path in progress.tqdm(paths, "tone mapping"):
            name = Path(path).name
            pictures.pop(name, None)
            try:
                pictures[name], remarks = tone_map(path, operator)
            except InputError as error:
                remarks = [str(error)]
            for remark in remarks:
                gr.Warning(html.escape(remark.replace(str(path), name)), duration=None)
            for oldest in list(pictures)[:-MAX_PICTURES]:
                del pictures[oldest]
        return None, gr.Dropdown(list(pictures), value=next(reversed(pictures), None))

    def show(name, ev, strength, ending, request: gr.Request):
        picture = tabs.get(request.session_hash, {}).get(name)
        if picture is None:
            return None, None, None, gr.DownloadButton(interactive=False)
        result = picture.blended(strength)
        path = folder / request.session_hash / f"{Path(name).stem}.{ending}"
        path.parent.mkdir(exist_ok=True)
        write_sdr(path, result)
        exposed = encode(picture.exposed * 2.0**ev)
        shown = [reduced(view, VIEW_SIDE) for view in (exposed, picture.reinhard, result)]
        return *shown, gr.DownloadButton(value=path, interactive=True)

    def close(request: gr.Request):
        tabs.pop(request.session_hash, None)
        shutil.rmtree(folder / request.session_hash, ignore_errors=True)

    with gr.Blocks(title="IQATM", analytics_enabled=False, delete_cache=CLEANING) as page:
        limits = f"up to {MAX_MEGABYTES} MB and {MAX_MEGAPIXELS} megapixels"
        gr.Markdown(f"# IQATM\nScene-linear pictures ({', '.join(HDR_SUFFIXES)}), {limits}.")
        files = gr.File(label="HDR files", file_count="multiple", height=120)
        with gr.Row():
            chosen = gr.Dropdown([], label="Picture")
            ev = gr.Slider(-8, 8, 0, step=0.5, label="Exposure of the plain picture (EV)")
            strength = gr.Slider(0, 1, 1, step=0.05, label="Strength (0: Reinhard, 1: IQATM)")
            ending = gr.Radio(["jpg", "png"], value="jpg", label="Format of the download")
        with gr.Row():
            view = partial(gr.Image, format="png", interactive=False, buttons=["fullscreen"])
            views = [view(label=title) for title in ("Exposure", "Reinhard 2002 global", "IQATM")]
        download = gr.DownloadButton("Download IQATM's picture", interactive=False)
        ways = show, [chosen, ev, strength, ending], [*views, download]
        files.upload(add, files, [files, chosen], concurrency_limit=2).then(*ways)
        changes = [chosen.input, ev.release, strength.release, ending.input]
        gr.on(changes, *ways, trigger_mode="always_last", show_progress="hidden")
        page.unload(close)
    return page


def main(argv=None):
    """Serve the page until Ctrl-C."""
    parser = make_parser(__doc__, {})
    parser.add_argument("--port", type=int, default=7860, help="another port than 7860")
    args = parser.parse_args(argv)
    config = settings(args, {})
    if importlib.util.find_spec("gradio") is None:
        raise InputError("gradio is missing; pip install -r requirements-demo.txt")
    operator = load_operator(**operator_settings(config))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # removes the folder, too
    with tempfile.TemporaryDirectory(prefix="iqatm_") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        page = make_page(operator, Path(folder))
        launch = partial(page.launch, max_file_size=f"{MAX_MEGABYTES}mb", run_history=False)
        try:
            launch(server_name="127.0.0.1", server_port=args.port, footer_links=[])
        except (OSError, OverflowError) as error:
            raise InputError(f"port {args.port} cannot be used; name another: --port N") from error
    return 0


if __name__ == "__main__":
    run(main)
