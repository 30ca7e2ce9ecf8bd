"""transforms.v2: torchvision's samples from the same draws, and what a sample may be."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import tv_tensors
from minitorch_cnn.transforms import draws, v2
from tests.transforms import make_drawn, make_v2 as reference

F = v2.functional
STORED = np.load(reference.PATH)
OURS = SimpleNamespace(
    v2=SimpleNamespace(**{name: getattr(v2, name) for name in v2.__all__}, float32=mt.float32),
    tv_tensors=tv_tensors,
    tensor=mt.from_numpy,
)


@pytest.fixture
def streamed(monkeypatch):
    """A function that puts a Stream in the place of our random numbers."""

    def start(seed):
        stream = make_drawn.Stream(seed)
        fakes = {
            "integer": lambda low, high: stream.integers(low, high, 1)[0],
            "uniforms": lambda shape: mt.from_numpy(stream.uniforms(*shape)),
            "shares": lambda numbers: stream.shares(len(numbers)),
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(draws, name, fake)

    return start


@pytest.mark.parametrize("pil", [False, True])
@pytest.mark.parametrize("name", reference.CASES)
def test_samples_are_torchvisions(streamed, name, pil):
    streamed(list(reference.CASES).index(name))
    found = reference.outcome(OURS, name, pil)
    for part, got in enumerate(found):
        expected = STORED[f"{name} {pil} {part}"]
        assert got.shape == expected.shape, part
        # uint8 images that are computed otherwise in v2 differ by a level.
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1.01 if part == 0 else 2e-4)


@pytest.mark.parametrize("name", reference.MIXING)
def test_batches_are_mixed_as_torchvisions(streamed, name):
    streamed(list(reference.MIXING).index(name))
    for part, got in enumerate(reference.mixed(OURS, name, 0)):
        np.testing.assert_allclose(got, STORED[f"{name} {part}"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "transform",
    [
        v2.RandomCrop(16, padding=2),
        v2.RandomResizedCrop(20),
        v2.RandomHorizontalFlip(),
        v2.RandomRotation(40),
        v2.RandomAffine(30, (0.2, 0.2), (0.8, 1.2), 10),
        v2.RandomPerspective(p=0.7, interpolation="nearest"),
        v2.ElasticTransform(10.0, 1.0),
    ],
    ids=lambda each: type(each).__name__,
)
def test_mask_and_image_are_moved_alike(transform):
    mt.manual_seed(0)
    mask = mt.from_numpy(reference.MASK)
    image = tv_tensors.Image(mt.stack([mask * 255] * 3))
    state = mt.get_rng_state()
    differing = []
    for _ in range(8):
        moved, flat = transform(image, tv_tensors.Mask(mask))
        assert type(moved) is tv_tensors.Image and type(flat) is tv_tensors.Mask
        assert moved.shape[1:] == flat.shape and set(flat.unique().tolist()) <= {0, 1}
        # The image may be mixed between pixels, where the mask takes the nearest.
        differing.append(((moved[0] > 127) != (flat > 0)).float().mean().item())
    assert max(differing) < 0.25
    mt.set_rng_state(state)
    alone = [transform(image) for _ in range(8)]
    assert len({each.numpy().tobytes() for each in alone}) > 1  # it is random
    assert alone[-1].equal(moved)  # and draws as often for several as for one


def test_what_counts_as_the_image():
    flip = v2.RandomHorizontalFlip(1.0)
    first, second = mt.tensor([[[1, 2]]]), mt.tensor([[[3, 4]]])
    a, b = flip(first, second)
    assert a.tolist() == [[[2, 1]]] and b is second
    a, b = flip(first, tv_tensors.Image(second))
    assert a is first and b.tolist() == [[[4, 3]]]
    picture = Image.new("L", (2, 1))
    a, b = flip((picture, first))
    assert b is first and a.size == (2, 1)
    assert flip({"x": first, "n": [5, "text", None]})["n"] == [5, "text", None]


def test_a_transform_of_ones_own():
    class Shift(v2.Transform):
        def make_params(self, flat_inputs):
            return {"by": len(flat_inputs)}

        def transform(self, inpt, params):
            return inpt + params["by"]

    assert Shift()(mt.zeros(1, 1, 1)).item() == 1
    assert repr(Shift()) == "Shift()"


def test_to_dtype_by_kinds():
    sample = tv_tensors.Image(mt.tensor([[[255]]], dtype=mt.uint8)), tv_tensors.Mask([[7]])
    image, mask = v2.ToDtype(mt.float32, scale=True)(*sample)
    assert image.tolist() == [[[1.0]]] and mask.dtype is mt.int64
    kinds = {tv_tensors.Image: mt.float64, "others": mt.uint8}
    image, mask = v2.ToDtype(kinds)(*sample)
    assert image.dtype is mt.float64 and mask.dtype is mt.uint8 and image.item() == 255
    assert type(mask) is tv_tensors.Mask
    with pytest.raises(ValueError, match="Mask"):
        v2.ToDtype({tv_tensors.Image: mt.float64})(*sample)


def test_a_usual_pipeline():
    pipeline = v2.Compose(
        [
            v2.ToImage(),
            v2.RandomResizedCrop(16, antialias=True),
            v2.AutoAugment(interpolation="bilinear"),
            v2.RandomChoice([v2.Identity(), v2.ColorJitter(0.4, 0.4, 0.4, 0.1)]),
            v2.RandomOrder([v2.RandomGrayscale(), v2.GaussianBlur(3)]),
            v2.RandomChannelPermutation(),
            v2.ToDtype(mt.float32, scale=True),
            v2.GaussianNoise(),
            v2.Normalize(mean=[0.5] * 3, std=[0.25] * 3),
            v2.RandomErasing(1.0),
            v2.ToPureTensor(),
        ]
    )
    image, label = pipeline(Image.fromarray(reference.PICTURE), 4)
    assert type(image) is mt.Tensor and image.shape == (3, 16, 16) and label == 4
    assert image.dtype is mt.float32 and "RandomErasing(p=1.0" in repr(pipeline)
    assert v2.ToPILImage()(v2.PILToTensor()(Image.new("RGB", (3, 2)))).size == (3, 2)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda x: v2.Compose([]), ValueError, "one transform"),
        (lambda x: v2.Compose(3), TypeError, "int"),
        (lambda x: v2.RandomApply([v2.Identity()], 2), ValueError, "2"),
        (lambda x: v2.RandomChoice([v2.Identity()], [1, 2]), ValueError, r"\[1, 2\]"),
        (lambda x: v2.ToDtype("float"), ValueError, "str"),
        (lambda x: v2.RandomZoomOut(side_range=(0.5, 1)), ValueError, "0.5"),
        (lambda x: v2.MixUp(num_classes=2)(x, mt.zeros(3)), ValueError, r"batch of 3.*\(1, 2, 2\)"),
        (lambda x: v2.MixUp()(x[None], mt.zeros(1)), ValueError, "num_classes must be passed"),
        (lambda x: v2.CutMix(num_classes=3)(x, mt.zeros(1, 2)), ValueError, "2 != 3"),
        (lambda x: v2.CutMix(num_classes=3)(x, 5), ValueError, "int"),
        (lambda x: v2.CutMix()(x, tv_tensors.Mask([[1]])), ValueError, "masks"),
        (lambda x: F.permute_channels(x, [0, 1]), ValueError, "2 != 1"),
        (lambda x: F.gaussian_noise(x, sigma=-1), ValueError, "-1"),
        (lambda x: F.to_image("x"), TypeError, "str"),
        (lambda x: tv_tensors.Image(mt.zeros(3)), ValueError, r"\(3,\)"),
        (lambda x: tv_tensors.Video(x), ValueError, r"\(1, 2, 2\)"),
        (
            lambda x: tv_tensors.BoundingBoxes(x, format="XYXY", canvas_size=(2, 2)),
            ValueError,
            r"\(1, 2, 2\)",
        ),
        (lambda x: v2.RandomPerspective(p=1)(boxes()), NotImplementedError, "perspective of boxes"),
        (lambda x: F.rotate(boxes(), 10, expand=True), NotImplementedError, "rotate of boxes"),
        (lambda x: v2.RandomIoUCrop(), NotImplementedError, "RandomIoUCrop is not supported"),
        (lambda x: F.resize_image(x, 2), NotImplementedError, "resize_image is not supported"),
        (lambda x: tv_tensors.KeyPoints(x), NotImplementedError, "KeyPoints is not supported"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(mt.zeros(1, 2, 2))


def boxes():
    return tv_tensors.BoundingBoxes([0, 0, 1, 1], format="XYXY", canvas_size=(2, 2))


def test_operations_give_plain_tensors():
    image = tv_tensors.Image(mt.zeros(3, 2, 2), dtype=mt.float64, requires_grad=True)
    assert type(image + 1) is mt.Tensor and image.requires_grad
    (image * 2).sum().backward()
    assert image.grad.sum() == 24
    wrapped = tv_tensors.wrap(boxes() * 2, like=boxes(), canvas_size=(4, 4))
    assert wrapped.canvas_size == (4, 4) and wrapped.format.name == "XYXY"
