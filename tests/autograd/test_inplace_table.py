"""Every way of writing in place, on every kind of tensor, beside live torch.

A write is a function of (library, functional, target, value): the target may have any shape, the
value has the same. A scene is a function of (library, x), a leaf, and gives the target and others
that are worth a look afterwards. The same lines run with both libraries, and what they accept, the
values, flags, versions, gradients and what hooks saw must agree.
"""

import contextlib

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
X, V = RNG.uniform(0.5, 2, (2, 3, 3))
COTANGENTS = RNG.uniform(0.5, 2, (6, 9))

# ---------------------------------------------------------------------------------- the writes

# Left out are acosh_, asinh_, atanh_, floor_divide_ and heaviside_, which have no gradient in
# torch, and logical_and_, _not_, _or_, _xor_, whose gradient is the identity there.
PLAIN = """abs_ acos_ asin_ atan_ ceil_ cos_ cosh_ deg2rad_ erf_ erfc_ erfinv_ exp_ exp2_ expm1_
    fix_ floor_ frac_ log_ log10_ log1p_ log2_ logit_ nan_to_num_ neg_ rad2deg_ reciprocal_ relu_
    round_ rsqrt_ sgn_ sigmoid_ sign_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ tril_ triu_ trunc_
    zero_"""
BINARY = """add_ atan2_ copysign_ copy_ div_ float_power_ fmod_ hypot_ ldexp_ mul_ nextafter_ pow_
    remainder_ sub_ true_divide_ xlogy_ clamp_min_ clamp_max_ clamp_ __iadd__ __isub__ __imul__
    __itruediv__ __ipow__"""
NUMBER = """add_ sub_ mul_ div_ pow_ fill_ clamp_min_ clamp_max_ eq_ ne_ gt_ ge_ lt_ le_ remainder_
    copy_ uniform_ normal_"""
FUNCTIONS = "celu elu hardsigmoid hardswish hardtanh leaky_relu mish relu relu6 selu silu"


def first(lib):
    return lib.tensor([0])


def assign(t, index, value):
    t[index] = value


WRITES = {
    **{n: lambda lib, F, t, v, n=n: getattr(t, n)() for n in PLAIN.split()},
    **{n: lambda lib, F, t, v, n=n: getattr(t, n)(v) for n in BINARY.split()},
    **{f"{n} 2": lambda lib, F, t, v, n=n: getattr(t, n)(2.0) for n in NUMBER.split()},
    **{
        f"F.{n}": lambda lib, F, t, v, n=n: getattr(F, n)(t, inplace=True)
        for n in FUNCTIONS.split()
    },
    "F.threshold": lambda lib, F, t, v: F.threshold(t, 1.0, 3.0, inplace=True),
    "F.dropout": lambda lib, F, t, v: F.dropout(t, 0.5, False, inplace=True),
    "fill_ v": lambda lib, F, t, v: t.fill_(v.sum()),
    "addcmul_": lambda lib, F, t, v: t.addcmul_(v, v, value=2),
    "addcdiv_": lambda lib, F, t, v: t.addcdiv_(v, v + 1),
    "lerp_": lambda lib, F, t, v: t.lerp_(v, 0.25),
    "cumsum_": lambda lib, F, t, v: t.cumsum_(0),
    "cumprod_": lambda lib, F, t, v: t.cumprod_(0),
    "masked_fill_": lambda lib, F, t, v: t.masked_fill_(v > 1, 3.0),
    "masked_fill_ v": lambda lib, F, t, v: t.masked_fill_(v > 1, v.sum()),
    "masked_scatter_": lambda lib, F, t, v: t.masked_scatter_(v > 1, v),
    "index_add_": lambda lib, F, t, v: t.index_add_(0, first(lib), v[:1], alpha=2),
    "index_copy_": lambda lib, F, t, v: t.index_copy_(0, first(lib), v[:1]),
    "index_fill_": lambda lib, F, t, v: t.index_fill_(0, first(lib), 3.0),
    "index_fill_ v": lambda lib, F, t, v: t.index_fill_(0, first(lib), v.sum()),
    "index_put_": lambda lib, F, t, v: t.index_put_((first(lib),), v[:1]),
    "index_put_ add": lambda lib, F, t, v: t.index_put_((first(lib),), v[:1], True),
    "index_reduce_": lambda lib, F, t, v: t.index_reduce_(0, first(lib), v[:1], "amax"),
    "put_": lambda lib, F, t, v: t.put_(first(lib), v.sum().reshape(1)),
    "scatter_": lambda lib, F, t, v: t.scatter_(0, (v * 0).long(), v),
    "scatter_ 3": lambda lib, F, t, v: t.scatter_(0, (v[:1] * 0).long(), 3.0),
    "scatter_add_": lambda lib, F, t, v: t.scatter_add_(0, (v * 0).long(), v),
    "scatter_reduce_": lambda lib, F, t, v: t.scatter_reduce_(0, (v * 0).long(), v, "sum"),
    "renorm_": lambda lib, F, t, v: t.renorm_(2, 0, 1.0),
    "t[...] = v": lambda lib, F, t, v: assign(t, ..., v),
    "t[...] = 3": lambda lib, F, t, v: assign(t, ..., 3),
    "t[..., 0] = v": lambda lib, F, t, v: assign(t, (..., 0), v[..., 1]),
    "t[mask] = 3": lambda lib, F, t, v: assign(t, v > 1, 3),
    "t[mask] = v": lambda lib, F, t, v: assign(t, v > 1, v[v > 1]),
    "t[[0]] = v": lambda lib, F, t, v: assign(t, [0], v[:1]),
    "t[..., 0] += v": lambda lib, F, t, v: t[..., 0].add_(v[..., 1]),
    "t *= t": lambda lib, F, t, v: t.mul_(t),
    "t[0] = t[-1]": lambda lib, F, t, v: assign(t, 0, t[-1]),
    "t[1:] = t[:-1]": lambda lib, F, t, v: t[1:].copy_(t[:-1].clone()),
    "t.data": lambda lib, F, t, v: t.data.mul_(2),
    "t.detach()": lambda lib, F, t, v: t.detach().mul_(2),
    "detach_": lambda lib, F, t, v: t.detach_(),
    "requires_grad_": lambda lib, F, t, v: t.requires_grad_(),
    "no requires_grad_": lambda lib, F, t, v: t.requires_grad_(False),
    "out": lambda lib, F, t, v: lib.add(v, 1, out=t),
    "out itself": lambda lib, F, t, v: lib.add(t, 1, out=t),
    "init.constant_": lambda lib, F, t, v: lib.nn.init.constant_(t, 3.0),
    "init.eye_": lambda lib, F, t, v: lib.nn.init.eye_(t),
    "init.uniform_": lambda lib, F, t, v: lib.nn.init.uniform_(t),
    "init.xavier_normal_": lambda lib, F, t, v: lib.nn.init.xavier_normal_(t),
}
# What these write is drawn: all but the values can be compared.
DRAWN = ("uniform_ 2", "normal_ 2", "init.uniform_", "init.xavier_normal_")
# One of each way through the code: these are tried on all scenes.
SOME = ("mul_", "zero_", "copy_", "relu_", "t[..., 0] = v", "t[mask] = 3", "add_ 2", "init.eye_")

