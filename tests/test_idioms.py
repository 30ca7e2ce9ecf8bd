"""Short expressions out of public torch programs give here what they give in torch.

reference/idioms.txt lists them, make_idioms.py stores what torch 2.13 and torchvision give.
"""

import json

import make_idioms
import pytest

STORED = json.loads(make_idioms.FILE.read_text("utf-8"))

# What is not supported, on purpose: the idiom raises NotImplementedError, with a reason.
REFUSED = {
    "torch.bfloat16, x.to(torch.bfloat16).float()": "float16",
    "x.bfloat16().float()": "float16",
    "[torch.autocast('cpu', dtype=torch.bfloat16), 1][1]": "float16",
    "[b := io.BytesIO(), torch.save(torch.nn.Linear(2,2), b), 1][2]": "state_dict",
    "[b := io.BytesIO(), torch.save(torch.nn.Linear(2,2), b), b.seek(0), torch.load(b, "
    "weights_only=False)(torch.ones(1,2)).shape][3]": "state_dict",
    "torch.fx.symbolic_trace; 1": "feature_extraction",
}


@pytest.mark.parametrize("expression", make_idioms.expressions())
def test_an_idiom(expression):
    agrees = make_idioms.agrees(expression, STORED["results"][expression])
    if expression in REFUSED:
        with pytest.raises(NotImplementedError, match=REFUSED[expression]):
            make_idioms.evaluate(expression, *make_idioms.ours())
    elif expression in STORED["open"]:
        assert not agrees, "it agrees now: python tests/reference/make_idioms.py --open"
    else:
        assert agrees, make_idioms.evaluate(expression, *make_idioms.ours())


def test_what_is_refused_is_an_idiom():
    assert REFUSED.keys() <= set(make_idioms.expressions())


def test_results_that_differ_do_not_agree():
    assert make_idioms.agree([1.0, "a", None], [1.0 + 1e-7, "a", None])
    for other in ([1.0, "a"], [1.1, "a", None], [1.0, "b", None], [1.0, "a", False]):
        assert not make_idioms.agree([1.0, "a", None], other)
    assert not make_idioms.agree(True, 1.0)
