import numpy as np
import pytest
import tensorflow as tf
from helpers.shards import PREPARATION, patches, write

from data.datasets import full_batches, steps_per_epoch, training_batches
from data.preparation.prepare import split
from data.records.index import patch_shapes, read_index
from system.errors import InputError


def records(folder, kind, count=11, shards=3):
    return read_index(write(folder / "x_.json", kind, count, shards), kind)


def prepared(stage, count=11):
    """What preparation makes for a stage of each pair of patches, without rounding."""
    for hdr, sdr in map(patches, range(count)):
        (high, bot), (sdr_high, sdr_bot) = (split(patch, PREPARATION) for patch in (hdr, sdr))
        yield {
            "high": {"source": high, "ground_truth": sdr_high},
            "bot": {"source": bot, "ground_truth": sdr_bot},
            "ft": {"source": hdr, "high": high, "bot": bot, "ground_truth": sdr},
        }[stage]


def epoch_order(info, stage, **changes):
    arguments = {"batch_size": 4, "seed": 0, "epoch": 0, **changes}
    return [y.numpy() for _, y in training_batches(info, stage, **arguments)]


def samples_of(batches):
    return [sample.tobytes() for batch in batches for sample in batch]


@pytest.mark.parametrize(
    ("records", "batch", "steps"),
    [(1952, 4, 488), (1952, 32, 61), (1952, 8, 244), (9, 4, 2), (11, 4, 3), (1, 8, 1)],
)
def test_steps_per_epoch(records, batch, steps):
    assert steps_per_epoch(records, batch) == steps


@pytest.mark.parametrize(("stage", "kind"), [("high", "dual"), ("bot", "dual"), ("ft", "ft")])
def test_the_batches_are_what_preparation_makes(tmp_path, stage, kind):
    info = records(tmp_path, kind)
    exact, seen = list(prepared(stage)), []
    for inputs, ground_truth in training_batches(info, stage, 4, 0, 0):
        arrays = {**inputs, "ground_truth": ground_truth}
        for sample in range(len(ground_truth)):
            off = [np.abs(e["ground_truth"] - ground_truth[sample]).max() for e in exact]
            seen.append(int(np.argmin(off)))
            for name, array in exact[seen[-1]].items():
                read = arrays[name][sample].numpy()
                assert read.shape == array.shape and read.dtype == np.float32
                assert np.abs(read.astype("f8") - array).max() <= 1 / 65535, name
            assert arrays.keys() == exact[0].keys()
    assert sorted(seen) == list(range(11)) and seen != sorted(seen)
    assert [len(batch) for batch in epoch_order(info, stage)] == [4, 4, 3]


def test_the_order_is_new_each_epoch_and_repeats_with_the_seed(tmp_path):
    info = records(tmp_path, "dual")
    first, again, later, other = (
        b"".join(samples_of(epoch_order(info, "bot", epoch=e, seed=s)))
        for e, s in ((0, 0), (0, 0), (1, 0), (0, 1))
    )
    assert first == again
    assert len({first, later, other}) == 3


def test_the_order_does_not_depend_on_the_shards(tmp_path):
    orders = [
        samples_of(epoch_order(records(tmp_path / f"{shards}", "dual", shards=shards), "bot"))
        for shards in (1, 2, 5, 16)
    ]
    assert all(order == orders[0] for order in orders[1:])


def test_skip_goes_on_within_the_epoch(tmp_path):
    info = records(tmp_path, "ft")
    whole = epoch_order(info, "ft")
    for skip in (1, 2):
        later = epoch_order(info, "ft", skip=skip)
        assert samples_of(whole[skip:]) == samples_of(later)


def test_each_worker_reads_its_own_shards_alone(tmp_path):
    info = records(tmp_path, "dual", count=13, shards=5)  # 3 + 3 + 3 + 2 + 2 records
    seen = []
    for worker in range(2):
        for shard in info.shards:
            shard.path.rename(shard.path.with_suffix(".away"))
        for shard in info.shards[worker::2]:
            shard.path.with_suffix(".away").rename(shard.path)
        part = epoch_order(info, "bot", worker=worker, workers=2)
        assert [len(batch) for batch in part] == [2] * full_batches(info, 4, 2) == [2, 2]
        rest = epoch_order(info, "bot", worker=worker, workers=2, skip=1)
        assert samples_of(rest) == samples_of(part[1:])
        seen += samples_of(part)
        for shard in info.shards[worker::2]:
            shard.path.rename(shard.path.with_suffix(".away"))
        for shard in info.shards:
            shard.path.with_suffix(".away").rename(shard.path)
    assert len(set(seen)) == 8
    assert set(seen) <= set(samples_of(epoch_order(info, "bot", batch_size=13)))


@pytest.mark.parametrize(
    ("count", "shards", "workers", "message"),
    [(8, 2, 4, "lie in 2 files, which 4 workers"), (5, 4, 4, "one of 4 workers has 1 patches")],
)
def test_too_little_for_all_workers_is_one_sentence(tmp_path, count, shards, workers, message):
    info = records(tmp_path, "dual", count=count, shards=shards)
    with pytest.raises(InputError, match=message):
        full_batches(info, 8, workers)


def test_records_of_another_size_are_an_error(tmp_path):
    info = records(tmp_path, "dual")
    for size in ((8, 24), (32, 24), (16, 32)):
        other = info._replace(shapes=patch_shapes("dual", size, 3))
        with pytest.raises(tf.errors.InvalidArgumentError, match="not a packed array of"):
            epoch_order(other, "high")
