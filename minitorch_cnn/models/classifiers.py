"""Networks of `models` as classifiers of one's own pictures: any name, any number of classes.

names()                                               what there is to choose from
build_classifier("resnet18", 3)                       new weights
build_classifier("resnet18", 3, weights="DEFAULT")    published ones, with a new last layer
build_classifier("resnet18", 3, weights="runs/a")     those of a training run, the same way
"""

from __future__ import annotations

import inspect
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .. import nn
from ..autograd.modes import no_grad
from ..kernels import kernel_tier
from ..ops import zeros
from ..random import get_rng_state, set_rng_state
from ._api import BUILDERS, get_model, get_model_weights, list_models
from .weights import IMAGENET_MEAN, IMAGENET_STD


def names() -> list[str]:
    """All networks of `models` that tell classes apart (those for segmentation do not).

    >>> "resnet18" in names(), "fcn_resnet50" in names()
    (True, False)
    """
    return [name for name in list_models() if ".segmentation." not in BUILDERS[name].__module__]


def check_name(name: str) -> None:
    """Raises ValueError for a network that is not there; it names the nearest ones.

    >>> check_name("resnet81")
    Traceback (most recent call last):
    ValueError: there is no network 'resnet81': did you mean resnet18, resnet152, resnet101?
    """
    known = names()
    if name not in known:
        near = get_close_matches(name, known, 3)
        hint = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(known)}"
        raise ValueError(f"there is no network {name!r}: {hint}")


def takes_any_channels(name: str) -> bool:
    """Whether the network is made for a number of channels; torchvision's want three.

    >>> takes_any_channels("lenet5"), takes_any_channels("resnet18")
    (True, False)
    """
    return "in_channels" in inspect.signature(BUILDERS[name]).parameters


def published_weights(name: str, weights: Any) -> Any:
    """The member of the network's enum that `weights` names; None for None and for files.

    Raises ValueError for a name that is not there.
    """
    if weights is None or is_file(weights):
        return None
    try:
        return get_model_weights(name).verify(weights)
    except KeyError as error:
        raise ValueError(f"{error.args[0]}, and there is no such file") from None


def is_file(weights: str | os.PathLike) -> bool:
    """Whether weights are a file or a folder: by their name, or since there is one.

    >>> is_file("DEFAULT"), is_file("my/weights.pth")
    (False, True)
    """
    path = Path(weights)
    return bool(path.suffix) or len(path.parts) > 1 or path.exists()


def usual_channels(name: str, weights: Any, channels: int) -> int:
    """How many channels the network gets for images that have `channels`: 1 or 3.

    >>> usual_channels("lenet5", None, 1), usual_channels("resnet18", None, 1)
    (1, 3)
    """
    published = published_weights(name, weights)
    fixed = {} if published is None else published.meta.get("arguments", {})
    return int(fixed.get("in_channels", channels if takes_any_channels(name) else 3))


def usual_size(name: str, weights: Any = None) -> int:
    """Height and width of the images that the network, or its weights, are made for.

    >>> usual_size("cifar_resnet20"), usual_size("resnet18"), usual_size("inception_v3")
    (32, 224, 299)
    """
    published = published_weights(name, weights)
    if published is not None:
        return int(published.meta.get("image_size") or published.transforms().crop_size[0])
    if takes_any_channels(name):
        return 32
    return 299 if name == "inception_v3" else 224


def usual_statistics(name: str, weights: Any = None) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, for values of 0..1, as the weights want them;
    without published weights, ImageNet's."""
    published = published_weights(name, weights)
    if published is None:
        return list(IMAGENET_MEAN), list(IMAGENET_STD)
    if "mean" in published.meta:
        return list(published.meta["mean"]), list(published.meta["std"])
    prepare = published.transforms()
    return list(prepare.mean), list(prepare.std)


