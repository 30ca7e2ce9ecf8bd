"""Names of torch that are not here are refused with a reason, and hasattr still works."""

import pytest

import minitorch_cnn as mt

OWNERS = (
    "", "nn", "nn.functional", "optim", "optim.lr_scheduler", "utils.data", "linalg", "autograd",
)  # fmt: skip


def owner_of(library, path):
    for part in filter(None, path.split(".")):
        library = getattr(library, part)
    return library


def check(owner, name):
    if hasattr(owner, name):
        return True
    assert getattr(owner, name, None) is None
    with pytest.raises(NotImplementedError, match=f"{name} is not supported: .+"):
        getattr(owner, name)
    return False


@pytest.mark.parametrize("path", OWNERS)
def test_every_public_name_is_there_or_refused(path):
    torch = pytest.importorskip("torch")
    names = [name for name in dir(owner_of(torch, path)) if not name.startswith("_")]
    assert sum(check(owner_of(mt, path), name) for name in names) > 5


def test_methods_of_a_tensor():
    torch = pytest.importorskip("torch")
    x = mt.zeros(1)
    there = 0
    for name in dir(torch.Tensor):
        if not name.startswith("_") and not hasattr(mt.Tensor, name):
            assert not hasattr(x, name)
            with pytest.raises(NotImplementedError, match=f"Tensor.{name} is not supported"):
                getattr(x, name)
        else:
            there += 1
    assert there > 300


def test_torchvisions_names():
    assert not check(mt.models, "vit_b_16")
    assert not check(mt.datasets, "CelebA")
    assert not check(mt.transforms, "ElasticTransform")
    assert not check(mt.transforms.functional, "perspective")
    assert not check(mt.io, "encode_png")
    with pytest.raises(ImportError, match="vit_b_16"):
        from minitorch_cnn.models import vit_b_16  # noqa: F401


def test_private_names_are_only_absent():
    with pytest.raises(AttributeError) as error:
        _ = mt.nn._nothing
    assert not isinstance(error.value, NotImplementedError)
