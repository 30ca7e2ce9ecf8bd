"""Maxima with their places, under the names that torch has for them."""

import pytest

import minitorch_cnn as mt

CASES = [
    ("adaptive_max_pool1d", (2, 3, 7), (3,)),
    ("adaptive_max_pool2d", (2, 3, 7, 5), ((3, None),)),
    ("adaptive_max_pool3d", (2, 5, 6, 7), (2,)),
    ("fractional_max_pool2d", (1, 2, 7, 6), (2, 3)),
    ("fractional_max_pool3d", (1, 2, 7, 6, 5), (2, None, 0.5)),
]


@pytest.mark.parametrize("name, shape, arguments", CASES, ids=str)
def test_values_and_places_are_torchs(name, shape, arguments):
    torch = pytest.importorskip("torch")
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    samples = torch.rand(*shape[:2], len(shape) - 2, dtype=torch.float64)
    found = []
    for lib in (mt, torch):
        more = {}
        if "fractional" in name:
            more["_random_samples"] = lib.tensor(samples.numpy())
        function = getattr(lib.nn.functional, f"{name}_with_indices")
        y, places = function(lib.tensor(values.numpy()), *arguments, **more)
        found.append((y.tolist(), places.tolist()))
    assert found[0] == found[1]


def test_a_change_of_the_indices_is_found_in_backward():
    shapes = {1: (1, 2, 4), 2: (1, 2, 4, 4), 3: (1, 2, 4, 4, 4)}
    for dims, shape in shapes.items():
        for name in (f"max_pool{dims}d", f"adaptive_max_pool{dims}d"):
            x = mt.randn(shape, requires_grad=True)
            y, indices = getattr(mt.nn.functional, name)(x, 2, return_indices=True)
            y.sum().backward(retain_graph=True)
            assert (x.grad.sum() == y.numel()).item(), name
            indices.add_(1)
            with pytest.raises(RuntimeError, match="modified by an inplace"):
                y.sum().backward()
