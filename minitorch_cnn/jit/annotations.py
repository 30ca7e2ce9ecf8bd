"""Types that programs name for torch's compiler (torch.jit.annotations): Python's own."""

from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: UP035  the older names

__all__ = ["Any", "Dict", "List", "Optional", "Tuple", "Union"]
