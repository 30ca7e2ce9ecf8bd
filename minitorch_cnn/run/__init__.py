"""Programs written for torch, run as they are: python -m minitorch_cnn run train.py ...

The same as functions:

    from minitorch_cnn.run import install, missing_names, run_program, stand_in

    install()                              # `import torch` gives this package from now on
    with stand_in(): ...                   # only inside the block
    run_program("train.py", "--epochs", "3")
    missing_names("train.py")              # without running it

and for tests: pytest -p minitorch_cnn.pytest_plugin --torch-is-minitorch
"""

from .names import Missing, missing_names
from .program import run_program
from .standin import install, installed, stand_in

__all__ = ["Missing", "install", "installed", "missing_names", "run_program", "stand_in"]
