"""python -m minitorch_cnn: the command line of the package."""

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:  # what runs a program does not wait for the learning tools
        from .run.command import main as run

        run(sys.argv[2:])
    elif sys.argv[1:2] == ["predict"]:
        from .predict import main as predict

        predict(sys.argv[2:])
    elif sys.argv[1:2] == ["report"]:
        from .training.report import main as report

        report(sys.argv[2:])
    else:
        from .explain.commands import main

        main()
