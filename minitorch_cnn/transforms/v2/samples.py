"""Transforms of samples: which parts are changed, and the same random numbers for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image as PIL

from ...nn import Module, ModuleList
from ...random import get_rng_state, set_rng_state
from ...tensor import Tensor
from ...tv_tensors import BoundingBoxes, Image, TVTensor, Video
from .. import draws
from ..image import InterpolationMode


def leaves(sample: Any) -> list[Any]:
    """All that is in nested dicts, lists and tuples, in order.

    >>> leaves([1, {"a": (2, 3)}])
    [1, 2, 3]
    """
    if isinstance(sample, Mapping):
        return [leaf for each in sample.values() for leaf in leaves(each)]
    if isinstance(sample, list | tuple):
        return [leaf for each in sample for leaf in leaves(each)]
    return [sample]


def rebuilt(sample: Any, parts: Iterator[Any]) -> Any:
    """The same nest with other things in it.

    >>> rebuilt([1, {"a": (2, 3)}], iter("xyz"))
    ['x', {'a': ('y', 'z')}]
    """
    if isinstance(sample, Mapping):
        return type(sample)({key: rebuilt(each, parts) for key, each in sample.items()})  # type: ignore[call-arg]
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*[rebuilt(each, parts) for each in sample])
    if isinstance(sample, list | tuple):
        return type(sample)([rebuilt(each, parts) for each in sample])
    return next(parts)


def is_pure_tensor(each: Any) -> bool:
    """Whether it is a tensor that does not say what it is.

    >>> is_pure_tensor(Image([[1]]))
    False
    """
    return isinstance(each, Tensor) and not isinstance(each, TVTensor)


def query_size(flat: Sequence[Any]) -> tuple[int, int]:
    """(height, width) of the image, mask or boxes in a flat sample; plain tensors count as images.

    Raises TypeError if there are none, ValueError if they differ.

    >>> query_size([Image([[1, 2]]), 3])
    (1, 2)
    """
    sizes = set()
    for each in flat:
        if isinstance(each, BoundingBoxes):
            sizes.add(each.canvas_size)
        elif isinstance(each, Tensor):
            sizes.add((each.shape[-2], each.shape[-1]))
        elif isinstance(each, PIL.Image):
            sizes.add((each.height, each.width))
    if not sizes:
        raise TypeError("No image, video, mask or bounding box was found in the sample")
    if len(sizes) > 1:
        raise ValueError(f"Found multiple HxW dimensions in the sample: {sorted(sizes)}")
    return sizes.pop()


class Transform(Module):
    """A transform of samples. A subclass writes `transform`, and `make_params` if it is random.

    >>> import minitorch_cnn as mt
    >>> class Double(Transform):
    ...     def transform(self, inpt, params):
    ...         return inpt * 2
    >>> Double()(mt.ones(1, 1, 2), "a label")
    (tensor([[[2., 2.]]]), 'a label')
    """

    _transformed_types: tuple[type, ...] = (Tensor, PIL.Image)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raises what is wrong with a sample; here nothing is."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """What all parts of a sample share, such as random numbers."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part of the sample, changed."""
        raise NotImplementedError(f"{type(self).__name__} defines no transform()")

    def chosen(self, flat: list[Any]) -> list[bool]:
        """Which parts are changed: of plain tensors the first, if nothing else is an image."""
        images = any(isinstance(each, Image | Video | PIL.Image) for each in flat)
        found = []
        for each in flat:
            wanted = isinstance(each, self._transformed_types)
            if wanted and is_pure_tensor(each):
                wanted, images = not images, True
            found.append(wanted)
        return found

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat = leaves(sample)
        self.check_inputs(flat)
        wanted = self.chosen(flat)
        params = self.make_params([each for each, yes in zip(flat, wanted, strict=True) if yes])
        changed = [
            self.transform(each, params) if yes else each
            for each, yes in zip(flat, wanted, strict=True)
        ]
        return rebuilt(sample, iter(changed))

    def extra_repr(self) -> str:
        """The settings, for the repr."""
        kinds = (bool, int, float, str, tuple, list, InterpolationMode)
        shown = []
        for name, value in vars(self).items():
            if name[0] != "_" and name != "training" and isinstance(value, kinds):
                value = value.value if isinstance(value, InterpolationMode) else value
                shown.append(f"{name}={value}")
        return ", ".join(shown)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"


