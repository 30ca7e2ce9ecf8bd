"""The learning tools: traces, pictures, summaries, and the cost of each layer.

Everything here calls the same operations that train networks, and shows what they do.
"""

from .algorithms import Algorithms, Cost, algorithms
from .attribution import Heatmap, grad_cam, occlusion, saliency
from .backward import ConvolutionGradients
from .capture import Capture, capture, layer_inputs, layer_names
from .columns import Columns, ColumnsBack
from .confidence import Calibration, probabilities_of, worst_mistakes
from .convolution import Convolution, conv2d
from .explanation import Explanation
from .features import Exciting, Images, feature_maps, filters, most_exciting
from .gradient_flow import GradientFlow, gradient_flow
from .ladder import Ladder, ladder
from .layers import Summary, summary
from .normalization import BatchNorm, batch_norm
from .page import Page, make_page, write_page
from .pixel import Pixel
from .pooling import Pooling, pool2d
from .receptive_field import Field, ReceptiveFields, receptive_fields
from .roofline import Machine, Roofline, probe_machine, roofline
from .subject import Subject, Trained, load_subject, load_trained
from .tape import Tape, tape
from .training import ConfusionMatrix, Curves, Histograms, Predictions
from .variations import Variations, variations
from .winograd import WinogradTile, winograd_tile, winograd_transforms

__all__ = [
    "Algorithms",
    "BatchNorm",
    "Calibration",
    "Capture",
    "Columns",
    "ColumnsBack",
    "ConfusionMatrix",
    "Convolution",
    "ConvolutionGradients",
    "Cost",
    "Curves",
    "Exciting",
    "Explanation",
    "Field",
    "GradientFlow",
    "Heatmap",
    "Histograms",
    "Images",
    "Ladder",
    "Machine",
    "Page",
    "Pixel",
    "Pooling",
    "Predictions",
    "ReceptiveFields",
    "Roofline",
    "Subject",
    "Summary",
    "Tape",
    "Trained",
    "Variations",
    "WinogradTile",
    "algorithms",
    "batch_norm",
    "capture",
    "conv2d",
    "feature_maps",
    "filters",
    "grad_cam",
    "gradient_flow",
    "ladder",
    "layer_inputs",
    "layer_names",
    "load_subject",
    "load_trained",
    "make_page",
    "most_exciting",
    "occlusion",
    "pool2d",
    "probabilities_of",
    "probe_machine",
    "receptive_fields",
    "roofline",
    "saliency",
    "summary",
    "tape",
    "variations",
    "winograd_tile",
    "winograd_transforms",
    "worst_mistakes",
    "write_page",
]
