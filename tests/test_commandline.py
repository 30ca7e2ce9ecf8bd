"""How programs end: a sentence, or silence behind a closed pipe."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from minitorch_cnn import commandline
from minitorch_cnn.commandline import HelpFormatter, one_sentence

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "error, words",
    [
        (MemoryError(), "error: MemoryError"),
        (MemoryError("8 GiB wanted"), "error: 8 GiB wanted"),
        (OSError(28, "No space left on device", "last.npz"), "No space left on device: 'last.npz'"),
        (Image.DecompressionBombError("too many pixels"), "error: too many pixels"),
        (ValueError("a bad value"), "error: a bad value"),
        (ImportError("pip install onnx"), "error: pip install onnx"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(error, words, monkeypatch):
    monkeypatch.delenv("MINITORCH_TRACEBACK", raising=False)
    with pytest.raises(SystemExit, match=words), one_sentence():
        raise error
    monkeypatch.setenv("MINITORCH_TRACEBACK", "1")
    with pytest.raises(type(error)), one_sentence():
        raise error


@pytest.mark.parametrize(
    "program",
    [
        *sorted(path.name for path in (ROOT / "examples").glob("*.py") if path.stem != "zero"),
        *("train", "predict", "evaluate", "export", "report", "run", "explain"),
    ],
)
def test_help_fits_a_terminal_of_80_columns(program):
    whose = [f"examples/{program}"] if program.endswith(".py") else ["-m", "minitorch_cnn", program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, *whose, "--help"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    if program.endswith(".py"):  # it describes itself, not the program whose loop it uses
        text = ast.get_docstring(ast.parse((ROOT / "examples" / program).read_text("utf-8")))
        begin = " ".join(text.partition("\n\n")[0].split())
        assert begin in " ".join(done.stdout.split())


def test_help_keeps_commands_and_fills_paragraphs():
    text = (
        "One\ntwo.\n\n    a   command \\\n        its end\n\nA list:\n\n- first\n  item\n- second\n"
    )
    filled = HelpFormatter("program")._fill_text(text, 12, "")
    expected = (
        "One two.\n\n    a   command \\\n        its end\n\nA list:\n\n- first item\n- second"
    )
    assert filled == expected
    assert HelpFormatter("program")._fill_text("- a b c d e", 7, "") == "- a b c\n  d e"


def test_an_interruption_is_one_word(capsys):
    with pytest.raises(SystemExit) as caught, one_sentence():
        raise KeyboardInterrupt
    assert caught.value.code == 130 and capsys.readouterr().err == "interrupted\n"


def test_a_look_at_one_pixel_compiles_nothing(tmp_path):
    """Which would take a minute the first time, in silence."""
    pytest.importorskip("matplotlib")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path / "new")}
    environment["MINITORCH_CNN_KERNELS"] = "auto"
    command = [sys.executable, "-m", "minitorch_cnn", "explain", "pixel", "--out", "a.png"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("y[") and done.stderr == ""
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_closed_pipe_is_no_error():
    """As with `| head`: who reads goes away before all is written."""
    code = """
from minitorch_cnn import commandline
from minitorch_cnn.commandline import one_sentence
with one_sentence():
    for number in range(100_000):
        print("line", number)
"""
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert program.stdout.readline() == b"line 0\n"
    program.stdout.close()
    assert program.stderr.read() == b""
    assert program.wait() == 141


def test_only_compiling_that_takes_a_moment_is_announced(monkeypatch, capsys):
    """Passes of the compiler, one inside of another, and the time that they have taken."""
    event = pytest.importorskip("numba.core.event", reason="nothing is compiled without Numba")
    listeners, now = [], [100.0]
    monkeypatch.setattr(event, "register", lambda kind, listener: listeners.append(listener))
    monkeypatch.setattr(commandline.time, "perf_counter", lambda: now[0])
    commandline.announce_compiling.__wrapped__()
    (listener,) = listeners
    for _ in range(9):  # of 0.1 s each, long apart from each other
        listener.on_start(None)
        now[0] += 0.05
        listener.on_start(None)
        now[0] += 0.05
        listener.on_end(None)
        listener.on_end(None)
        now[0] += 60
    assert capsys.readouterr().err == ""
    listener.on_start(None)
    now[0] += 0.2
    listener.on_start(None)
    assert capsys.readouterr().err == "compiling kernels, once, up to a minute\n"
    listener.on_start(None)  # no terminal: it is said once
    assert capsys.readouterr().err == ""
