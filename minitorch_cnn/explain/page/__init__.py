"""The interactive page: a network, one picture, and every number between them, in one HTML file.

recording.py   one picture forward and backward: all layers with their values and gradients
weights.py     what the weights of its convolutions get
packing.py     these numbers, exact and small
writing.py     the file: template, style and program from assets/, and the numbers
command.py     python -m minitorch_cnn explain page
assets/        what the browser runs; arithmetic.js has the convolution in plain loops
"""

from .recording import Layer, record
from .writing import page_html, write_page

__all__ = ["Layer", "page_html", "record", "write_page"]
