"""Running an exported file in onnxruntime."""

import io

import numpy as np
import pytest

import minitorch_cnn as mt


@pytest.fixture
def exported():
    """exported(model, *examples, **options): the content of the file."""
    pytest.importorskip("onnx", reason="ONNX files need the package onnx")

    def export(model, *examples, **options):
        file = io.BytesIO()
        mt.onnx.export(model, examples, file, **options)
        return file.getvalue()

    return export


@pytest.fixture
def run():
    """run(content, *arrays): what onnxruntime computes, a list of arrays."""
    runtime = pytest.importorskip("onnxruntime", reason="compares with onnxruntime")

    def session_run(content, *arrays):
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        names = [each.name for each in session.get_inputs()]
        return session.run(None, dict(zip(names, arrays, strict=True)))

    return session_run


@pytest.fixture
def check(exported, run):
    """check(model, *examples): onnxruntime gives the model's output, for two batch sizes too."""

    def compare(model, *examples, batches=(1, 3), **options):
        content = exported(model, *examples, **options)
        model.eval()
        for batch in batches:
            rng = np.random.default_rng(batch)
            arrays = [
                rng.standard_normal((batch, *each.shape[1:])).astype(each.array.dtype)
                for each in examples
            ]
            with mt.no_grad():
                expected = model(*[mt.tensor(array) for array in arrays])  # it may write there
            expected = expected if isinstance(expected, tuple) else (expected,)
            for ours, theirs in zip(expected, run(content, *arrays), strict=True):
                assert theirs.shape == ours.shape and theirs.dtype == ours.array.dtype
                scale = max(np.abs(ours.numpy()).max(initial=0), 1)
                assert np.abs(theirs - ours.numpy()).max(initial=0) <= 1e-5 * scale
        return content

    return compare
