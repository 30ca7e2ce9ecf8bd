"""The learning tools: traces, pictures, summaries, and the cost of each layer.

Everything here calls the same operations that train networks, and shows what they do.
"""

from .backward import ConvolutionGradients
from .capture import Capture, capture, layer_names
from .columns import Columns, ColumnsBack
from .convolution import Convolution, conv2d
from .explanation import Explanation
from .gradient_flow import GradientFlow, gradient_flow
from .normalization import BatchNorm, batch_norm
from .pixel import Pixel
from .pooling import Pooling, pool2d
from .subject import Subject, Trained, load_subject, load_trained

__all__ = [
    "BatchNorm",
    "Capture",
    "Columns",
    "ColumnsBack",
    "Convolution",
    "ConvolutionGradients",
    "Explanation",
    "GradientFlow",
    "Pixel",
    "Pooling",
    "Subject",
    "Trained",
    "batch_norm",
    "capture",
    "conv2d",
    "gradient_flow",
    "layer_names",
    "load_subject",
    "load_trained",
    "pool2d",
]