# ---------------------------------------------------------------------------------- the scenes


def plain(lib, x):
    return x.detach().clone()


def made(lib, x):
    return x * 1


def view_of(make, take):
    def scene(lib, x, log):
        y = make(lib, x)
        return take(y), y

    return scene


def two_views(lib, x, log):
    y = x * 1
    return y[:2], y[1:], y.t(), y


def retained(take):
    def scene(lib, x, log):
        y = x * 1
        t = take(y)
        t.retain_grad()
        return t, y

    return scene


def base_retained(lib, x, log):
    y = x * 1
    y.retain_grad()
    return y[1], y


def hooked(lib, x, log):
    y = x * 1
    y.register_hook(lambda g: log.append(g.tolist()))
    return (y,)


def base_hooked(lib, x, log):
    y = x * 1
    y.register_hook(lambda g: log.append(g.tolist()))
    return y[1], y


def inference_made(lib, x, log):
    with lib.inference_mode():
        return (lib.ones(3, 3, dtype=lib.float64) * x,)


MADE_BY = {"leaf": lambda lib, x: x, "plain": plain, "made": made}
TAKEN_BY = {
    "[1]": lambda y: y[1],
    "t()": lambda y: y.t(),
    "view(-1)": lambda y: y.view(-1),
    "[:, 1:]": lambda y: y[:, 1:],
    "[1][1:]": lambda y: y[1][1:],
    "unbind": lambda y: y.unbind()[0],
    "unbind[1:]": lambda y: y.unbind()[0][1:],
    "split": lambda y: y.split(2)[0],
    "split of one": lambda y: y.split(3)[0],
    "split by sizes": lambda y: y.split([1, 2])[1],
    "chunk": lambda y: y.chunk(2, 1)[1],
    "tensor_split": lambda y: y.tensor_split(2)[1],
    "iteration": lambda y: next(iter(y)),
    "detach": lambda y: y.detach(),
    "data": lambda y: y.data,
    "[1].detach": lambda y: y[1].detach(),
    "detach[1]": lambda y: y.detach()[1],
    "diagonal": lambda y: y.diagonal(),
    "reshape of a copy": lambda y: y.t().reshape(-1),
    "squeeze": lambda y: y[1:2].squeeze(0),
    "unsqueeze": lambda y: y.unsqueeze(0),
    "narrow": lambda y: y.narrow(0, 1, 2),
    "as_strided": lambda y: y.as_strided((2, 2), (3, 1), 1),
    "movedim": lambda y: y.movedim(0, 1),
    "double()": lambda y: y.double(),
    "contiguous()": lambda y: y.contiguous(),
    "view_as": lambda y: y.view_as(y),
}
SCENES = {
    **{name: lambda lib, x, log, m=make: (m(lib, x),) for name, make in MADE_BY.items()},
    **{f"{m} {t}": view_of(MADE_BY[m], TAKEN_BY[t]) for m in MADE_BY for t in TAKEN_BY},
    "two views": two_views,
    "retained": retained(lambda y: y),
    "retained view": retained(lambda y: y[1]),
    "base retained": base_retained,
    "hooked": hooked,
    "base hooked": base_hooked,
    "inference made": inference_made,
    "int": lambda lib, x, log: ((x * 4).long(),),
    "int view": lambda lib, x, log: ((x * 4).long()[1],),
    "bool": lambda lib, x, log: (x > 1,),
}
# All writes are tried on these.
CORE = ("leaf", "plain", "made", "leaf [1]", "plain [1][1:]", "base hooked")

