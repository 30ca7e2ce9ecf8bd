"""How special numbers are compared with torch, and what is left out, with the reason.

A table is a text with one operation a line. At every number of a grid its value and its gradients
for several cotangents must be torch's.
"""

import numpy as np

inf, nan = float("inf"), float("nan")

# Compiled kernels are for single precision only.
TIERS = [
    (np.float16, "auto"),
    (np.float32, "array"),
    (np.float32, "auto"),
    (np.float64, "auto"),
]
# Close to the limits of a type a result depends on the order in which its factors are multiplied.
TOLERANCE = {np.float16: (6e-3, 1e-5), np.float32: (1e-4, 1e-7), np.float64: (1e-7, 1e-12)}

# (operation, words that describe the place, reason): left out where all the words hold.
EXEMPT = [
    ("lib.sinc(x)", "float16 gradient", "torch rounds the angle to half precision"),
    ("lib.sinc(x)", "largest", "torch's angle pi x overflows, or is rounded to half first"),
    ("lib.sinc(x)", "cotangent=inf", "inf times a slope that is 0 or tiny, by the rounding"),
    ("lib.nan_to_num", "cotangent=inf", "0 where x was replaced; torch multiplies by 0: NaN"),
    ("F.softplus(x)", "cotangent=inf", "sigmoid(-100) is 0 in single precision, or subnormal"),
    ("F.logsigmoid(x)", "cotangent=inf", "sigmoid(-100) is 0 in single precision, or subnormal"),
    ("F.hardsigmoid(x)", "gradient float64", "torch has 1/6 in single precision"),
    ("0 / x", "", "torch multiplies by 1/x, which overflows"),
    ("inf / x", "largest", "torch multiplies by 1/x, which underflows"),
    ("lib.addcdiv", "tiny", "torch divides by the square, which underflows"),
    ("lib.std_mean", "inf", "torch's running mean subtracts infinities: NaN; ours is x.mean()"),
    ("lib.var_mean", "inf", "torch's running mean subtracts infinities: NaN; ours is x.mean()"),
    ("x.nanmedian(0)", "all NaN", "the index of a NaN depends on torch's sort"),
    ("x.nanmean()", "all NaN", "0 where x was left out; torch multiplies by 0: NaN"),
    ("x.norm(0.5)", "infinite", "torch has 0 * inf; here the gradient is 0 where the norm is inf"),
    ("x.norm(-1)", "infinite", "torch has 0 * inf; here the gradient is 0 where the norm is inf"),
    ("x.norm(-2)", "infinite", "torch has 0 * inf; here the gradient is 0 where the norm is inf"),
    ("x.norm", "zero nan", "at a 0 beside a NaN the slope is 0 here"),
    ("lib.linalg.vector_norm", "zero nan", "at a 0 beside a NaN the slope is 0 here"),
    ("x.cumprod(0)", "zero", "torch's rule for a 0 beside inf and NaN multiplies other factors"),
    ("lib.renorm", "nan", "torch does not differentiate a length that is NaN"),
    ("lib.logsumexp", "30000.0", "torch takes exp(x - y) of a rounded y"),
    ("lib.logcumsumexp", "30000.0", "torch takes exp(x - y) of a rounded y"),
    ("F.normalize", "float16", "eps is 0 in half precision, and 0 / 0 NaN; so is torch's gradient"),
    ("F.cosine_similarity", "float16", "eps is 0 in half precision, as in F.normalize"),
    ("lib.cdist", "float16", "torch has none in half precision"),
    ("lib.cdist", "nan", "torch's slope at NaN is NaN, that of its own |x| is 0"),
    ("norm(x", "30000.0", "beyond half precision on the way, or torch's variance cancels"),
    ("F.rms_norm", "float16", "torch's eps for half precision is that of single"),
    ("x.norm", "30000.0", "beyond half precision on the way"),
    ("lib.renorm", "30000.0", "beyond half precision on the way"),
    ("F.embedding", "30000.0", "beyond half precision on the way"),
    ("lib.index_reduce", "nan", "torch's share of a NaN that no element equals is 0 / 0"),
    ("lib.scatter_reduce", "nan", "torch's share of a NaN that no element equals is 0 / 0"),
    ("lib.scatter_reduce", "inf", "torch counts an infinite start among the equal ones"),
    ("lib.scatter_reduce", "zero", "torch counts the start among the equal ones, though left out"),
    ("lib.index_reduce", "zero", "torch divides the product of the others by an infinity"),
]


def exempt(operation, words):
    return any(
        operation.startswith(name) or (name == "norm(x" and name in operation)
        for name, place, _ in EXEMPT
        if set(place.split(" ")) <= words or not place
    )


def lines(table):
    return [line.strip() for line in table.strip().splitlines()]


def results(lib, call, arrays, cotangents):
    """The outputs and the gradients of x (and y), or the type of the error."""
    inputs = [lib.tensor(each).requires_grad_() for each in arrays]
    try:
        with np.errstate(all="ignore"):
            outputs = call(lib, lib.nn.functional, *inputs)
            outputs = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
            found = [("value", each.detach().numpy()) for each in outputs]
            for output in outputs:
                for cotangent in cotangents if output.requires_grad else ():
                    u = np.broadcast_to(cotangent, tuple(output.shape)).astype(arrays[0].dtype)
                    if output.numpy(force=True).dtype != u.dtype:
                        u = u.astype(output.numpy(force=True).dtype)
                    gradients = lib.autograd.grad(
                        output, inputs, lib.tensor(u), retain_graph=True, allow_unused=True
                    )
                    for each in gradients:
                        array = np.zeros_like(arrays[0]) if each is None else each.numpy(force=True)
                        found.append((f"gradient cotangent={cotangent}", array))
    except (RuntimeError, ValueError, IndexError) as error:
        return type(error)
    return found


def close(mine, other, kind, slack=0.0):
    if mine.dtype != other.dtype or mine.shape != other.shape:
        return np.zeros(mine.shape, bool)
    if mine.dtype.kind != "f":
        return mine == other
    rtol, atol = TOLERANCE[kind]
    return np.isclose(mine.astype(float), other.astype(float), rtol, atol + slack, equal_nan=True)
