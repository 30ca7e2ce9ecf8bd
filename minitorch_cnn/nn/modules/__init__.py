"""The layers, one family a file; each name is written in the `__all__` of its file."""

import typing as _typing

from ...missing import refuse_missing as _refuse_missing
from ...ops.common import public_names as _public_names
from .activation import *
from .adaptive import *
from .attention import *
from .batchnorm import *
from .container import *
from .conv import *
from .distance import *
from .dropout import *
from .flatten import *
from .fold import *
from .instancenorm import *
from .lazy import *
from .linear import *
from .loss import *
from .loss_margin import *
from .module import Module
from .normalization import *
from .padding import *
from .pooling import *
from .rnn import *
from .softmax import *
from .sparse import *
from .syncbatchnorm import *
from .transformer import *
from .upsampling import *

if not _typing.TYPE_CHECKING:  # type checkers take the imports with * as they stand
    __all__ = _public_names(globals())

_refuse_missing(globals())
