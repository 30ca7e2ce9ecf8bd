"""examples/zero.py, the whole idea in one file, against the library and against torch."""

import ast
import doctest
import re
from pathlib import Path

import numpy as np
import pytest
import zero
from hypothesis import given, strategies as st

import minitorch_cnn as mt

SOURCE = Path(zero.__file__).read_text("utf-8")
ROOT = Path(__file__).parent.parent.parent
LINE = re.compile(r"epoch \d: loss \d\.\d+, test accuracy \d+\.\d%")
LIBRARIES = ["minitorch_cnn", "torch"]


def first(x):
    """(N, H, W, C) -> (N, C, H, W), the library's order."""
    return x.permute(0, 3, 1, 2)


def last(x):
    """(N, C, H, W) -> (N, H, W, C), the order of zero.py."""
    return x.permute(0, 2, 3, 1)


def conv2d(library, x, w, b):
    return last(library.nn.functional.conv2d(first(x), first(w), b))


CONV = [(2, 6, 5, 3), (4, 3, 2, 3), (4,)]
# what is compared: (in zero.py, in a library, shapes of the arguments)
OPERATIONS = {
    "add": (lambda x, y: x + y, lambda library, x, y: x + y, [(3, 4), (3, 4)]),
    "mul": (lambda x, y: x * y, lambda library, x, y: x * y, [(3, 4), (3, 4)]),
    "conv2d_loops": (zero.conv2d_loops, conv2d, CONV),
    "conv2d": (zero.conv2d, conv2d, CONV),
    "relu": (zero.relu, lambda library, x: library.relu(x), [(2, 3, 4, 5)]),
    "max_pool": (
        zero.max_pool,
        lambda library, x: last(library.nn.functional.max_pool2d(first(x), 2)),
        [(2, 6, 4, 3)],
    ),
    "linear": (
        zero.linear,
        lambda library, x, w, b: library.nn.functional.linear(x.flatten(1), w, b),
        [(5, 2, 3, 2), (4, 12), (4,)],
    ),
    "cross_entropy": (
        lambda x: zero.cross_entropy(x, np.array([2, 0, 2, 3, 1])),
        lambda library, x: library.nn.functional.cross_entropy(x, library.tensor([2, 0, 2, 3, 1])),
        [(5, 4)],
    ),
    # x is used by three operations, y by two: the order in which they are walked back matters.
    "graph": (
        lambda x, y: (x * y + x) * (x * y) + y,
        lambda library, x, y: (x * y + x) * (x * y) + y,
        [(3, 4), (3, 4)],
    ),
}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def value_and_gradients(operation, arrays, gy):
    """With zero.py: the output, and the gradients of (output * gy).sum()."""
    tensors = [zero.Tensor(each) for each in arrays]
    y = operation(*tensors)
    (y * zero.Tensor(gy)).backward()
    return [y.data, *(each.grad for each in tensors)]


def of_library(library, operation, arrays, gy):
    tensors = [library.tensor(each, requires_grad=True) for each in arrays]
    y = operation(library, *tensors)
    y.backward(library.tensor(gy))
    return [y.detach().numpy(), *(each.grad.numpy() for each in tensors)]


def assert_close(actual, expected):
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_values_and_gradients_are_those_of(library, name, rng):
    library = pytest.importorskip(library)
    ours, theirs, shapes = OPERATIONS[name]
    arrays = [rng.standard_normal(shape) for shape in shapes]
    gy = np.asarray(rng.standard_normal(ours(*map(zero.Tensor, arrays)).data.shape))
    expected = of_library(library, theirs, arrays, gy)
    assert_close(value_and_gradients(ours, arrays, gy), expected)


@given(st.tuples(*[st.integers(1, 3)] * 7), st.integers(0))
def test_loops_and_matrix_product_agree(sizes, seed):
    N, C, K, KH, KW, OH, OW = sizes
    shapes = [(N, OH + KH - 1, OW + KW - 1, C), (K, KH, KW, C), (K,)]
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    gy = rng.standard_normal((N, OH, OW, K))
    by_loops = value_and_gradients(zero.conv2d_loops, arrays, gy)
    assert_close(value_and_gradients(zero.conv2d, arrays, gy), by_loops)


