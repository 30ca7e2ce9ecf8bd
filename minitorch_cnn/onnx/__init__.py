"""ONNX files: networks that other programs can run, and networks of others that run here.

    mt.onnx.export(model, mt.randn(1, 3, 224, 224), "model.onnx")
    model = mt.onnx.load("model.onnx")

Both need the package onnx: pip install 'minitorch-cnn[interop]'.
"""

from .export import export, is_in_onnx_export
from .load import Graph, load

__all__ = ["Graph", "export", "is_in_onnx_export", "load"]
