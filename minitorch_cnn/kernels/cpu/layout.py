"""Images from the memory order of a file, (N, C, H, W), to that of the kernels."""

from __future__ import annotations

from .threads import address, kernel, share
from .vector import LANES, load_some, scatter


@kernel
def to_channels_last(part, parts, x, y):
    """y (N, P, C) from x (N, C, P), LANES pixels of a channel at a time."""
    N, C, P = x.shape
    start, stop = share(N, part, parts)
    for n in range(start, stop):
        for p in range(0, P, LANES):
            count = min(P - p, LANES)
            for c in range(C):
                pixels = load_some(address(x) + 4 * ((n * C + c) * P + p), count)
                scatter(address(y) + 4 * ((n * P + p) * C + c), 4 * C, pixels, count)
