"""export.py on tiny pictures, its parts, and the exported graph against this code."""

import importlib.util
import json
import re

import cv2
import numpy as np
import pytest
import tensorflow as tf
from conftest import GOLDEN, ROOT, run_script, scene
from helpers.hdr_files import write_hdr

import export
from data.pictures.sanitize import clean
from data.preparation import normalize, pyramid
from data.preparation.prepare import Preparation, prepare_picture
from inference import load_operator
from inference.operator import Operator
from models.display import Display
from portable import graph
from portable.check import compare, parts_of
from portable.formats import FORMATS
from portable.graph import portable_operator
from system.errors import InputError

PUBLISHED = GOLDEN / "ftlayer"  # says nothing of its preparation: any will do
HAS_ONNX = all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnxruntime"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_hdr(folder / "scene.hdr", scene(99, 118))
    # The radius of the display's guided filter is larger than the smallest picture compared.
    radius = "test.display_guided=70"
    options = ("--output", folder / "out", "--check", folder, "--set", radius)
    formats = ("--formats", "savedmodel,onnx,tflite")
    return folder, run_script("export.py", *options, *formats)


@pytest.mark.script
def test_writes_and_checks_every_format(exported):
    folder, outcome = exported
    names = ["savedmodel", "onnx", "tflite"] if HAS_ONNX else ["savedmodel", "tflite"]
    assert outcome.returncode == (0 if HAS_ONNX else 1), outcome.stderr
    report = json.loads((folder / "out" / "export.json").read_text())
    assert list(report["formats"]) == ["this code", *names]
    sizes = [(row["height"], row["width"]) for row in report["pictures"]]
    assert sizes == [(99, 118), (67, 89), (63, 63)]
    for name in names:
        row = report["formats"][name]
        assert row["largest_difference"] <= 1 and row["differing_share"] < 0.01
        assert 0.3e6 < row["bytes"] < 2e6  # 61,113 weights of four bytes and the graph
        assert (folder / "out" / row["file"]).exists()
        assert f"\n{name} " in outcome.stdout
    left = {path.name for path in (folder / "out").iterdir()}
    assert left == {"export.json", *(report["formats"][name]["file"] for name in names)}


@pytest.mark.script
def test_files_mend_samples_as_the_reader_does(exported):
    picture = scene(64, 72)
    broken = picture.copy()
    broken[3, :4, 0] = np.nan, np.inf, -np.inf, -1
    picture[3, :4, 0] = 0, clean(broken)[0].max(), 0, 0
    for path in (exported[0] / "out").glob("iqatm*"):
        (form,) = (form for form in FORMATS.values() if form.name == path.name)
        run, _ = form.load(path)
        np.testing.assert_array_equal(run(broken), run(picture))
        assert run(picture).std() > 20
        assert not run(np.full_like(picture, np.nan)).any()


@pytest.mark.script
@pytest.mark.filterwarnings("ignore")  # of the interpreter's end
def test_one_size_and_float16_weights_without_custom_operators(tmp_path):
    write_hdr(tmp_path / "scene.hdr", scene(70, 80))
    options = ("--formats", "tflite_float16", "--output", tmp_path, "--check", tmp_path)
    options += ("--size", "64x72", "--set", f"model.ckp_path_ft={PUBLISHED}")
    outcome = run_script("export.py", *options)
    assert outcome.returncode == 0, outcome.stderr
    path = tmp_path / "iqatm_64x72_float16.tflite"
    report = json.loads((tmp_path / "export.json").read_text())
    assert report["size"] == [64, 72]
    assert report["formats"]["tflite_float16"]["largest_difference"] <= 1
    interpreter = tf.lite.Interpreter(str(path))
    operators = {step["op_name"] for step in interpreter._get_ops_details()}
    assert "CONV_2D" in operators
    assert not [name for name in operators if "Flex" in name or "CUSTOM" in name.upper()]
    shapes = {tuple(tensor["shape_signature"]) for tensor in interpreter.get_tensor_details()}
    assert (1, 64, 72, 3) in shapes and not any(-1 in shape for shape in shapes)
    kinds = {tensor["dtype"] for tensor in interpreter.get_tensor_details()}
    assert np.float16 in kinds


@pytest.mark.parametrize(
    ("size", "says"), [("8x9x", "write it as HEIGHTxWIDTH"), ("64x48", "at least 56 pixels")]
)
def test_other_sizes_are_one_sentence(size, says, tmp_path):
    outcome = run_script("export.py", "--size", size, "--output", tmp_path)
    assert outcome.returncode == 2 and not list(tmp_path.iterdir())
    assert says in outcome.stderr and outcome.stderr.count("\n") == 1


@pytest.mark.script
@pytest.mark.skipif(not HAS_ONNX, reason="the packages for export are not installed")
def test_snippets_of_the_documentation_run(exported, tmp_path, monkeypatch):
    operator = load_operator(display_settings={"display_guided": 70})
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "export").symlink_to(exported[0] / "out")
    (tmp_path / "dataset" / "test").mkdir(parents=True)
    write_hdr(tmp_path / "dataset" / "test" / "interior.hdr", scene(50, 61))
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "export.md").read_text("utf-8")
    names: dict = {}
    snippets = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert len(snippets) == 5
    for snippet in snippets:
        names.pop("picture", None)
        exec(snippet, names)
        if "picture" in names:
            expected = operator(names["linear_rgb"][0])[:50, :61].astype(int)
            assert names["picture"].shape == (50, 61, 3)
            assert np.abs(names["picture"] - expected).max() <= 1