READERS = {
    "mul": lambda lib, y: y * y,
    "pow": lambda lib, y: y**3,
    "sigmoid": lambda lib, y: y.sigmoid(),
    "max": lambda lib, y: y.max(),
    "amax": lambda lib, y: y.amax(0),
    "sum": lambda lib, y: y.sum(),
    "exp": lambda lib, y: y.exp(),
    "matmul": lambda lib, y: y @ y,
    "relu": lambda lib, y: lib.relu(y),
    "1 / y": lambda lib, y: 1 / y,
    "y / 2": lambda lib, y: y / 2,
    "mean": lambda lib, y: y.mean(0),
    "softmax": lambda lib, y: y.softmax(0),
    "log_softmax": lambda lib, y: y.log_softmax(1),
    "logsumexp": lambda lib, y: y.logsumexp(0),
    "log": lambda lib, y: y.log(),
    "conv": lambda lib, y: lib.nn.functional.conv2d(y[None, None], y[None, None, :2, :2]),
    "max_pool": lambda lib, y: lib.nn.functional.max_pool2d(y[None, None], 2),
    "avg_pool": lambda lib, y: lib.nn.functional.avg_pool2d(y[None, None], 2),
    "index": lambda lib, y: y[[0, 1]],
    "where": lambda lib, y: lib.where(y > 1, y, y * 2),
    "std": lambda lib, y: y.std(),
    "norm": lambda lib, y: y.norm(),
    "prod": lambda lib, y: y.prod(),
    "sort": lambda lib, y: y.sort(0)[0],
    "median": lambda lib, y: y.median(),
    "batch_norm": lambda lib, y: lib.nn.functional.batch_norm(y, None, None, training=True),
    "layer_norm": lambda lib, y: lib.nn.functional.layer_norm(y, (3,)),
    "group_norm": lambda lib, y: lib.nn.functional.group_norm(y, 1),
    "linear": lambda lib, y: lib.nn.functional.linear(y, y),
    "abs": lambda lib, y: y.abs(),
    "clamp": lambda lib, y: y.clamp(0.9, 1.5),
    "gelu": lambda lib, y: lib.nn.functional.gelu(y),
    "maximum": lambda lib, y: lib.maximum(y, y * y),
    "cross_entropy": lambda lib, y: lib.nn.functional.cross_entropy(y, lib.tensor([0, 1, 2])),
    "mse": lambda lib, y: lib.nn.functional.mse_loss(y, y * 2),
    "huber": lambda lib, y: lib.nn.functional.smooth_l1_loss(y, y * 3),
    "bce": lambda lib, y: lib.nn.functional.binary_cross_entropy_with_logits(y, y.detach()),
    "einsum": lambda lib, y: lib.einsum("ij,jk->ik", y, y),
    "lerp": lambda lib, y: y.lerp(y * 2, 0.5),
}

# ---------------------------------------------------------------------------------- the runner


def kind(error):
    """NotImplementedError is a RuntimeError, too: that torch has a kernel for a dtype or not."""
    kinds = (IndexError, ValueError, TypeError, RuntimeError)
    return next((each.__name__ for each in kinds if isinstance(error, each)), repr(error))


def cotangent(lib, number, y):
    return lib.tensor(COTANGENTS[number][: y.numel()].reshape(tuple(y.shape)))


