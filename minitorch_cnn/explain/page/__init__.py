"""The interactive page: a network, one picture, and every number between them, in one HTML file.

subjects.py    the network and the picture, whatever they are given as
recording.py   one picture forward and backward: all layers with their values and gradients
weights.py     what the weights of its convolutions get
operations.py  what each operation is to the page; places.py: where its numbers are
composed.py    operations that are several layers; volumes.py: those of three dimensions
formulas.py    what is computed of parameters alone, before a layer uses it
frozen.py      what was chosen for this picture where nobody can watch
merging.py     operations that are one layer, and the layers' names
packing.py     these numbers, exact and small
guiding.py     guided tours, those in tours/ and a teacher's own
writing.py     the file: template, style and program from assets/, and the numbers
command.py     python -m minitorch_cnn explain page
assets/        what the browser runs; arithmetic.js and kinds.js have the layers in plain loops
"""

from .recording import Layer, record
from .writing import Page, make_page, page_html, write_page

__all__ = ["Layer", "Page", "make_page", "page_html", "record", "write_page"]
