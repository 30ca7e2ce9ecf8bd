"""AutoAugment and its kin, perspective and elastic: torchvision's pictures from the same draws."""

import re

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn.transforms import draws
from tests.transforms import make_drawn as reference

T = mt.transforms
STORED = np.load(reference.PATH)


@pytest.fixture
def streamed(monkeypatch):
    """A function that puts a Stream in the place of our random numbers."""

    def start(seed):
        stream = reference.Stream(seed)
        fakes = {
            "integer": lambda low, high: stream.integers(low, high, 1)[0],
            "integers": lambda high, count: stream.integers(0, high, count),
            "uniforms": lambda shape: mt.from_numpy(stream.uniforms(*shape)),
            "shares": lambda numbers: stream.shares(len(numbers)),
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(draws, name, fake)

    return start


@pytest.mark.parametrize("kind", ["pil", "tensor"])
@pytest.mark.parametrize("name", reference.TRANSFORMS)
def test_the_same_draws_give_torchvisions_pictures(streamed, name, kind):
    streamed(list(reference.TRANSFORMS).index(name))
    transform = reference.TRANSFORMS[name](T)
    if kind == "pil":
        got = reference.results(transform, Image.fromarray(reference.SMOOTH), np.asarray)
    else:
        image = mt.from_numpy(reference.SMOOTH.transpose(2, 0, 1).copy())
        got = reference.results(
            transform, image, lambda x: np.ascontiguousarray(x.numpy().transpose(1, 2, 0))
        )
    expected = STORED[f"{name} {kind}"]
    # Tensors that are sheared between pixels differ by a level in a few of them.
    np.testing.assert_allclose(got[:, 1:], expected[:, 1:], atol=0.15)
    exact = kind == "pil" and "augmix" not in name
    assert (got[:, 0] == expected[:, 0]).mean() > (0.8 if exact else 0.4)


def test_policies_are_all_there():
    for policy in T.AutoAugmentPolicy:
        transform = T.AutoAugment(policy)
        assert len(transform.policies) == 25
        assert all(0 <= p <= 1 for pair in transform.policies for _, p, _ in pair)
        assert re.match(r"AutoAugment\(policy=AutoAugmentPolicy\.\w+, fill=None\)", repr(transform))


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: T.AutoAugment("imagenet"), ValueError, "imagenet"),
        (lambda: T.AugMix(severity=11), ValueError, "11"),
        (lambda: T.ElasticTransform(alpha="1"), TypeError, "alpha"),
        (lambda: T.ElasticTransform(sigma=[1.0, 2.0, 3.0]), ValueError, "sigma"),
        (lambda: T.ElasticTransform(sigma=[1, 2]), TypeError, "sigma"),
        (lambda: T.LinearTransformation(mt.ones(2, 3), mt.ones(2)), ValueError, "square"),
        (lambda: T.LinearTransformation(mt.ones(2, 2), mt.ones(3)), ValueError, "length 3"),
        (lambda: T.LinearTransformation(mt.eye(3), mt.ones(3))(mt.ones(1, 2, 2)), ValueError, "4"),
        (lambda: T.functional.perspective(mt.ones(1, 2, 2), [[0, 0]], []), ValueError, "four"),
        (lambda: T.functional.elastic_transform(mt.ones(1, 2, 2), None), TypeError, "displacement"),
        (
            lambda: T.functional.elastic_transform(mt.ones(1, 2, 2), mt.ones(1, 2, 3, 2)),
            ValueError,
            r"\(1, 2, 2, 2\)",
        ),
    ],
)
def test_errors(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_batch_of_augmix_has_its_own_parts():
    mt.manual_seed(0)
    image = mt.from_numpy(reference.SMOOTH.transpose(2, 0, 1).copy())
    mixed = T.AugMix()(mt.stack([image, image]))
    assert mixed.shape == (2, 3, 48, 40) and not mixed[0].equal(mixed[1])


def test_augmix_adds_up_in_float32(monkeypatch):
    """As in torch: the sum is cut to integers, where the last bit of a weight shows."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(T.AugMix, "_distort", lambda self, image, name, strength: image)
    image = mt.arange(256).to(mt.uint8).view(1, 16, 16)
    differ = []
    for seed in range(20):
        mt.manual_seed(seed)
        torch.manual_seed(seed)
        own, parts = torch._sample_dirichlet(torch.ones(2)), torch._sample_dirichlet(torch.ones(3))
        x = torch.from_numpy(image.numpy()).float()
        mixed = own[0] * x + parts[0] * own[1] * x + parts[1] * own[1] * x + parts[2] * own[1] * x
        differ.append((T.AugMix()(image).numpy() != mixed.to(torch.uint8).numpy()).sum())
    assert differ == [0] * 20


def test_what_is_drawn_follows_manual_seed():
    for draw in (
        lambda: draws.integer(0, 1000),
        lambda: draws.integers(1000, 3),
        lambda: draws.uniforms((2, 2)).tolist(),
        lambda: draws.between(1.0, 3.0),
        lambda: draws.shares([1.0, 2.0]),
    ):
        mt.manual_seed(5)
        first = draw()
        assert draw() != first
        mt.manual_seed(5)
        assert draw() == first
