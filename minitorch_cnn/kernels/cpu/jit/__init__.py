"""Compiling: vectors, register tiles, threads. Nothing here knows of convolutions."""
