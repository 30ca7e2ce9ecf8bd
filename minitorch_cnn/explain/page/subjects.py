"""A network and a picture for a page, whatever they are given as.

A network: a Module, the name of one of `models` or of a function of one's own, a checkpoint of the
examples, or nothing: then one that comes along, trained. A picture: a file, a PIL image, an array
or a tensor. What the network is fed is prepared as its weights want it.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ... import backend, hub, models, nn
from ...io import UNREADABLE, open_picture
from ...models.weights import IMAGENET_MEAN, IMAGENET_STD
from ...ops import tensor
from ...tensor import Tensor
from ...transforms.functional import center_crop, resize
from ..subject import MEAN, STD, Subject, Trained, builtin_picture, load_subject
from .untrained import quick_weights, untrained

LARGEST = 512  # a picture of more pixels on a side is made smaller, to
USUAL = 224
MOST = 1024  # pixels that one may ask for: beyond, a page takes minutes
HUGE, FEWER = 190_000_000, 128  # a network of more weights that nobody has trained, its pixels


def subject_of(
    model: nn.Module | str | os.PathLike | None = None,
    image: Any = None,
    classes: Sequence[str] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    size: int | None = None,
    weights: Any = None,
) -> Subject:
    """See `write_page`. weights: of a network given by name, see `named_network`.

    >>> subject = subject_of(models.lenet5(), classes=["a"] * 10, size=28)
    >>> subject.x.shape, subject.name
    (minitorch_cnn.Size([1, 1, 28, 28]), 'crescent (built-in picture 11)')
    """
    if size is not None and not 1 <= size <= MOST:
        raise ValueError(f"size must be from 1 to {MOST} pixels, got {size}")
    transforms = None
    options: dict[str, Any] = {}
    known: tuple[Any, ...] = (None, None, None, None)
    if model is None:
        name = "SHAPES" if image is None else "CIFAR10"  # photographs
        model, weights = "cifar_resnet20", name
    if isinstance(model, str) and not _is_name(model) and not _is_file(model):
        names = models.list_models()
        ends = [each for each in names if each.endswith(model)]
        near = ends or difflib.get_close_matches(model, names, 3)
        raise ValueError(
            f"{model!r} is neither a file nor a network of minitorch_cnn.models nor module:function"
            + (f"; did you mean {', '.join(near)}?" if near else "")
        )
    if isinstance(model, str | os.PathLike) and weights is None and not _is_name(os.fspath(model)):
        if _is_picture(image):
            return load_subject(model, image)
        trained = load_subject(model).trained
        known = (trained.classes, trained.mean, trained.std, trained.image_size)
        model, options = trained.model, trained.config
    elif isinstance(model, str | os.PathLike):
        name = os.fspath(model)
        model, transforms, known = named_network(name, weights)
        options = {"arch": name} if weights is not None else {}
    else:
        options = {"arch": type(model).__name__}
    if not isinstance(model, nn.Module):
        raise TypeError(f"a page is made of a Module or the name of one, got {model!r:.80}")
    if any(each is not None for each in (mean, std, size)):
        transforms = None
    classes = known[0] if classes is None else classes
    mean, std = known[1] if mean is None else mean, known[2] if std is None else std
    size = known[3] if size is None else size
    channels, axes = input_form(model)
    means, stds = _per_channel(mean, 0.0, channels), _per_channel(std, 1.0, channels)
    if 0 in stds:
        raise ValueError(f"std divides the pixels: it must not be 0, got {stds}")
    if axes == 2:
        x, name = prepare(image, channels, means, stds, size, transforms)
    else:
        x, name = prepare_other(image, channels, axes, size)
    if x.shape[1] != channels:  # a tensor, of which nothing is known
        channels = x.shape[1]
        means, stds = (0.0,) * channels, (1.0,) * channels
    parameter = next(model.parameters(), None)
    if parameter is not None and parameter.is_floating_point():
        x = x.to(parameter.device, parameter.dtype)
    trained = Trained(
        model, list(classes or ()), channels, x.shape[-1], means, stds, [], x.shape[-1], [], options
    )
    return Subject(trained, _as_picture(x, means, stds), x, name)


def _is_picture(image: Any) -> bool:
    return image is None or (isinstance(image, str | os.PathLike) and not _is_array(image))


def _is_array(image: Any) -> bool:
    """Whether it is a file with an array, which the network takes as it is."""
    return isinstance(image, str | os.PathLike) and Path(image).suffix == ".npy"


def _is_name(text: str) -> bool:
    """Whether it names a network, and not a file."""
    return not Path(text).exists() and (":" in text or text in models._api.BUILDERS)


def _is_file(text: str) -> bool:
    """Whether it looks like a file, which may be missing."""
    return Path(text).exists() or bool(Path(text).suffix) or len(Path(text).parts) > 1


def named_network(name: str, weights: Any = None) -> tuple[nn.Module, Any, tuple]:
    """A network by name: (network, what prepares its pictures, (classes, mean, std, size)).

    name: one of `models.list_models()`, or "module:function", whose module is looked for as Python
    does, in the current folder first; the function makes the network, or it is one. weights: None,
    the name of published weights such as "DEFAULT", or a file with a state dict.

    Raises ValueError for a name that is unknown, FileNotFoundError for a file that is not there.
    """
    file = isinstance(weights, os.PathLike) or str(weights).endswith(models._api.FILE_ENDINGS)
    if file and not Path(weights).exists():
        raise FileNotFoundError(f"there is no file of weights {weights}")
    if ":" in name:
        model = _own_network(name)
        if weights is not None:
            if not file:
                raise ValueError(f"--weights of {name} must be a file of weights, got {weights!r}")
            model.load_state_dict(_state_of(weights))
        return model, None, (None, None, None, None)
    published = models._api.WEIGHTS.get(name)
    state = _state_of(weights) if file else None
    # Without weights nothing is to be downloaded, not a part of the network either.
    place = models.get_model_builder(name).__module__
    parts = ".segmentation." in place
    random: dict[str, Any] = {"weights_backbone": None} if parts else {}
    pixels = USUAL  # nobody has trained a network without weights for larger pictures
    if weights is None and published and published.DEFAULT.meta["num_params"] > HUGE:  # type: ignore[attr-defined]
        pixels = FEWER
        if place.endswith("vision_transformer"):  # takes one size, a multiple of its patches'
            patch = int(name.rpartition("_")[2])
            random["image_size"] = pixels = FEWER // patch * patch
    if state is not None:
        rows = list(state.values())[-1].shape[0]  # the last layer's bias: one for each class
        with quick_weights():
            model = models.get_model(name, num_classes=rows, **random)
        model.load_state_dict(state)
    elif weights is not None:
        if published is None:
            raise ValueError(f"there are no published weights for {name}; give a file")
        try:
            member = published.verify(weights)
        except KeyError as error:
            raise ValueError(error.args[0]) from None
        model = models.get_model(name, weights=member)
    else:
        model = untrained(lambda: models.get_model(name, **random))
        # The head of a ViT begins with zeros: its answer and all gradients would be 0.
        with quick_weights():
            for module in model.modules():
                if isinstance(module, nn.Linear) and not module.weight.any():
                    nn.init.xavier_uniform_(module.weight)
    if published is None:  # the networks for pictures of CIFAR's size
        return model, None, (None, MEAN, STD, 32)
    if parts:  # takes pictures of any size; the one of its training makes a slow page
        return model, None, (None, IMAGENET_MEAN, IMAGENET_STD, USUAL)
    member = published.DEFAULT if weights is None or file else published.verify(weights)  # type: ignore[attr-defined]
    classes = member.meta.get("categories") if weights is not None and not file else None
    if "image_size" in member.meta:
        preset: Any = member.meta
        size = preset["image_size"]
        mean, std = preset["mean"], preset["std"]
    else:
        preset = member.transforms()
        mean, std = preset.mean, preset.std
        (size,) = preset.crop_size
    if weights is None and size > pixels:
        return model, None, (None, mean, std, pixels)
    return model, member.transforms(), (classes, mean, std, size)


def _own_network(name: str) -> nn.Module:
    """What module:function makes."""
    module_name, _, function = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"there is no module {module_name!r} here: {error}") from error
    for part in function.split("."):
        if not hasattr(found, part):
            raise ValueError(f"the module {module_name!r} has no {function!r}")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise ValueError(f"{name} must be a Module or a function, got {found!r:.80}")
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise ValueError(f"{name} must work without arguments: {error}") from None
    model = found()
    if not isinstance(model, nn.Module):
        raise ValueError(f"{name} gives {model!r:.80}, not a Module")
    return model


def _state_of(path: Any) -> dict[str, Tensor]:
    """The state dict in a file; also where it is one entry of a training's checkpoint."""
    state = hub.read_state_dict(path)
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(state.get(key), dict):
            state = state[key]
    return state


