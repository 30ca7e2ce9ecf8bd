"""cuDNN's switches, for programs that set them: ``mt.backends.cudnn.benchmark = True``.

cuDNN is not used here, so none of them changes anything. `conv_algorithm` chooses how a convolution
is computed, ``mt.backends.cuda.matmul.allow_tf32`` how precisely.
"""

from __future__ import annotations

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """False: cuDNN is not used."""
    return False


def version() -> int | None:
    """None: cuDNN is not used."""
    return None
