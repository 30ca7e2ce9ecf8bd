"""python -m minitorch_cnn: the command line of the package."""

import importlib
import sys

# What reads its own options, and is loaded alone: `run` does not wait for the learning tools.
COMMANDS = {
    "run": "run.command",
    "predict": "predict",
    "train": "training.command",
    "evaluate": "training.evaluation",
    "export": "training.export",
    "report": "training.report",
}

if __name__ == "__main__":
    module = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if module is not None:
        importlib.import_module(f"minitorch_cnn.{module}").main(sys.argv[2:])
    else:
        from .explain.commands import main

        main()