def outcome(lib, scene, write, tracked=False, mode=None, drawn=False):
    """What happens, as a dictionary that has the same entries for both libraries."""
    log = []
    x = lib.tensor(X, requires_grad=True)
    t, *others = scene(lib, x, log)
    v = lib.tensor(V.reshape(-1)[: t.numel()].reshape(tuple(t.shape)), dtype=t.dtype)
    if tracked and v.is_floating_point():
        v.requires_grad_()
    seen, before = {}, None if t.is_inference() else t._version
    try:
        with getattr(lib, mode)() if mode else contextlib.nullcontext():
            write(lib, lib.nn.functional, t, v)
    except Exception as error:
        seen["refused"] = kind(error)
    if before is not None:
        seen["written"] = t._version > before
    losses = []
    for number, y in enumerate([t, *others]):
        try:
            seen["flags", number] = y.requires_grad, y.is_leaf, y.grad_fn is None
        except RuntimeError:
            seen["cut off"] = number
            return seen
        if not drawn and not (y.is_inference() and "refused" in seen):  # torch has written already
            seen["values", number] = y.detach().numpy().copy()
        if y.is_floating_point() and y.requires_grad:
            losses.append((y * cotangent(lib, number, y)).sum())
    try:
        if losses:
            sum(losses).backward()
    except RuntimeError:
        seen["no backward"] = True
        return seen
    for number, y in enumerate([x, v, t, *others]):
        if y.is_leaf or y.retains_grad:
            seen["grad", number] = (
                np.zeros(tuple(y.shape)) if y.grad is None else (y.grad.numpy(force=True))
            )
    seen["hooks"] = np.array(log)
    return seen


def differing(ours, theirs):
    """The names of the entries that are not the same."""
    names = []
    for name in {**ours, **theirs}:
        a, b = ours.get(name), theirs.get(name)
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            same = (
                a.shape == b.shape
                and a.dtype == b.dtype
                and np.allclose(a, b, 1e-6, 1e-6, equal_nan=True)
            )
        else:
            same = type(a) is type(b) and not isinstance(a, np.ndarray) and a == b
        names += [] if same else [name]
    return names


def compare(cases):
    """The cases (scene, write, tracked, mode) in which the libraries differ."""
    found = []
    for scene, name, tracked, mode in cases:
        arguments = SCENES[scene], WRITES[name], tracked, mode, name in DRAWN
        ours, theirs = (outcome(lib, *arguments) for lib in (mt, torch))
        if names := differing(ours, theirs):
            shown = {n: (ours.get(n), theirs.get(n)) for n in names}
            found.append((scene, name, tracked, mode, shown))
    return found


def known(scene, name, tracked, mode):
    """The cases that are better here."""
    several = any(each in scene for each in ("unbind", "split", "chunk", "iteration"))
    return (
        # torch gives what a comparison wrote over a gradient of zeros
        (tracked and name.partition("_")[0] in ("eq", "ne", "gt", "ge", "lt", "le"))
        # values changed under no_grad have no history to follow
        or (
            several
            and "tensor_split" not in scene
            and (mode or name.startswith("init.") or name == "t.detach()")
        )
        # which dtypes there are kernels for
        or (scene in ("int", "int view", "bool") and (name not in SOME or name == "relu_"))
    )


def test_what_was_read_before():
    """The value that an operation read, or gave, is written to before backward.

    Where torch has to refuse that and we do not, the gradient is that of an untouched copy.
    """
    found, count = [], 0
    for reader, function in READERS.items():
        for name in ("mul_", "zero_", "t[..., 0] = v"):
            for own in (False, True):

                def scene(lib, x, log, function=function, own=own, copied=False):
                    y = function(lib, x * 1) if own else x * 1
                    copy = y.clone() if copied else y
                    return (copy, copy * 2) if own else (y, function(lib, copy))

                def without_touching(lib, x, log, scene=scene):
                    return scene(lib, x, log, copied=True)

                ours, theirs = (outcome(lib, scene, WRITES[name]) for lib in (mt, torch))
                if "no backward" in theirs and "no backward" not in ours:
                    theirs = outcome(torch, without_touching, WRITES[name])
                    count += 1
                if names := differing(ours, theirs):
                    shown = {n: (ours.get(n), theirs.get(n)) for n in names}
                    found.append((reader, name, own, shown))
    assert found == []
    assert count > 0


def test_all_writes():
    cases = [
        (scene, name, tracked, None) for scene in CORE for name in WRITES for tracked in (0, 1)
    ]
    assert compare(each for each in cases if not known(*each)) == []


def test_all_scenes():
    cases = [
        (scene, name, tracked, None) for scene in SCENES for name in SOME for tracked in (0, 1)
    ]
    cases += [(s, n, 0, m) for s in SCENES for n in SOME[:4] for m in ("no_grad", "inference_mode")]
    assert compare(each for each in cases if not known(*each)) == []