def test_the_largest_share_their_gradient_where_they_are_equal():
    picture = np.array([[5.0, 1.0, 2.0, 2.0], [5.0, 0.0, 2.0, 2.0]]).reshape(1, 2, 4, 1)
    gy = np.array([10.0, 20.0]).reshape(1, 1, 2, 1)
    y, gx = value_and_gradients(zero.max_pool, [picture], gy)
    assert y.ravel().tolist() == [5, 2]
    assert gx.reshape(2, 4).tolist() == [[5, 0, 5, 5], [5, 0, 5, 5]]


def test_large_scores_do_not_overflow():
    scores = zero.Tensor([[1e4, 0.0], [0.0, 1e4]])
    loss = zero.cross_entropy(scores, np.array([0, 0]))
    loss.backward()
    assert loss.data == 5e3
    assert scores.grad.tolist() == [[0, 0], [-0.5, 0.5]]


def test_gradients_add_up_until_the_step():
    x, y = zero.Tensor(3.0), zero.Tensor(5.0)
    product = x * y
    for total in (5, 10):
        product.backward()
        assert x.grad == total and product.grad is None
    zero.SGD([x, y], lr=0.5, momentum=0.9).step()
    assert x.data == 3 - 0.5 * 10 and x.grad is None


def test_steps_of_sgd_are_the_library_s(rng):
    arrays = [rng.standard_normal(shape) for shape in [(3, 4), (4,)]]
    ours = [zero.Tensor(each.copy()) for each in arrays]
    theirs = [mt.tensor(each, requires_grad=True) for each in arrays]
    optimizer = zero.SGD(ours, lr=0.1, momentum=0.9)
    of_the_library = mt.optim.SGD(theirs, lr=0.1, momentum=0.9)
    for lr in (0.1, 0.1, 0.03):  # the rate falls during training
        optimizer.lr = of_the_library.param_groups[0]["lr"] = lr
        for one, other in zip(ours, theirs, strict=True):
            one.grad = rng.standard_normal(one.data.shape)
            other.grad = mt.tensor(one.grad)
        optimizer.step()
        of_the_library.step()
        assert_close([each.data for each in ours], [each.detach().numpy() for each in theirs])


def test_it_is_one_short_file_on_numpy_alone():
    lines = SOURCE.splitlines()
    assert len(lines) <= 200 and max(map(len, lines)) <= 100
    imports = [each for each in ast.walk(ast.parse(SOURCE)) if "Import" in type(each).__name__]
    assert [ast.unparse(each) for each in imports] == [
        "import numpy as np",
        "from minitorch_cnn.datasets import Shapes",
    ]


def test_its_example_is_true():
    result = doctest.testmod(zero)
    assert result.attempted == 4 and result.failed == 0


@pytest.mark.parametrize("language", ["", ".ko"])
def test_the_chapter_names_everything_in_it_and_folders_that_exist(language):
    text = (ROOT / "docs" / f"reading-the-code{language}.md").read_text("utf-8")
    chapter = re.search(r"(?ms)^## [^\n]*0.*?(?=^## |\Z)", text)[0]
    defined = {each.name for each in ast.parse(SOURCE).body if hasattr(each, "name")}
    named = {each.split(".")[0] for each in re.findall(r"`([\w.]+)`", chapter)}
    assert defined <= named
    folders = set(re.findall(r"`([\w/]+/)`", chapter))
    assert len(folders) > 8
    for folder in folders:
        assert (ROOT / folder).is_dir() or (ROOT / "minitorch_cnn" / folder).is_dir(), folder
    printed = [each for each in re.findall(r"(?m)^    (\S.*)$", chapter) if LINE.fullmatch(each)]
    assert len(printed) == 6 and float(printed[-1][-5:-1]) > 60


def test_a_short_training_learns(capsys):
    """53.8 %. Where pooling hands its gradient to all four pixels it is 42 %, where the filters
    are transposed on the way back 39 %, where no gradient gets past the last convolution 34 %."""
    assert zero.train(pictures=1500, epochs=5, batch=16) > 0.47
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "1500 pictures of ten shapes, 29738 weights" and len(printed) == 6
    assert all(LINE.fullmatch(each) for each in printed[1:])


@pytest.mark.slow
def test_the_whole_training_gets_over_60_percent():
    assert zero.train() > 0.6
