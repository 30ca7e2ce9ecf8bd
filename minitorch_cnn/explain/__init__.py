"""The learning tools: traces, pictures, summaries, and the cost of each layer.

Everything here calls the same operations that train networks, and shows what they do.
"""

from .explanation import Explanation
from .subject import Subject, load_subject

__all__ = ["Explanation", "Subject", "load_subject"]