def input_form(model: nn.Module) -> tuple[int, int]:
    """How many channels and axes the network's pictures have: those of its first convolution.

    >>> input_form(nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU())), input_form(nn.Flatten())
    ((1, 3), (3, 2))
    """
    for module in model.modules():
        for axes, kind in enumerate((nn.Conv1d, nn.Conv2d, nn.Conv3d), 1):
            if isinstance(module, kind):
                return module.in_channels, axes
    return 3, 2


def _per_channel(values: Any, otherwise: float, channels: int) -> tuple[float, ...]:
    if values is None:
        return (otherwise,) * channels
    values = tuple(values) if isinstance(values, Sequence) else (float(values),)
    values = values * channels if len(values) == 1 else values
    if len(values) != channels:
        raise ValueError(f"mean and std must have {channels} numbers, one a channel, got {values}")
    return values


def prepare(
    image: Any,
    channels: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    size: int | None,
    transforms: Any,
) -> tuple[Tensor, str]:
    """What the network is fed, float32 (1, C, H, W), and the picture's name."""
    ready = _ready(image, 2)
    if ready is not None:
        return ready
    picture, name = _open(image, channels, size)
    if transforms is not None:
        return transforms(picture).unsqueeze(0), name
    if size is not None or max(picture.size) > LARGEST:
        picture = center_crop(resize(picture, size or USUAL), size or USUAL)
    pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), np.float32) / 255
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if pixels.shape[2] != channels:
        raise ValueError(
            f"the network takes {channels} channels, the picture has {pixels.shape[2]}: give a "
            "tensor (C, H, W) of floats"
        )
    pixels = (pixels - np.array(mean, np.float32)) / np.array(std, np.float32)
    return tensor(np.ascontiguousarray(pixels.transpose(2, 0, 1))[np.newaxis]), name