@pytest.mark.script
@pytest.mark.skipif(HAS_ONNX, reason="the packages for ONNX are installed")
def test_says_what_to_install(exported):
    assert exported[1].stderr.splitlines()[0] == (
        "skipped: onnx needs tf2onnx and onnxruntime; pip install -r requirements-export.txt"
    )


@pytest.mark.script
def test_unknown_format_is_one_sentence():
    outcome = run_script("export.py", "--formats", "tflite,onyx")
    assert outcome.returncode == 2
    assert outcome.stderr == (
        "export.py: --formats tflite,onyx: 'onyx' is none of savedmodel, onnx, tflite, "
        "tflite_float16\n"
    )


def test_unreadable_pictures_are_named_and_skipped(tmp_path, capsys):
    small, good = tmp_path / "small.npy", tmp_path / "good.npy"
    np.save(good, scene(20, 20))
    np.save(small, scene(5, 5))

    def here(picture):
        if len(picture) < 10:
            raise InputError("too few pixels")
        return np.uint8(picture * 0)

    missing = InputError("missing.hdr: cannot be read")
    results, skipped = export.checked([missing, small, good], here, {"copy": here}, 1)
    assert skipped == 2 and [row["height"] for row in results] == [20, 15]
    assert capsys.readouterr().err == (
        f"skipped: missing.hdr: cannot be read\nskipped: {small}: too few pixels\n"
    )

    def too_large(picture):
        raise MemoryError

    with pytest.raises(InputError, match="no picture was compared"):
        export.checked([good], too_large, {"copy": here}, 1)
    assert capsys.readouterr().err == (
        f"skipped: {good}: does not fit into the memory; try a smaller one with --check\n"
    )
    with pytest.raises(InputError, match="no picture was compared"):
        export.checked([missing], here, {"copy": here}, 1)


def test_a_format_that_is_off_fails(capsys):
    assert export.verdict({"this code": {}, "onnx": {"largest_difference": 2}}, False) == 0
    assert export.verdict({"this code": {}, "onnx": {"largest_difference": 2}}, True) == 1
    assert export.verdict({"tflite": {"largest_difference": 3}}, False) == 1
    assert capsys.readouterr().err == "tflite differs from this code by more than 2 grey levels\n"


VARIANTS = [
    (Preparation("gamma", "bilateral", False, 3), Display()),
    # The filter's radius is larger than the smallest picture.
    (Preparation("linear", "gaussian", True, 2), Display("clip", "source", 1.3, 40)),
    (Preparation("linear", "bilateral", True, 4), Display("minmax", "source")),
    (Preparation("gamma", "gaussian", False, 1), Display("clip", "network")),
]


def this_code(operator, display):
    operator.display = display

    def here(picture):
        layers = prepare_picture(picture, operator.preparation)
        return operator.to_display(operator.pictures(layers)["output"], layers)

    return here


def picture(height, width):
    noise = np.random.default_rng(width).uniform(0.7, 1.3, (height, width, 3))
    return (scene(height, width) * noise).astype("f4")


@pytest.mark.script
@pytest.mark.parametrize(("preparation", "display"), VARIANTS[:2])
def test_whole_operator_equals_this_code(preparation, display):
    operator = Operator(PUBLISHED, preparation)
    whole = portable_operator(operator.network, preparation, display).tone_map
    run = {"graph": lambda x: whole(tf.constant(x[None]))["display_rgb"].numpy()[0]}
    here = this_code(operator, display)
    for part in parts_of(picture(155, 170), preparation.level_num):
        _, outcomes = compare(part, here, run, 0)
        assert outcomes["graph"].largest <= 1 and outcomes["graph"].share < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("preparation", "display"), VARIANTS)
def test_every_format_of_every_variant(name, preparation, display, tmp_path):
    form = FORMATS[name]
    if form.missing():
        pytest.skip(f"{form.missing()} not installed (requirements-export.txt)")
    operator = Operator(PUBLISHED, preparation)
    form.write(portable_operator(operator.network, preparation, display), tmp_path / form.name)
    run, _ = form.load(tmp_path / form.name)
    here = this_code(operator, display)
    for part in parts_of(picture(301, 400), preparation.level_num):
        _, outcomes = compare(part, here, {name: run}, 0)
        share = 0.5 if "float16" in name else 0.02
        assert outcomes[name].largest <= 1 and outcomes[name].share < share


def test_sizes_are_whole_odd_and_least():
    picture = np.zeros((512, 768, 3), np.float32)
    assert [part.shape[:2] for part in parts_of(picture, 3)] == [(512, 768), (341, 577), (63, 63)]
    assert [part.shape[:2] for part in parts_of(picture[:60, :90], 3)] == [(60, 90)]


