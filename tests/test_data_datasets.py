import numpy as np
import pytest
import tensorflow as tf
from helpers.shards import PREPARATION, SIZE, packed

from data.datasets import steps_per_epoch, training_batches
from data.records.index import read_index
from data.records.packed_samples import unpack_sample
from data.records.schema import patch_shapes
from data.records.writer import ShardWriter


def records(folder, kind, count=11, shards=3):
    with ShardWriter(folder / "x_.json", kind, SIZE, PREPARATION, 1, shards) as writer:
        for number in range(count):
            writer.write(f"{number}", packed(kind, number))
    return read_index(folder / "x_.json", kind)


def originals(kind, name, count=11):
    arrays = {n: np.empty(shape, "f4") for n, shape in patch_shapes(kind, SIZE, 3).items()}
    found = []
    for number in range(count):
        unpack_sample(packed(kind, number), arrays, PREPARATION)
        found.append(arrays[name].tobytes())
    return found


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
def test_batches(tmp_path, stage, kind):
    info = records(tmp_path, kind)
    names = {"source": "hdr" if stage == "ft" else f"hdr_{stage}"}
    if stage == "ft":
        names |= {"high": "hdr_high", "bot": "hdr_bot"}
    truth = "sdr" if stage == "ft" else f"sdr_{stage}"
    numbers = {sample: number for number, sample in enumerate(originals(kind, truth))}
    seen = []
    for inputs, ground_truth in training_batches(info, stage, 4, 0, 0):
        assert set(inputs) == set(names)
        for place, sample in enumerate(ground_truth.numpy()):
            seen.append(numbers[sample.tobytes()])
            for name, array in names.items():
                assert inputs[name][place].numpy().tobytes() == originals(kind, array)[seen[-1]]
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
        rest = epoch_order(info, "ft", skip=skip)
        assert samples_of(whole[skip:]) == samples_of(rest)


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
    info = info._replace(shapes=patch_shapes("dual", (8, 24), 3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="are packed here"):
        epoch_order(info, "high")