def _load(path: Any) -> np.ndarray:
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"cannot read the array {path}: {error}") from error
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{path} must have numbers, got {array.dtype}")
    return array


FORMS = {1: ("signal", "(C, L)"), 2: ("picture", "(C, H, W)"), 3: ("volume", "(C, D, H, W)")}


def _ready(image: Any, axes: int) -> tuple[Tensor, str] | None:
    """A tensor of floats, or a file with one, as (1, C, ...); None if it is something else."""
    name = "a tensor"
    if _is_array(image):
        name = Path(image).name
        array = _load(image)
        if array.dtype == np.uint8 and axes == 2:
            return None
        image = tensor(array.astype(np.float32))
    if not isinstance(image, Tensor) or not image.is_floating_point():
        return None
    x = image.detach()
    x = x.unsqueeze(0) if x.ndim == axes + 1 else x
    if x.ndim != axes + 2 or x.shape[0] != 1:
        kind, form = FORMS[axes]
        raise ValueError(f"a {kind} is {form} or (1, {form[1:]}, got {tuple(image.shape)}")
    return x, name


def prepare_other(image: Any, channels: int, axes: int, size: int | None) -> tuple[Tensor, str]:
    """What a network for signals or volumes is fed, float32 (1, C, L) or (1, C, D, H, W).

    Without an image two tones of 128 samples, or a picture that moves through eight slices.
    """
    kind, form = FORMS[axes]
    if image is None and axes == 1:
        times = np.arange(size or 128)
        rows = [np.sin(times * (n + 1) / 9) * np.cos(times / 31) for n in range(channels)]
        return tensor(np.array([rows], np.float32)), "a built-in signal"
    if image is None:
        pixels, name = builtin_picture(size or 32, 3)
        frame = pixels.mean(2) / np.float32(255)
        clip = np.stack([np.roll(frame, 2 * n, 1) for n in range(8)])
        x = np.broadcast_to(clip.astype(np.float32), (1, channels, *clip.shape))
        return tensor(np.array(x)), f"{name}, moving"
    ready = _ready(image, axes)
    if ready is None:
        raise ValueError(
            f"the network takes a {kind} {form}: give a tensor of floats of this shape, or a .npy "
            f"file with one; got {image!r:.80}"
        )
    return ready


def _open(image: Any, channels: int, size: int | None) -> tuple[Image.Image, str]:
    """The picture, and what it is called."""
    if image is None:
        pixels, name = builtin_picture(size or 64, 3)
        return Image.fromarray(pixels), name
    if _is_array(image):
        image = _load(image)
    if isinstance(image, str | os.PathLike):
        try:
            return open_picture(image, "RGB", upright=True), Path(image).name
        except UNREADABLE as error:
            raise ValueError(f"cannot read the picture: {error}") from error
    if isinstance(image, Image.Image):
        return image.convert("RGB"), Path(getattr(image, "filename", "") or "a picture").name
    if isinstance(image, Tensor):
        array = backend.to_numpy(image.array)
        array = array[0] if array.ndim == 4 and len(array) == 1 else array
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    else:
        array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise ValueError(
            "a picture is a file, a PIL image, an array (H, W, C) of uint8, a tensor (C, H, W) of "
            f"uint8 or, as the network takes it, of floats; got {array.dtype} {array.shape}"
        )
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return Image.fromarray(array).convert("RGB"), "a picture"


def _as_picture(x: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """What the network is fed, as a picture uint8 (H, W, 1 or 3) to look at."""
    numbers = backend.to_numpy(x.array)[0].astype(np.float64)
    if numbers.ndim == 4:  # of a volume the slice in the middle
        numbers = numbers[:, numbers.shape[1] // 2]
    if numbers.ndim == 2:  # of a signal all channels, as rows
        numbers, mean, std = numbers[np.newaxis], mean[:1], std[:1]
    pixels = numbers.transpose(1, 2, 0)
    pixels = pixels * np.array(std) + np.array(mean)
    if pixels.min() < -0.01 or pixels.max() > 1.01:  # prepared in another way
        pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-12)
    pixels = pixels if pixels.shape[2] in (1, 3) else pixels.mean(2, keepdims=True)
    return np.clip(np.round(pixels * 255), 0, 255).astype(np.uint8)