def test_differences_and_times():
    picture = np.full((4, 5, 3), 0.5, np.float32)

    def here(image):
        return np.uint8(image * 100)

    def brighter(image):
        codes = here(image)
        codes[0, 0] += 3
        return codes

    runtimes = {"same": here, "brighter": brighter, "cropped": lambda image: here(image)[1:]}
    seconds, outcomes = compare(picture, here, runtimes, 2)
    assert seconds > 0 and all(outcome.seconds > 0 for outcome in outcomes.values())
    assert outcomes["same"][:2] == (0, 0)
    assert outcomes["brighter"][:2] == (3, 3 / 60)
    assert outcomes["cropped"][:2] == (255, 1)
    assert compare(picture, here, runtimes, 0)[0] is None


def numpy_way(image, domain, step):
    return normalize.normalize_hdr_with_offset(normalize.crop_to_multiple(image, step), domain)


def keras_way(image, domain, step):
    cropped = graph.crop_to_multiple(image[None], step)
    normalized, black_offset = graph.normalize_hdr_with_offset(cropped, domain)
    return normalized.numpy()[0], float(black_offset)


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize(("height", "width", "step"), [(101, 75, 8), (64, 96, 8), (59, 58, 2)])
def test_equals_data_normalize(height, width, step, domain):
    noise = np.random.default_rng(height).uniform(0.5, 1.5, (height, width, 3)).astype("f4")
    image = 1e4 * scene(height, width) * noise
    (expected, black_offset), (found, same) = (
        numpy_way(image, domain, step),
        keras_way(image, domain, step),
    )
    assert expected.shape == found.shape and expected.max() == 1
    # The limit is the same sample: as many are clipped.
    assert (expected == 1).sum() == (found == 1).sum() >= int(expected.size * 0.003)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)
    assert black_offset > 0 and same == pytest.approx(black_offset, rel=1e-6)


@pytest.mark.parametrize("background", [0, 1e-9, 3])
@pytest.mark.parametrize("light", [0, 50])
def test_a_small_light_and_a_flat_picture_as_in_data_normalize(background, light):
    image = np.full((64, 64, 3), background, "f4")
    image[30:33, 40:42] += light
    (expected, black_offset), (found, same) = (
        way(image, "gamma", 8) for way in (numpy_way, keras_way)
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)
    assert expected.any() == (light > 0) and same == pytest.approx(black_offset, rel=1e-6)


def test_clips_nothing_in_the_smallest_pictures():
    image = np.arange(16 * 6 * 3, dtype=np.float32).reshape(1, 16, 6, 3)  # k = 0
    np.testing.assert_array_equal(graph.clip_highlights(image), image)
    image = np.arange(16 * 14 * 3, dtype=np.float32).reshape(1, 16, 14, 3)  # k = 2
    assert np.max(graph.clip_highlights(image)) == image.max() - 1


def test_counts_as_the_original_does():
    # Multiples of 24,000 samples are those where int(count * 0.003) could round another way.
    for count in range(24_000, 2**31, 24_000 * 101):
        assert int(count * 0.003) == count // 1000 * 3 + count % 1000 * 3 // 1000


def edges_picture(height, width, seed=0):
    """Noise, hard edges and a slope in [0, 1]."""
    generator = np.random.default_rng(seed)
    noise = generator.random((height, width, 3), dtype="f4")
    edges = np.repeat(generator.random((height, width, 1)) > 0.5, 3, axis=2)
    slope = np.linspace(0, 1, width, dtype="f4")[:, None]
    return np.where(slope < 0.3, noise, np.where(slope < 0.6, edges, slope)).astype("f4")


@pytest.mark.parametrize(("low", "tolerance"), [(0, 5e-7), (-1, 4e-6)])
def test_bilateral_filter_is_opencvs(low, tolerance):
    image = low + (1 - low) * edges_picture(61, 90)
    expected = cv2.bilateralFilter(image, 5, 75, 75)
    found = graph.bilateral_filter(image[None])[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    # It is no plain mean of the neighbours: that is 200 times farther off.
    disc = np.array([[x * x + y * y <= 4 for x in range(-2, 3)] for y in range(-2, 3)], "f4")
    assert np.abs(cv2.filter2D(image, -1, disc / disc.sum()) - expected).max() > 1e-4


@pytest.mark.parametrize(("height", "width"), [(40, 64), (7, 9)])
def test_pyr_down_is_opencvs(height, width):
    image = edges_picture(height, width)
    np.testing.assert_allclose(
        graph.pyr_down(image[None])[0], cv2.pyrDown(image), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("decompose_filter", ["bilateral", "gaussian"])
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("level_num", [1, 3, 4])
def test_layers_equal_data_pyramid(decompose_filter, fuse, level_num):
    image = edges_picture(7 * 2**level_num, 9 * 2**level_num, level_num)
    expected = pyramid.decompose(image, decompose_filter, fuse, level_num)
    found = graph.decompose(image[None], decompose_filter, fuse, level_num)
    for layer, same in zip(expected, found, strict=True):
        assert same.shape == (1, *layer.shape)
        np.testing.assert_allclose(same[0], layer, rtol=0, atol=2e-6)
