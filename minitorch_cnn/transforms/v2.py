"""torchvision.transforms.v2, which is not here: asking it for a name says so.

Transforms of boxes and masks beside the image are what is missing; those of images alone have the
same names in `minitorch_cnn.transforms`.
"""

from ..missing import refuse_missing as _refuse_missing

_refuse_missing(globals())
