"""The ResNet example by several processes: one run, exact metrics, stopping and going on."""

import csv
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import training
from minitorch_cnn.distributed.run import find_mpiexec
from minitorch_cnn.training import Group

pytest.importorskip("mpi4py", reason="needs the extra mpi")

PROGRAM = Path(__file__).with_name("run_example.py")
OPTIONS = ["--batch-size", "12", "--epochs", "2", "--seed", "3"]


def start(processes, out, *options, **environment):
    """(exit status, what was printed) of the example by so many processes."""
    launcher = [find_mpiexec(), "-n", str(processes)] if processes > 1 else []
    return ended(launcher, out, *options, **environment)


def ended(launcher, out, *options, **environment):
    command = [*launcher, sys.executable, str(PROGRAM), *OPTIONS, "--out", str(out), *options]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        env={**os.environ, "MINITORCH_CNN_KERNELS": "array", **environment},
    )  # fmt: skip
    return result.returncode, result.stdout


def rows(out):
    with open(out / "metrics.csv") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def weights(out):
    return {name: value.numpy() for name, value in mt.load(out / "last.npz")["model"].items()}


def test_one_and_three_processes_give_the_same_metrics(tmp_path):
    """Of 41 test images one process has 13, so an average of averages would be another number."""
    options = ["--no-augment", "--sync-batchnorm", "--lr", "0.01"]
    status, _ = start(1, tmp_path / "1", *options, ONE_ORDER="1")
    assert status == 0
    status, printed = start(3, tmp_path / "3", *options)
    assert status == 0, printed
    assert printed.count("loading shapes") == printed.count("epoch   2/2") == 1  # rank 0 alone
    assert "numpy, 3 processes" in printed and "images/s" in printed
    one, three = rows(tmp_path / "1"), rows(tmp_path / "3")
    assert len(one) == len(three) == 2
    for a, b in zip(one, three, strict=True):
        for name in a:
            exact = name.endswith("accuracy")
            assert b[name] == (a[name] if exact else pytest.approx(a[name], rel=1e-4)), name
    for (name, a), b in zip(
        weights(tmp_path / "1").items(), weights(tmp_path / "3").values(), strict=True
    ):
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-4, err_msg=name)
    assert mt.load(tmp_path / "3" / "last.npz")["count"] == 48  # 4 batches of 12 in all


def test_a_stopped_job_goes_on_by_the_same_command(tmp_path):
    """Ctrl-C reaches one process, all stop at the same step; with as many processes the rest of
    the run has the same bits, with one it has the same steps."""
    whole, stopped, alone = tmp_path / "whole", tmp_path / "stopped", tmp_path / "alone"
    status, printed = start(2, whole)
    assert status == 0, printed
    status, printed = start(2, stopped, "--continue", INTERRUPT="2,3,1")
    assert status == 130, printed
    assert printed.count("interrupted after step 3 of epoch 2") == 1
    assert "    mpiexec -n 2 python" in printed
    shutil.copytree(stopped, alone)

    status, printed = start(2, stopped, "--continue")
    assert status == 0 and "epoch   1/2" not in printed and "epoch   2/2" in printed, printed
    assert (stopped / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()
    for (name, a), b in zip(weights(whole).items(), weights(stopped).values(), strict=True):
        assert np.array_equal(a, b), name

    status, printed = start(1, alone, "--continue")
    assert status == 0, printed
    after, as_whole = mt.load(alone / "last.npz"), mt.load(whole / "last.npz")
    assert after["rates"] == as_whole["rates"] and after["count"] == as_whole["count"] == 48
    assert len(after["loaders"]) == 1 and len(as_whole["loaders"]) == 2


def test_a_process_that_fails_ends_all_and_the_checkpoint_is_whole(tmp_path):
    status, printed = start(2, tmp_path, RAISE="2,2,1")
    assert status not in (0, 130)
    assert "rank 1 on " in printed and "RuntimeError: the test's own error" in printed
    assert "in record" in printed  # the traceback
    assert mt.load(tmp_path / "last.npz")["epoch"] == 1 and len(rows(tmp_path)) == 1


def test_what_rank_0_finds_ends_all(tmp_path):
    (tmp_path / "file").write_text("")
    status, printed = start(2, tmp_path / "file")
    assert status not in (0, 130)
    assert printed.count("file is a file; name a folder") == 1, printed


def test_across_two_hosts(tmp_path):
    """Network namespaces with names and addresses of their own; the messages go over TCP."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("network namespaces need root, and ip and unshare")
    if subprocess.run(["ip", "netns", "add", "mtprobe"], capture_output=True).returncode:
        pytest.skip("this machine makes no network namespaces")
    subprocess.run(["ip", "netns", "del", "mtprobe"], check=True)
    launcher = [sys.executable, str(PROGRAM.parents[2] / "benchmarks" / "two_hosts.py")]
    status, printed = ended(launcher, tmp_path, RAISE="2,2,1")
    assert status not in (0, 130), printed
    assert "numpy, 2 processes" in printed and "epoch   1/2" in printed, printed
    assert "rank 1 on host2" in printed and "the test's own error" in printed, printed
    assert mt.load(tmp_path / "last.npz")["epoch"] == 1


def group_of(size, rank):
    group = Group("numpy")
    group.size, group.rank = size, rank
    return group


def test_shares_and_parts():
    assert group_of(1, 0).share(7) == 7 and group_of(3, 1).share(12) == 4
    with pytest.raises(ValueError, match=r"--batch-size 7 is for all .* their number, 2"):
        group_of(2, 0).share(7)
    assert group_of(1, 0).part(5) is None  # the loader's own order
    parts = [list(group_of(3, rank).part(8)) for rank in range(3)]
    assert sorted(itertools.chain(*parts)) == list(range(8))  # once each


def rates(**options):
    defaults = dict(
        lr=0.1, lr_scale="linear", batch_size=512, epochs=10, scheduler="step", optimizer="sgd",
        weight_decay=0.0, momentum=0.9, warmup_epochs=None,
    )  # fmt: skip
    args = SimpleNamespace(**{**defaults, **options})
    optimizer = training.make_optimizer(args, mt.nn.Linear(1, 1))
    scheduler = training.make_scheduler(args, optimizer, steps_per_epoch=4)
    found = []
    for _ in range(4 * args.epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_the_learning_rate_grows_with_the_batch():
    """Goyal et al.: four times the batch, four times the rate, after a linear warm-up."""
    found = rates()
    warm_up = 8  # a fifth of 40 steps
    expected = [0.1 + 0.3 * step / warm_up for step in range(warm_up)]
    assert found[:warm_up] == pytest.approx(expected)
    assert found[warm_up : warm_up + 16] == pytest.approx([0.4] * 16)  # half of the other 32
    assert found[-1] == pytest.approx(0.004)
    assert rates(epochs=100)[20] == pytest.approx(0.4)  # five epochs at most
    assert rates(epochs=100)[19] < 0.4
    assert rates(lr_scale="none") == rates(batch_size=128)
    assert rates(batch_size=64)[0] == pytest.approx(0.05)  # less: no warm-up
    assert max(rates(scheduler="onecycle")) == pytest.approx(0.4, rel=0.05)
