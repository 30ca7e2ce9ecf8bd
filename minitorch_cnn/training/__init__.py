"""Training in earnest: what surrounds a training loop, for the examples and `train`.

    python -m minitorch_cnn train --data photos --model resnet18 --out runs/photos
    python -m minitorch_cnn evaluate runs/photos
    python -m minitorch_cnn export runs/photos --onnx model.onnx

    options.py      the options, and run.toml, by which a run is repeated
    data.py         built-in data sets and folders, in batches
    photos.py       a folder of class folders: its split, damaged files
    recipe.py       loss, optimizer, learning rate, and the step: --accumulate, --ema, --amp
    loop.py         the training loop of the command; the examples have their own
    run.py          the run's folder: metrics, checkpoints, pictures, exact continuation
    lr_finder.py    which learning rate to take
    processes.py    what several processes have to agree on
    progress.py     a bar, or lines
    pictures.py     what is drawn at the end
    report.py       report.html, of report_page.py, markup.py and svg.py
    board.py        a run as TensorBoard shows it
    command.py, evaluation.py, export.py    the commands

docs/training.md describes the commands.
"""

from .data import load_data as load_data
from .loop import build_small as build_small, evaluate as evaluate
from .options import add_options as add_options, parse as parse, positive as positive
from .processes import Group as Group
from .recipe import make_optimizer as make_optimizer, make_scheduler as make_scheduler
from .run import Run as Run
