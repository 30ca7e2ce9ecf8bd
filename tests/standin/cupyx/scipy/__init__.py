"""cupyx.scipy, as far as the package uses it."""
