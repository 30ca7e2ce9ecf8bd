"""What the operators of ONNX do that reduce, reshape, pick and resize; see operators.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..nn import functional as F
from ..tensor import Tensor, wrap
from .operators import OPERATORS, Operator, Step, operator

# --------------------------------------------------------------------------------- reductions


def _axes(step: Step, given: Tensor | None) -> list[int] | None:
    """Axes are an attribute in older versions and an input in newer ones; None is all of them."""
    axes = step.get("axes") if given is None else given.tolist()
    return None if axes is None or not len(axes) else list(axes)


def _reduction(function: Callable[..., Tensor]) -> Operator:
    def reduce(step: Step, x: Tensor, given: Tensor | None = None) -> Tensor:
        axes = _axes(step, given)
        if axes is None and step.get("noop_with_empty_axes"):
            return x
        dims = tuple(range(x.ndim)) if axes is None else tuple(axes)
        return function(x, dims, bool(step.get("keepdims", 1))).to(x.dtype)

    return reduce


OPERATORS["ReduceMean"] = _reduction(ops.mean)
OPERATORS["ReduceSum"] = _reduction(ops.sum)
OPERATORS["ReduceMax"] = _reduction(ops.amax)
OPERATORS["ReduceMin"] = _reduction(ops.amin)
OPERATORS["ReduceSumSquare"] = _reduction(lambda x, dims, keep: ops.sum(x * x, dims, keep))
OPERATORS["ReduceL2"] = _reduction(lambda x, dims, keep: ops.sum(x * x, dims, keep).sqrt())


@operator("ArgMax", "ArgMin")
def _arg_extreme(step: Step, x: Tensor) -> Tensor:
    if step.get("select_last_index"):
        raise step.refuse("select_last_index")
    function = ops.argmax if step.kind == "ArgMax" else ops.argmin
    return function(x, step.get("axis", 0), bool(step.get("keepdims", 1)))


# ------------------------------------------------------------------------ shapes and positions


def _ints(values: Sequence[int], like: Tensor) -> Tensor:
    return wrap(np.array(values, np.int64)).to(like.device)


@operator("Shape")
def _shape(step: Step, x: Tensor) -> Tensor:
    return _ints(x.shape[step.get("start", 0) : step.get("end")], x)


@operator("Size")
def _size(step: Step, x: Tensor) -> Tensor:
    return wrap(np.array(x.numel(), np.int64)).to(x.device)


@operator("ConstantOfShape")
def _constant_of_shape(step: Step, shape: Tensor) -> Tensor:
    import onnx

    value = step.get("value")
    fill = np.zeros(1, np.float32) if value is None else onnx.numpy_helper.to_array(value)
    return wrap(np.full(shape.tolist(), fill[0], fill.dtype)).to(shape.device)


@operator("Range")
def _range(step: Step, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    return ops.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


@operator("Cast")
def _cast(step: Step, x: Tensor) -> Tensor:
    import onnx

    return x.to(dtypes.as_dtype(onnx.helper.tensor_dtype_to_np_dtype(step.get("to"))))


@operator("Reshape")
def _reshape(step: Step, x: Tensor, shape: Tensor) -> Tensor:
    wanted = shape.tolist()
    if not step.get("allowzero"):
        wanted = [x.shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    return x.reshape(wanted)


@operator("Transpose")
def _transpose(step: Step, x: Tensor) -> Tensor:
    return x.permute(*step.get("perm", reversed(range(x.ndim))))


@operator("Squeeze")
def _squeeze(step: Step, x: Tensor, given: Tensor | None = None) -> Tensor:
    axes = _axes(step, given)
    return x.squeeze() if axes is None else x.squeeze(axes)


@operator("Unsqueeze")
def _unsqueeze(step: Step, x: Tensor, given: Tensor | None = None) -> Tensor:
    axes = _axes(step, given) or []
    for axis in sorted(axis % (x.ndim + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("Expand")
def _expand(step: Step, x: Tensor, shape: Tensor) -> Tensor:
    return x.expand(np.broadcast_shapes(tuple(x.shape), tuple(shape.tolist())))


@operator("Tile")
def _tile(step: Step, x: Tensor, repeats: Tensor) -> Tensor:
    return x.repeat(*repeats.tolist())


@operator("Concat")
def _concat(step: Step, *inputs: Tensor) -> Tensor:
    return ops.cat(inputs, step.get("axis"))


@operator("Split")
def _split(step: Step, x: Tensor, given: Tensor | None = None) -> Any:
    axis = step.get("axis", 0)
    sizes = step.get("split") if given is None else given.tolist()
    if sizes is None:  # equal parts, the last one smaller if it must be
        sizes = -(-x.shape[axis] // len(step.outputs))
    return ops.split(x, sizes, axis)


@operator("Slice")
def _slice(step: Step, x: Tensor, *bounds: Tensor | None) -> Tensor:
    names = ("starts", "ends", "axes", "steps")
    given: list[Any]
    if bounds:
        given = [None if each is None else each.tolist() for each in bounds]
    else:  # attributes, before opset 10
        given = [step.get(name) for name in names]
    starts, ends, axes, steps = given + [None] * (len(names) - len(given))
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    for start, end, axis, pace in zip(starts, ends, axes, steps, strict=True):
        positions = range(x.shape[axis])[slice(start, end, pace)]
        if pace > 0:
            x = x.narrow(axis, positions.start, max(positions.stop - positions.start, 0))
            x = x if pace == 1 else x.index_select(axis, _ints(range(0, x.shape[axis], pace), x))
        else:
            x = x.index_select(axis, _ints(positions, x))
    return x


@operator("Gather")
def _gather(step: Step, x: Tensor, index: Tensor) -> Tensor:
    axis = step.get("axis", 0) % x.ndim
    index = ops.where(index < 0, index + x.shape[axis], index)
    y = x.index_select(axis, index.flatten())
    return y.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


@operator("GatherElements")
def _gather_elements(step: Step, x: Tensor, index: Tensor) -> Tensor:
    axis = step.get("axis", 0)
    return x.gather(axis, ops.where(index < 0, index + x.shape[axis], index))


@operator("GatherND")
def _gather_nd(step: Step, x: Tensor, index: Tensor) -> Tensor:
    if step.get("batch_dims"):
        raise step.refuse("batch_dims")
    return x[tuple(index.unbind(-1))]


@operator("Pad")
def _pad(
    step: Step,
    x: Tensor,
    given: Tensor | None = None,
    value: Tensor | None = None,
    axes: Tensor | None = None,
) -> Tensor:
    pads = step.get("pads") if given is None else given.tolist()  # an attribute before opset 11
    constant = step.get("value", 0.0) if value is None else value.item()
    half = len(pads) // 2
    places = range(x.ndim) if axes is None else [axis % x.ndim for axis in axes.tolist()]
    pairs = [(0, 0)] * x.ndim
    for axis, before, after in zip(places, pads[:half], pads[half:], strict=True):
        pairs[axis] = before, after
    mode = step.get("mode", "constant")
    if mode == "constant":
        return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=constant)
    while pairs and pairs[0] == (0, 0) and len(pairs) > 1:
        pairs.pop(0)
    ours = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}[mode]
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], mode=ours)


@operator("Resize", "Upsample")
def _resize(
    step: Step, x: Tensor, roi: Any = None, scales: Tensor | None = None, sizes: Any = None
) -> Tensor:
    if step.kind == "Upsample":
        scales = roi
    spatial = x.shape[2:]
    if sizes is not None:
        new = sizes.tolist()[-len(spatial) :]
        size: dict[str, Any] = {"size": new}
    elif scales is not None and scales.tolist()[:2] == [1, 1]:
        size = {"scale_factor": scales.tolist()[2:]}
        new = [n * factor for n, factor in zip(spatial, size["scale_factor"], strict=True)]
    else:
        raise step.refuse("scales of the first two axes, or without any")
    return F.interpolate(x, **size, **_resize_options(step, spatial, new))


def _resize_options(step: Step, spatial: Sequence[int], new: Sequence[float]) -> dict[str, Any]:
    """The mode of `interpolate` that means the same. ONNX has more of them than torch."""
    for name, usual in (("axes", None), ("antialias", 0), ("exclude_outside", 0)):
        if step.get(name, usual) != usual:
            raise step.refuse(f"{name}={step.get(name)}")
    if step.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise step.refuse("keep_aspect_ratio_policy")
    mode = step.get("mode", "nearest")
    old = step.kind == "Upsample"
    place = step.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    if mode == "nearest":
        rounding = step.get("nearest_mode", "floor" if old else "round_prefer_floor")
        ours = {
            ("asymmetric", "floor"): "nearest",
            ("half_pixel", "round_prefer_ceil"): "nearest-exact",
        }
        if (place, rounding) not in ours:
            raise step.refuse(f"mode nearest, {place}, {rounding}")
        return {"mode": ours[place, rounding]}
    names = {("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear"}
    names["cubic", 2] = "bicubic"
    if (mode, len(spatial)) not in names:
        raise step.refuse(f"mode {mode!r} and {len(spatial)} spatial axes")
    if mode == "cubic" and step.get("cubic_coeff_a", -0.75) != -0.75:
        raise step.refuse("another cubic coefficient than -0.75")
    exact = place == "half_pixel"
    # Both take the resized length in a way of their own, where it is 1 or no whole number.
    exact |= place == "pytorch_half_pixel" and all(n >= 2 for n in new)
    exact |= place == "align_corners" and all(float(n).is_integer() for n in new)
    if not exact:
        raise step.refuse(f"the mode {place!r} from {list(spatial)} to {list(new)}")
    return {"mode": names[mode, len(spatial)], "align_corners": place == "align_corners"}


@operator("DepthToSpace")
def _depth_to_space(step: Step, x: Tensor) -> Tensor:
    size = step.get("blocksize")
    if step.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, size)
    N, C, H, W = x.shape
    blocks = x.reshape(N, size, size, C // size**2, H, W)
    return blocks.permute(0, 3, 4, 1, 5, 2).reshape(N, C // size**2, H * size, W * size)


@operator("SpaceToDepth")
def _space_to_depth(step: Step, x: Tensor) -> Tensor:
    size = step.get("blocksize")
    if step.get("mode", "DCR") == "CRD":
        return F.pixel_unshuffle(x, size)
    N, C, H, W = x.shape
    blocks = x.reshape(N, C, H // size, size, W // size, size)
    return blocks.permute(0, 3, 5, 1, 2, 4).reshape(N, C * size**2, H // size, W // size)