def build_classifier(
    name: str,
    num_classes: int,
    in_channels: int = 3,
    image_size: int | None = None,
    weights: Any = None,
) -> nn.Module:
    """The network `name` for (N, in_channels, image_size, image_size) -> (N, num_classes).

    weights: None for random ones; the name of published ones, "DEFAULT"; a file of them, or a
    training run's folder. Where they are of other classes, the last layer is a new one. Auxiliary
    classifiers are left out. Raises ValueError for an unknown network or weights, and for weights
    of another network.

    >>> build_classifier("cifar_resnet20", num_classes=3).fc
    Linear(in_features=64, out_features=3, bias=True)
    """
    check_name(name)
    published = published_weights(name, weights)
    arguments: dict[str, Any] = {}
    if takes_any_channels(name):
        arguments["in_channels"] = in_channels
    elif in_channels != 3:
        raise ValueError(f"{name} takes images of 3 channels, got {in_channels}")
    if name == "lenet5":
        arguments["padding"] = 2 if image_size == 28 else 0
    if name in ("googlenet", "inception_v3"):  # published or not, they see images the same way
        arguments.update(aux_logits=False, transform_input=True, init_weights=published is None)
    if published is not None:
        arguments.update(weights=published, **published.meta.get("arguments", {}))
    else:
        arguments["num_classes"] = num_classes
        if name.startswith("vit_") and image_size:
            arguments["image_size"] = image_size
    model = get_model(name, **arguments)
    if num_classes != _classes_of(last_layer(model)):
        replace_last_layer(model, num_classes)
    if weights is not None and published is None:
        _fill(model, weights)
    return model


def last_layer(model: nn.Module) -> nn.Module:
    """The layer that gives one score for each class: the last Linear, or Conv2d (SqueezeNet's).

    >>> last_layer(build_classifier("squeezenet1_1", 7))
    Conv2d(512, 7, kernel_size=(1, 1), stride=(1, 1))
    """
    return [each for each in model.modules() if isinstance(each, nn.Linear | nn.Conv2d)][-1]


def _classes_of(layer: Any) -> int:
    return int(layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)


def replace_last_layer(model: nn.Module, num_classes: int) -> nn.Module:
    """Puts a new, untrained last layer into the network, with a score for each class; returns it.

    >>> model = build_classifier("cifar_resnet20", 10)
    >>> replace_last_layer(model, 2) is model.fc
    True
    """
    old: Any = last_layer(model)
    if isinstance(old, nn.Linear):
        new: nn.Module = nn.Linear(old.in_features, num_classes)
    else:
        new = nn.Conv2d(old.in_channels, num_classes, old.kernel_size)
    places = [
        (module, name)
        for module in model.modules()
        for name, child in module.named_children()
        if child is old
    ]
    for module, name in places:
        setattr(module, name, new)
    return new


def _fill(model: nn.Module, weights: str | os.PathLike) -> None:
    """Loads a file of weights, but for a last layer of other classes."""
    from .. import hub  # here, since models without weights need no files

    path = Path(weights) / "best.npz" if os.path.isdir(weights) else Path(weights)
    saved = hub.read_state_dict(path)
    if {"config", "model"} <= set(saved):  # a training run's checkpoint
        saved = saved["model"]
    own = model.state_dict()
    last = last_layer(model)
    (place,) = [name for name, module in model.named_modules() if module is last]
    for name, value in own.items():
        fits = name in saved and saved[name].shape == value.shape
        if name.rpartition(".")[0] == place:
            own[name] = saved[name] if fits else value
        elif fits:
            own[name] = saved[name]
        else:
            found = list(saved[name].shape) if name in saved else "nothing"
            raise ValueError(
                f"the weights in {path} are of another network: {name} is {list(value.shape)}, "
                f"and the file has {found}"
            )
    model.load_state_dict(own)


def check_size(name: str, model: nn.Module, in_channels: int, image_size: int) -> None:
    """Sends one black image through the network, to say now what the first step would.

    Raises ValueError for (in_channels, image_size, image_size) that the network does not take.

    >>> check_size("lenet5", build_classifier("lenet5", 2), 3, 20)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: lenet5 does not take images of 3x20x20; another --image-size may do (...)
    """
    was_training, state = model.training, get_rng_state()
    device = next(model.parameters()).device
    try:
        with no_grad(), kernel_tier("array"):
            model.eval()(zeros(1, in_channels, image_size, image_size, device=device))
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"{name} does not take images of {in_channels}x{image_size}x{image_size}; another "
            f"--image-size may do ({error})"
        ) from error
    finally:
        model.train(was_training)
        set_rng_state(state)
