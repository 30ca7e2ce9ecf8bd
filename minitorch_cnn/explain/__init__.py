"""The learning tools: traces, pictures, summaries, and the cost of each layer.

Everything here calls the same operations that train networks, and shows what they do.
"""

from .algorithms import Algorithms, Cost, algorithms
from .backward import ConvolutionGradients
from .capture import Capture, capture, layer_inputs, layer_names
from .columns import Columns, ColumnsBack
from .convolution import Convolution, conv2d
from .explanation import Explanation
from .gradient_flow import GradientFlow, gradient_flow
from .normalization import BatchNorm, batch_norm
from .pixel import Pixel
from .pooling import Pooling, pool2d
from .roofline import Machine, Roofline, probe_machine, roofline
from .subject import Subject, Trained, load_subject, load_trained
from .variations import Variations, variations
from .winograd import WinogradTile, winograd_tile, winograd_transforms

__all__ = [
    "Algorithms",
    "BatchNorm",
    "Capture",
    "Columns",
    "ColumnsBack",
    "Convolution",
    "ConvolutionGradients",
    "Cost",
    "Explanation",
    "GradientFlow",
    "Machine",
    "Pixel",
    "Pooling",
    "Roofline",
    "Subject",
    "Trained",
    "Variations",
    "WinogradTile",
    "algorithms",
    "batch_norm",
    "capture",
    "conv2d",
    "gradient_flow",
    "layer_inputs",
    "layer_names",
    "load_subject",
    "load_trained",
    "pool2d",
    "probe_machine",
    "roofline",
    "variations",
    "winograd_tile",
    "winograd_transforms",
]
