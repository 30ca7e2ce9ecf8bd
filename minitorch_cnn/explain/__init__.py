"""The learning tools: traces, pictures, summaries, and the cost of each layer.

Everything here calls the same operations that train networks, and shows what they do.
"""

from .convolution import Convolution, conv2d
from .explanation import Explanation
from .subject import Subject, load_subject

__all__ = ["Convolution", "Explanation", "Subject", "conv2d", "load_subject"]
