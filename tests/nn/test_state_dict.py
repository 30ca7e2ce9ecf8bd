"""Reading state dicts of older versions."""

import pytest

from minitorch_cnn import nn


def test_batch_norm_loads_files_older_than_its_count_of_batches():
    layer = nn.Sequential(nn.BatchNorm2d(2))
    layer[0].num_batches_tracked.fill_(5)
    old = {name: value for name, value in layer.state_dict().items() if "batches" not in name}
    layer.load_state_dict(old)
    assert layer[0].num_batches_tracked.item() == 5
    new = layer.state_dict()
    del new["0.num_batches_tracked"]  # a file that knows of it, and lacks it
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        layer.load_state_dict(new)
