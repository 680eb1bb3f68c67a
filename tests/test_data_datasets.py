import numpy as np
import pytest
import tensorflow as tf
from helpers.shards import PREPARATION, patches, write

from data.datasets import steps_per_epoch, training_batches
from data.preparation.prepare import split
from data.records.index import patch_shapes, read_index


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


def test_a_strategy_shards_the_batches_of_one_machine(tmp_path):
    """What tf.distribute does to the dataset on each of two machines."""
    info = records(tmp_path, "dual", count=12)
    whole = training_batches(info, "bot", 4, 0, 0)
    seen = []
    for index in range(2):
        variant = tf.raw_ops.AutoShardDataset(
            input_dataset=tf.data.experimental.to_variant(whole.rebatch(2)),
            num_workers=2,
            index=index,
            num_replicas=2,
            auto_shard_policy=whole.options().experimental_distribute.auto_shard_policy.value,
            output_types=[tf.float32] * 2,
            output_shapes=[tf.TensorShape(None)] * 2,
        )
        part = tf.data.experimental.from_variant(variant, whole.rebatch(2).element_spec)
        seen.append([y.numpy() for _, y in part])
        assert [len(batch) for batch in seen[-1]] == [2, 2, 2]
    batches = [np.concatenate(halves) for halves in zip(*seen, strict=True)]
    assert samples_of(batches) == samples_of(epoch_order(info, "bot"))


def test_records_of_another_size_are_an_error(tmp_path):
    info = records(tmp_path, "dual")
    for size in ((8, 24), (32, 24), (16, 32)):
        other = info._replace(shapes=patch_shapes("dual", size, 3))
        with pytest.raises(tf.errors.InvalidArgumentError, match="not a packed array of"):
            epoch_order(other, "high")
