"""How programs end: with one sentence for what a user can mend, and in silence behind `| head`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from PIL import Image


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """Around a program: what a user can mend ends it with a sentence and status 1, no traceback.

    MINITORCH_TRACEBACK=1 in the environment shows the traceback.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # who read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as if ended by SIGPIPE
    except (
        RuntimeError,
        OSError,
        ValueError,
        IndexError,
        MemoryError,
        Image.DecompressionBombError,
    ) as error:
        if os.environ.get("MINITORCH_TRACEBACK"):
            raise
        text = str(error) or type(error).__name__
        sys.exit(f"error: {text}\n(set MINITORCH_TRACEBACK=1 to see where)")
