"""The layers as functions, under torch's names: what each one does is in ops/."""

import typing as _typing

from ..missing import refuse_missing as _refuse_missing
from ..ops.activation import *
from ..ops.adaptive_pool import *
from ..ops.arguments import check_arguments as _check_arguments
from ..ops.batch_norm import *
from ..ops.breadth.nn_activation import *
from ..ops.breadth.nn_attention import *
from ..ops.breadth.nn_bags import *
from ..ops.breadth.nn_convolution_3d import *
from ..ops.breadth.nn_convolution_fold import *
from ..ops.breadth.nn_distance import *
from ..ops.breadth.nn_dropout import *
from ..ops.breadth.nn_loss_ctc import *
from ..ops.breadth.nn_loss_margin import *
from ..ops.breadth.nn_loss_regression import *
from ..ops.breadth.nn_pooling_1d import *
from ..ops.breadth.nn_pooling_3d import *
from ..ops.breadth.nn_pooling_fractional import *
from ..ops.breadth.nn_pooling_indices import *
from ..ops.breadth.nn_pooling_unpool import *
from ..ops.breadth.nn_softmax import *
from ..ops.breadth.nn_sparse import *
from ..ops.breadth.nn_vision import *
from ..ops.common import public_names as _public_names
from ..ops.conv import *
from ..ops.dropout import *
from ..ops.elementwise import sigmoid as sigmoid, tanh as tanh
from ..ops.linear import *
from ..ops.loss import *
from ..ops.normalization import *
from ..ops.out import add_out as _add_out
from ..ops.pad import *
from ..ops.pool import *
from ..ops.products import bilinear as bilinear
from ..ops.resize import *

if not _typing.TYPE_CHECKING:  # type checkers take the imports with * as they stand
    __all__ = _public_names(globals())

_check_arguments(globals())

# torch has `out=` for these few.
_add_out(globals(), "avg_pool2d avg_pool3d gelu hardshrink linear logsigmoid softplus softshrink")

from . import grad as grad  # noqa: E402  torch has it in both places
from .refused import *  # noqa: E402  not in __all__: they only say that they are missing

_refuse_missing(globals())
