"""Models by name, and their published weights.

    list_models()                          the names
    get_model("resnet18", num_classes=10)  the same as resnet18(num_classes=10)
    get_model_weights("resnet18")          the class ResNet18_Weights, an enum of its weights

A model's function gets all of this from one line, `@register_model(ResNet18_Weights)`.
"""

from __future__ import annotations

import fnmatch
import functools
import inspect
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from types import ModuleType
from typing import Any, TypeVar

from .. import nn

M = TypeVar("M", bound=nn.Module)
Builder = Callable[..., M]

FILE_ENDINGS = (".pth", ".pt", ".npz", ".safetensors")


class Meta(dict):
    """Facts about weights: num_params, num_classes, min_size (smallest image) and _metrics.

    Raises KeyError for another fact, NotImplementedError for "categories", the classes' names.

    >>> Meta(num_classes=1000)["num_classes"]
    1000
    """

    def __missing__(self, key: str) -> Any:
        if key == "categories":
            raise NotImplementedError(
                "meta['categories']: the names of ImageNet's classes are not part of "
                "minitorch_cnn; meta['num_classes'] is their number"
            )
        raise KeyError(key)


@dataclass
class Weights:
    """One file of weights: where it is, how its images are prepared, facts about it.

    transforms: a function that makes the preprocessing, ``weights.transforms()(image)``.
    meta: a `Meta`.

    >>> import minitorch_cnn as mt
    >>> weights = mt.models.ResNet18_Weights.IMAGENET1K_V1.value
    >>> weights.url
    'https://download.pytorch.org/models/resnet18-f37072fd.pth'
    >>> weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]  # percent
    69.758
    """

    url: str
    transforms: Callable[..., Any] = field(compare=False)
    meta: dict[str, Any]


