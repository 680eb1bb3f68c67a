"""Render the project's own HDR pictures, dataset/test/*.hdr.

The pictures are computed, not photographed, so they can be shipped and rendered again: the
same seed and number of samples gives the same file.
"""

import argparse
from pathlib import Path

import numpy as np
from scenes import chapel, interior, night_street, sunset
from scenes.colour import luminance_stops
from scenes.render import render, write_hdr
from tqdm import tqdm

SCENES = {  # module and default samples per pixel
    "interior": (interior, 24),
    "chapel": (chapel, 28),
    "night_street": (night_street, 32),
    "sunset": (sunset, 20),
}


def main(arguments=None):
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--scene", choices=SCENES, help="render only this one")
    parser.add_argument(
        "--width",
        type=int,
        default=768,
        help="pixels, a multiple of 24; the height is two thirds of it",
    )
    parser.add_argument(
        "--samples", type=int, help="paths per pixel; by default what the scene needs, 20 to 32"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).parent / "test",
        help="folder for the .hdr files; by default test beside this script",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    options = parser.parse_args(arguments)
    if options.width <= 0 or options.width % 24:
        parser.error("--width must be a positive multiple of 24")
    if options.samples is not None and options.samples <= 0:
        parser.error("--samples must be positive")
    for name in [options.scene] if options.scene else SCENES:
        module, default = SCENES[name]
        width, height = options.width, options.width // 3 * 2
        scene = module.build()
        samples = options.samples or default
        with tqdm(total=samples, desc=name, unit="pass") as bar:
            image = render(scene, width, height, samples, options.seed, bar.update)
        if not np.isfinite(image).all() or image.min() < 0:
            raise RuntimeError(f"{name}: the rendering has negative or non-finite samples")
        path = options.output / f"{name}.hdr"
        write_hdr(path, image)
        print(
            f"{path}: {width}x{height}, {luminance_stops(image):.1f} stops, "
            f"{path.stat().st_size / 1e6:.2f} MB"
        )


if __name__ == "__main__":
    main()
