"""The chapter on distributed training: its blocks run, its tables are made, languages agree."""

import doctest
import importlib.util
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ["", ".ko"]


def program(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scaling, pictures = (program(DOCS / f"{name}.py") for name in ("scaling", "two_processes"))


def text_of(language=""):
    return (DOCS / f"distributed{language}.md").read_text("utf-8")


def test_every_block_gives_what_stands_below_it():
    pytest.importorskip("mpi4py", reason="a group of one, too, is MPI's")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text_of(), re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "distributed", "distributed.md", 0)
    assert len(test.examples) > 20
    problems = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=problems.append)
    assert result.failed == 0, "".join(problems)


def test_both_languages_have_the_same_code_formulas_tables_and_pictures():
    english, korean = text_of(), text_of(".ko")
    for pattern in (r"```python\n.*?```", r"\$\$.+?\$\$"):
        assert re.findall(pattern, english, re.DOTALL) == re.findall(pattern, korean, re.DOTALL)
    for pattern in (r"\]\((images/.+?)\)", r"(?m)^    \S.*$", r"`[\w./]+\.py`"):
        assert re.findall(pattern, english) == re.findall(pattern, korean)
    headings = [re.findall(r"^(#+) ", each, re.MULTILINE) for each in (english, korean)]
    assert headings[0] == headings[1] and english.count("\n| ") == korean.count("\n| ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_and_paths_lead_somewhere(language):
    text = text_of(language)
    for target in re.findall(r"\]\(([^:)]+)\)", text):
        assert (DOCS / target).exists(), target
    for path in re.findall(r"`(?:python )?((?:docs|examples|benchmarks|tests)/[\w/]+\.py)", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_are_those_of_the_model(language):
    text = text_of(language)
    made = {
        "on paper": f"{scaling.weak_table()}\n{scaling.strong_table()}",
        "limits": scaling.limits(),
    }
    for place, content in made.items():
        assert scaling.filled(text, place, content) == text, "run python docs/scaling.py"
    assert scaling.filled(text, "measured", "    1\n").count("\n    1\n<!-- end of measured") == 1
    with pytest.raises(ValueError, match="0 places for 'nowhere'"):
        scaling.filled(text, "nowhere", "")


def test_the_model_by_hand():
    # Two hosts swap halves twice; four hosts pair up twice, and back.
    assert scaling.ring(2, 100.0, 1.0, 10.0) == pytest.approx(2 * (1 + 5))
    assert scaling.tree(4, 100.0, 1.0, 10.0) == pytest.approx(4 * (1 + 10))
    assert scaling.ring(1, 100.0, 1.0, 10.0) == scaling.tree(1, 100.0, 1.0, 10.0) == 0
    for network in scaling.NETWORKS:
        assert scaling.step(1, 64, network, "best") == pytest.approx(scaling.SECONDS)
        ring, tree, best = (scaling.step(8, 64, network, each) for each in ("ring", "tree", "best"))
        assert best <= min(ring, tree)
    # All of the communication but the last stage's hides behind backward, if it is quick.
    alpha, rate = scaling.NETWORKS["100 Gbit/s"]
    last = scaling.ring(2, 4 * scaling.PARAMETERS["the rest"], alpha, rate)
    assert scaling.step(2, 64, "100 Gbit/s", "ring") == pytest.approx(scaling.SECONDS + last)
    network = mt.models.cifar.resnet18()
    assert sum(scaling.PARAMETERS.values()) == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("hosts", [2, 3, 5])
def test_the_rings_messages_add_up(hosts):
    """The picture's messages, carried out, are an all-reduce."""
    rng = np.random.default_rng(hosts)
    held = rng.integers(0, 9, (hosts, hosts))
    total = held.sum(axis=0)
    for step in pictures.messages(hosts):
        sent = [(host, part, held[host, part], adds) for host, part, adds in step]
        for host, part, number, adds in sent:
            after = (host + 1) % hosts
            held[after, part] = number + adds * held[after, part]
    assert (held == total).all()


def test_pictures_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="the pictures are drawn with it")
    pictures.draw_ring().savefig(tmp_path / "distributed-ring.png", dpi=100)
    one = [["forward", 1.0, 1.1, 0], ["backward", 1.1, 1.3, 0], ["optimizer", 1.3, 1.31, 0]]
    one += [["waits", 1.25, 1.3, 0], ["sends", 1.2, 1.25, 300_000]]
    pictures.draw_step([one, one]).savefig(tmp_path / "distributed-step.png", dpi=100)
    scaling.PICTURE = tmp_path / "distributed-scaling.png"
    scaling.draw()
    for drawn in tmp_path.iterdir():
        with Image.open(drawn) as new, Image.open(DOCS / "images" / drawn.name) as stored:
            assert new.size == stored.size, drawn.name
    assert len(list(tmp_path.iterdir())) == 3


def test_the_commands_are_the_programs_own():
    commands = re.findall(r"(?m)^    (mpiexec .*|python .*)$", text_of())
    assert len(commands) >= 3
    for command in map(shlex.split, commands):
        if "examples/train_resnet_cifar.py" in command:
            assert (ROOT / "examples/train_resnet_cifar.py").exists()
    options = program(ROOT / "minitorch_cnn/distributed/run.py").__doc__
    assert "--nproc-per-node" in options