class WeightsEnum(Enum):
    """The weights that were published for one model; the values are `Weights`.

    >>> import minitorch_cnn as mt
    >>> weights = mt.models.ResNet18_Weights.DEFAULT
    >>> weights
    ResNet18_Weights.IMAGENET1K_V1
    >>> weights.meta["num_params"]
    11689512
    >>> weights.transforms().crop_size
    [224]
    """

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """The member for `obj`: a member, its name (with or without the class's), or None.

        Raises KeyError for an unknown name, TypeError for anything else.
        """
        if obj is None or isinstance(obj, cls):
            return obj
        if not isinstance(obj, str):
            raise TypeError(
                f"Invalid Weight class provided; expected {cls.__name__} but received "
                f"{type(obj).__name__}."
            )
        name = obj.removeprefix(cls.__name__ + ".")
        if name not in cls.__members__:
            raise KeyError(f"{obj!r} is none of {cls.__name__}: {list(cls.__members__)}")
        return cls[name]

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The state dict, from the cache or the network: see `hub.load_state_dict_from_url`."""
        from .. import hub  # here, since models without weights need no downloads

        return hub.load_state_dict_from_url(self.url, *args, **kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    @property
    def url(self) -> str:
        return self.value.url

    @property
    def transforms(self) -> Callable[..., Any]:
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        return self.value.meta


class WeightsFile:
    """Weights in a file of your own, given as ``weights="path/to/file.pth"``.

    The model is made as its other arguments say, num_classes included.
    """

    meta: dict[str, Any] = {"num_classes": None}

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def get_state_dict(self, progress: bool = True, check_hash: bool = False) -> dict[str, Any]:
        """The state dict in the file; there is nothing to download or to compare."""
        from .. import hub

        return hub.read_state_dict(self.path)


# ---------------------------------------------------------------------------- registration

BUILDERS: dict[str, Builder] = {}
WEIGHTS: dict[str, type[WeightsEnum]] = {}


def register_model(
    weights: type[WeightsEnum] | None = None, name: str | None = None
) -> Callable[[Builder], Builder]:
    """Makes a function that builds a model known by its name.

    weights: the enum of the published weights. Then the function gets, as its argument `weights`, a
    member of this enum, a `WeightsFile` or None, whatever form its caller used.
    name: another name than the function's. Raises ValueError for a name that is taken.

    >>> @register_model(name="tiny_example")
    ... def tiny(num_classes=10):
    ...     return nn.Linear(4, num_classes)
    >>> get_model("tiny_example", num_classes=3)
    Linear(in_features=4, out_features=3, bias=True)
    >>> del BUILDERS["tiny_example"]
    """

    def register(builder: Builder) -> Builder:
        key = builder.__name__ if name is None else name
        if key in BUILDERS:
            raise ValueError(f"An entry is already registered under the name '{key}'.")
        if weights is not None:
            builder = _with_weights(builder, weights)
            WEIGHTS[key] = weights
        BUILDERS[key] = builder
        return builder

    return register


ARGUMENTS = """
    weights: a member of {}, or its name, such as "DEFAULT";
    the path of a file; or None, for random values. progress: show the download. All other arguments
    are the network's. Raises KeyError for an unknown name, TypeError for weights of another type,
    and ValueError for arguments for which they were not trained, such as another num_classes.
    """


def _with_weights(builder: Builder, published: type[WeightsEnum]) -> Builder:
    """`builder`, called with a member of `published` as `weights`.

    Its docstring gets the sentences about the arguments that all such functions share.
    """

    signature = inspect.signature(builder)
    keyword_only = next(iter(signature.parameters)) == "weights"  # as in torchvision

    @functools.wraps(builder)
    def build(*args: Any, **kwargs: Any) -> Any:
        if keyword_only:
            kwargs = _name_arguments(builder.__name__, args, kwargs)
            kwargs = _without_pretrained(kwargs, published)
        else:
            kwargs = signature.bind(*args, **kwargs).arguments
        weights: Any = kwargs.get("weights")
        if isinstance(weights, os.PathLike) or str(weights).endswith(FILE_ENDINGS):
            kwargs["weights"] = WeightsFile(weights)
        else:
            kwargs["weights"] = published.verify(weights)
            if weights is not None:
                for name, value in kwargs["weights"].meta.get("arguments", {}).items():
                    require(kwargs, name, value)
        return builder(**kwargs)

    own = builder.__doc__ or ""
    build.__doc__ = own.rstrip() + "\n" + ARGUMENTS.format(published.__name__)
    return build


def _name_arguments(function: str, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """resnet18(True, False), as it was written before torchvision 0.13, with names."""
    names = ("weights", "progress")
    if len(args) > len(names):
        raise TypeError(f"{function}() takes at most 2 positional arguments, got {len(args)}")
    for name, value in zip(names, args):
        if name in kwargs:
            raise TypeError(f"{function}() got multiple values for argument '{name}'")
        warnings.warn(
            f"{function}(): '{name}' as a positional parameter is deprecated, "
            f"write {name}={value!r}.",
            stacklevel=3,
        )
        kwargs[name] = value
    return kwargs


def _without_pretrained(kwargs: dict[str, Any], published: type[WeightsEnum]) -> dict[str, Any]:
    """pretrained=True, or a bool as weights, said as a member of the enum or None."""
    weights = kwargs.get("weights")
    old_name = "pretrained" in kwargs and "weights" not in kwargs
    if not old_name and not isinstance(weights, bool):
        return kwargs
    if old_name:
        pretrained = kwargs.pop("pretrained")
        warnings.warn(
            "The parameter 'pretrained' is deprecated, please use 'weights' instead.",
            stacklevel=3,
        )
    else:
        pretrained = weights
    # The weights that torchvision had when this parameter was made, not the best of today.
    kwargs["weights"] = published["IMAGENET1K_V1"] if pretrained else None
    hint = f", or weights={published.__name__}.DEFAULT for the best ones" if pretrained else ""
    warnings.warn(
        "Arguments other than a weight enum or `None` for 'weights' are deprecated. This one is "
        f"equivalent to weights={kwargs['weights']!r}{hint}.",
        stacklevel=3,
    )
    return kwargs


def build(network: Callable[..., M], weights: Any, progress: bool, **arguments: Any) -> M:
    """``network(**arguments)``, filled with the weights unless they are None.

    Raises ValueError if `arguments` ask for another num_classes than the weights have.
    """
    if weights is None:
        return network(**arguments)
    if weights.meta["num_classes"] is not None:
        require(arguments, "num_classes", weights.meta["num_classes"])
    model = network(**arguments)
    model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
    return model


def require(arguments: dict[str, Any], name: str, value: Any) -> None:
    """Sets an argument to the value that the weights need.

    Raises ValueError if the caller asked for another one.
    """
    if arguments.setdefault(name, value) != value:
        raise ValueError(
            f"The parameter '{name}' expected value {value} but got {arguments[name]} instead. "
            "The weights were trained so; load them with that value and replace the layer then."
        )


# -------------------------------------------------------------------------------- questions


def list_models(
    module: ModuleType | None = None,
    include: Iterable[str] | str | None = None,
    exclude: Iterable[str] | str | None = None,
) -> list[str]:
    """The names of all models, sorted.

    module: only models of this module, such as ``minitorch_cnn.models.cifar``.
    include, exclude: patterns as for files; a model must match one of `include`, none of `exclude`.

    >>> import minitorch_cnn as mt
    >>> mt.models.list_models(include=["vgg*"], exclude="*_bn")
    ['vgg11', 'vgg13', 'vgg16', 'vgg19']
    """

    def matches(name: str, patterns: Iterable[str] | str) -> bool:
        patterns = [patterns] if isinstance(patterns, str) else patterns
        return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    names = []
    for name, builder in BUILDERS.items():
        places = (builder.__module__, builder.__module__.rpartition(".")[0])
        if module is not None and module.__name__ not in places:
            continue
        if include and not matches(name, include):
            continue
        if exclude and matches(name, exclude):
            continue
        names.append(name)
    return sorted(names)


def get_model_builder(name: str) -> Builder:
    """The function that builds the model of this name, in small or capital letters.

    Raises ValueError if there is none.

    >>> import minitorch_cnn as mt
    >>> mt.models.get_model_builder("ResNet18").__name__
    'resnet18'
    """
    key = name.lower()
    if key not in BUILDERS:
        raise ValueError(f"Unknown model {key}; list_models() gives the names")
    return BUILDERS[key]


def get_model(name: str, **config: Any) -> nn.Module:
    """The model of this name, built with the arguments `config`.

    Raises ValueError if there is none, and what the model's function raises.

    >>> import minitorch_cnn as mt
    >>> mt.models.get_model("squeezenet1_1", num_classes=10)(mt.zeros(1, 3, 64, 64)).shape
    minitorch_cnn.Size([1, 10])
    """
    return get_model_builder(name)(**config)


def get_model_weights(name: str | Callable[..., nn.Module]) -> type[WeightsEnum]:
    """The enum of the weights published for a model, given by its name or its function.

    Raises ValueError if there are none.

    >>> import minitorch_cnn as mt
    >>> list(mt.models.get_model_weights("resnet50"))
    [ResNet50_Weights.IMAGENET1K_V1, ResNet50_Weights.IMAGENET1K_V2]
    """
    builder = get_model_builder(name) if isinstance(name, str) else name
    for key, enum in WEIGHTS.items():
        if BUILDERS[key] is builder:
            return enum
    raise ValueError(f"There are no published weights for {name}")


def get_weight(name: str) -> WeightsEnum:
    """Weights by their full name.

    Raises ValueError for an unknown enum, KeyError for an unknown member of a known one.

    >>> import minitorch_cnn as mt
    >>> mt.models.get_weight("ResNet50_Weights.IMAGENET1K_V2")
    ResNet50_Weights.IMAGENET1K_V2
    """
    enum_name, _, member = name.partition(".")
    for enum in WEIGHTS.values():
        if enum.__name__ == enum_name and member:
            return enum.verify(member)
    raise ValueError(f"Invalid weight name provided: '{name}', such as ResNet18_Weights.DEFAULT")
