"""python -m minitorch_cnn: the command line of the package."""

from .explain.commands import main

if __name__ == "__main__":
    main()