class Same(Transform):
    """A transform of images, done to every part of a sample with the same random numbers."""

    _once: Callable[[Any, Any], Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if isinstance(kwargs.get("interpolation"), str):  # v2 takes the word
            kwargs["interpolation"] = InterpolationMode(kwargs["interpolation"])
        super().__init__(*args, **kwargs)

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat = leaves(sample)
        wanted = self.chosen(flat)
        again = get_rng_state() if sum(wanted) > 1 else None
        changed, first = [], True
        for each, yes in zip(flat, wanted, strict=True):
            if yes and not first:
                assert again is not None
                set_rng_state(again)  # the next part gets the numbers of the first
            changed.append(type(self)._once(self, each) if yes else each)
            first = first and not yes
        return rebuilt(sample, iter(changed))


def same(once: type[Module], module: str) -> type:
    """The class of v2 for a transform of images.

    >>> import minitorch_cnn as mt
    >>> flip = same(mt.transforms.RandomHorizontalFlip, __name__)(p=1.0)
    >>> image, mask = flip(mt.tensor([[[1, 2]]]), mt.tv_tensors.Mask([[3, 4]]))
    >>> image.tolist(), mask.tolist()
    ([[[2, 1]]], [[4, 3]])
    """
    content = {"__doc__": once.__doc__, "__module__": module, "_once": once.forward}
    return type(once.__name__, (Same, once), content)


# ------------------------------------------------------------------- transforms of transforms


class _Several(Transform):
    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        super().__init__()
        if not isinstance(transforms, Sequence | ModuleList):
            raise TypeError(
                f"Argument transforms should be a sequence of callables, got {type(transforms)}"
            )
        self.transforms = transforms if isinstance(transforms, ModuleList) else list(transforms)

    def _through(self, transforms: Sequence[Callable[..., Any]], inputs: tuple[Any, ...]) -> Any:
        for each in transforms:
            result = each(*inputs)
            inputs = result if len(inputs) > 1 else (result,)
        return inputs if len(inputs) > 1 else inputs[0]

    def extra_repr(self) -> str:
        """The transforms, one a line."""
        return "".join(f"\n      {each!r}" for each in self.transforms) + "\n"


class Compose(_Several):
    """Several transforms, one after the other. Raises ValueError for none, TypeError for no list.

    >>> import minitorch_cnn as mt
    >>> v2 = mt.transforms.v2
    >>> v2.Compose([v2.CenterCrop(2), v2.Normalize([1.0], [2.0])])(mt.ones(1, 4, 4), "label")
    (tensor([[[0., 0.],
             [0., 0.]]]), 'label')
    """

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        super().__init__(transforms)
        if not transforms:
            raise ValueError("Pass at least one transform")

    def forward(self, *inputs: Any) -> Any:
        return self._through(self.transforms, inputs)


class RandomApply(_Several):
    """Several transforms, with probability `p`, or none of them. ValueError for another p.

    >>> import minitorch_cnn as mt
    >>> v2 = mt.transforms.v2
    >>> v2.RandomApply([v2.RandomInvert(1.0)], p=1.0)(mt.tensor([[[0.0, 0.25]]]))
    tensor([[[1.0000, 0.7500]]])
    """

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: float = 0.5) -> None:
        super().__init__(transforms)
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"`p` should be a floating point value in [0.0, 1.0], got {p}")
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        if draws.uniforms((1,)).item() >= self.p:
            return inputs if len(inputs) > 1 else inputs[0]
        return self._through(self.transforms, inputs)


class RandomChoice(_Several):
    """One of several transforms; p: how likely each is. ValueError for another number of them.

    >>> import minitorch_cnn as mt
    >>> v2 = mt.transforms.v2
    >>> v2.RandomChoice([v2.RandomInvert(1.0), v2.Identity()], p=[0, 1])(mt.ones(1, 1, 1))
    tensor([[[1.]]])
    """

    def __init__(
        self, transforms: Sequence[Callable[..., Any]], p: Sequence[float] | None = None
    ) -> None:
        super().__init__(transforms)
        p = [1] * len(transforms) if p is None else p
        if len(p) != len(transforms):
            raise ValueError(f"Length of p doesn't match the number of transforms: {p}")
        self.p = [each / sum(p) for each in p]

    def forward(self, *inputs: Any) -> Any:
        return self.transforms[draws.chosen(self.p)](*inputs)


class RandomOrder(_Several):
    """All of several transforms, in random order.

    >>> import minitorch_cnn as mt
    >>> v2 = mt.transforms.v2
    >>> v2.RandomOrder([v2.Identity(), v2.Identity()])(mt.ones(1, 1, 1))
    tensor([[[1.]]])
    """

    def forward(self, *inputs: Any) -> Any:
        order = draws.order(len(self.transforms))
        return self._through([self.transforms[each] for each in order], inputs)


class Lambda(Transform):
    """A function of your own, for the parts of these types; by default for all parts.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.v2.Lambda(lambda n: n + 1, int)(mt.zeros(1), 3)
    (tensor([0.]), 4)
    """

    _transformed_types = (object,)

    def __init__(self, lambd: Callable[[Any], Any], *types: type) -> None:
        super().__init__()
        self.lambd = lambd
        self.types = types or self._transformed_types

    def chosen(self, flat: list[Any]) -> list[bool]:
        """Which parts have one of the types."""
        return [isinstance(each, self.types) for each in flat]

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self.lambd(inpt)

    def extra_repr(self) -> str:
        """The types."""
        return f"types={[each.__name__ for each in self.types]}"


ARRAYS = (Tensor, PIL.Image, np.ndarray)
