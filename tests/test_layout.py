"""Tests lie beside the names of what they test."""

from pathlib import Path

import pytest

import minitorch_cnn

OPS = Path(minitorch_cnn.__file__).parent / "ops"
TESTS = Path(__file__).parent / "ops"
FILES = [file.relative_to(OPS) for file in sorted(OPS.rglob("*.py")) if file.stem != "__init__"]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_of_ops_has_a_file_of_tests(file):
    """ops/conv.py is tested in tests/ops/test_conv.py."""
    tests = TESTS / file.with_name(f"test_{file.name}")
    assert tests.is_file(), f"ops/{file} has no {tests.relative_to(TESTS.parent)}"
    assert "\ndef test_" in (text := tests.read_text()) or "\ntest_" in text
