"""`import torch` gives this package, within a block or a process, and nothing is left behind."""

import importlib.util
import json
import pickle
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.run import install, installed, stand_in
from minitorch_cnn.run.names import look_up
from minitorch_cnn.run.standin import real_name, torch_name

STORED = json.loads((Path(__file__).parents[1] / "reference" / "names.json").read_text())["names"]


def names(library):
    return {name for name in sys.modules if name.partition(".")[0] == library}


def test_modules_are_the_packages_own_and_gone_afterwards():
    real = sys.modules.get("torch")
    before = names("torch") | names("torchvision")
    with stand_in():
        import torch
        import torch.nn.functional as F
        import torch.optim.lr_scheduler
        import torch.utils.data as data
        import torchvision
        from torch import nn
        from torch.utils.data import DataLoader
        from torchvision import models, transforms
        from torchvision.datasets import CIFAR10

        assert torch is not mt and torch is not real
        assert torch.nn is nn is mt.nn and F is mt.nn.functional and data.DataLoader is DataLoader
        assert torch.optim.lr_scheduler is mt.optim.lr_scheduler
        assert models is torchvision.models is mt.models and transforms is mt.transforms
        assert CIFAR10 is mt.datasets.CIFAR10
        assert torch.zeros is mt.zeros and torch.Tensor is mt.Tensor and torch.float is mt.float
        assert installed()
        with stand_in():  # within another
            assert sys.modules["torch"] is torch
    assert not installed() and sys.modules.get("torch") is real
    assert names("torch") | names("torchvision") == before


def test_each_namespace_has_its_own_names_only():
    """No name of torchvision's, and none that is only ours."""
    with stand_in():
        import torch
        import torchvision

        for name in ("models", "transforms", "datasets", "io", "explain", "set_backend", "run"):
            assert not hasattr(torch, name)
            with pytest.raises(ImportError):
                importlib.import_module(f"torch.{name}")
            with pytest.raises(ImportError):
                exec(f"from torch import {name}")
        for name in ("zeros", "nn", "Tensor", "optim"):
            assert not hasattr(torchvision, name)
            with pytest.raises(ModuleNotFoundError):
                importlib.import_module(f"torchvision.{name}")
        extra = {name for name in dir(torch) if name[0] != "_"} - set(STORED["torch"].split())
        modules = {"hub", "testing", "onnx", "linalg", "amp", "autograd", "nn", "ops", "optim"}
        functions = {n for n in extra if not isinstance(getattr(torch, n), types.ModuleType)}
        assert not {name for name in functions if name[-1] != "_"}  # lgamma_ and others
        assert len(extra - modules) < 10
        assert {name for name in dir(torchvision) if name[0] != "_"} >= {
            "models",
            "transforms",
            "utils",
        }
        everything = {}
        exec("from torch import *", everything)
        assert everything["cat"] is mt.cat and "models" not in everything


def test_versions_pass_the_usual_checks():
    version = pytest.importorskip("packaging.version")
    with stand_in():
        import torch
        import torchvision

    for module, least in ((torch, (2, 13)), (torchvision, (0, 28))):
        text = module.__version__
        assert isinstance(text, str) and text.endswith("+minitorch")
        assert version.parse(text) >= version.parse(".".join(map(str, least)))
        assert tuple(int(part) for part in text.split("+")[0].split(".")) >= least
        assert [int(part) for part in text.split(".")[:2]] == list(least)
        assert text >= least and text > (0, 4, 1) and not text < least and text <= "99.0"
        assert text == text[:] and text != "1.0" and text < (100,) and text > "0.0.1"
    assert torch.__version__ > "2.2" and torch.__version__ >= "1.10.0"  # as numbers, not as text
    assert torch.__version__ == (2, 13, 0) and hash(torch.__version__) == hash("2.13.0+minitorch")


def test_what_a_program_assigns_has_its_effect(monkeypatch):
    monkeypatch.setattr(mt.backends.cudnn, "benchmark", False)
    with stand_in():
        import torch
        import torch.backends.cudnn as cudnn

        torch.backends.cudnn.benchmark = True
        assert cudnn.benchmark and mt.backends.cudnn.benchmark
        cudnn.benchmark = False
        torch.of_the_program = 3
    assert not hasattr(mt, "of_the_program")


def test_functions_named_as_their_module_stay_functions():
    with stand_in():
        import torch
        import torch.autograd.gradcheck
        from torch.nn.utils.spectral_norm import spectral_norm

        assert spectral_norm is mt.nn.utils.spectral_norm is torch.nn.utils.spectral_norm
        assert callable(torch.autograd.gradcheck) and callable(torch.tensor)
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("torch.tensor")


def test_pickles_that_name_torch_find_the_classes_here():
    text = b"(ctorch.nn.modules.linear\nLinear\nctorch\nSize\nctorch\nfloat64\ntorch.\n"
    text = text.replace(b"torch.\n", b"t.")
    with stand_in():
        assert pickle.loads(text) == (mt.nn.Linear, mt.Size, mt.float64)


def test_what_is_missing_is_named_as_torch_names_it():
    with stand_in():
        import torch

        with pytest.raises(NotImplementedError, match=r"^torch\.sparse_coo_tensor is not supp"):
            _ = torch.sparse_coo_tensor
        with pytest.raises(ImportError, match=r"^torch\.quantization is not supported: there"):
            importlib.import_module("torch.quantization")
        with pytest.raises(NotImplementedError, match=r"^torch\.quantization is not supported"):
            exec("from torch import quantization")
        for name in ("torch._dynamo", "torch._six", "torchvision._C", "torchaudio"):
            with pytest.raises(ModuleNotFoundError, match=f"^No module named '{name}'"):
                importlib.import_module(name)
        assert getattr(torch, "ipu", None) is None and not hasattr(torch, "_dynamo")
        assert importlib.util.find_spec("torch") and importlib.util.find_spec("torch.nn")
        assert importlib.util.find_spec("torch._dynamo") is None


def test_what_libraries_call_of_the_private_module():
    with stand_in():
        import torch

        assert torch._C._log_api_usage_once("torchmetrics") is None
        assert importlib.import_module("torch._C") is torch._C
        double = torch.ones(1, dtype=torch.float64)
        for args, kwargs, expected in [
            (("cpu", torch.float64, True), {}, ("cpu", torch.float64, True, None)),
            ((torch.float64,), {"non_blocking": True}, (None, torch.float64, True, None)),
            ((double, False), {}, ("cpu", torch.float64, False, None)),
            ((), {"memory_format": torch.channels_last}, (None, None, False, torch.channels_last)),
        ]:
            place, *rest = torch._C._nn._parse_to(*args, **kwargs)
            assert (place and place.type, *rest) == expected
        with pytest.raises(AttributeError, match=r"^module 'torch\._C' has no attribute '_jit_'"):
            torch._C._jit_  # noqa: B018
        with pytest.raises(ImportError, match=r"'torch\._C'"):
            exec("from torch._C import _jit_")


def test_what_copies_of_torchvisions_files_call():
    with stand_in():
        import torch
        import torchvision
        from torchvision.utils import _log_api_usage_once

        _log_api_usage_once(torch)
        torch._assert(True, "fine")
        with pytest.raises(AssertionError, match="not fine"):
            torch._assert(False, "not fine")
        assert torchvision.get_image_backend() == "PIL"
        torchvision.set_image_backend("PIL")
        with pytest.raises(ValueError, match="'accimage'"):
            torchvision.set_image_backend("accimage")
        torchvision.disable_beta_transforms_warning()
    assert look_up("torchvision.get_image_backend")[1] is None
    assert look_up("torch.get_image_backend")[1] is not None


def test_values_are_shown_as_torch_shows_them():
    with stand_in():
        import torch

        x = torch.zeros(2, 1, dtype=torch.float64)
        assert str(x.shape) == "torch.Size([2, 1])" and str(x.dtype) == "torch.float64"
        assert repr(x).endswith("dtype=torch.float64)")
        kinds = [type(x), type(torch.nn.Parameter(x))]
        assert repr(kinds) == "[<class 'torch.Tensor'>, <class 'torch.nn.parameter.Parameter'>]"
        assert pickle.loads(pickle.dumps(kinds)) == kinds
    assert repr(kinds[0]) == "<class 'minitorch_cnn.tensor.Tensor'>"
    assert repr(kinds[1]) == "<class 'minitorch_cnn.nn.parameter.Parameter'>"
    assert str(x.shape) == "minitorch_cnn.Size([2, 1])" and str(x.dtype).startswith("minitorch")


def test_a_file_is_torchs_whatever_it_is_called(tmp_path):
    path = tmp_path / "model.pth.tar"
    with stand_in():
        import torch

        torch.save({"x": torch.ones(2)}, path)
        assert zipfile.is_zipfile(path)
        assert any(name.endswith("data.pkl") for name in zipfile.ZipFile(path).namelist())
        torch.save([np.ones(2)], path, _use_new_zipfile_serialization=False)
        assert torch.load(path)[0].tolist() == [1, 1]
        with pytest.raises(TypeError, match="cannot save"):
            torch.save([object()], path)
        torch.save({"x": torch.ones(2)}, path)
    real = pytest.importorskip("torch")
    assert real.load(path)["x"].tolist() == [1, 1]


def test_names_there_and_back():
    for name in ("torch.nn.Linear", "torchvision.models.resnet", "torch.utils.data"):
        assert torch_name(real_name(name)) == name
    assert real_name("torchvision.utils.make_grid") == "minitorch_cnn.utils.make_grid"
    assert real_name("torchvision.ops.nms") == "minitorch_cnn.vision_ops.nms"
    assert torch_name("minitorch_cnn.utils.draw_x") == "torchvision.utils.draw_x"
    assert torch_name("Tensor.storage") == "Tensor.storage"
    assert real_name("torch.transforms") is real_name("numpy.zeros") is None


def test_the_real_torch_is_not_replaced_under_a_running_program(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    with pytest.raises(RuntimeError, match=r"^torch .*loaded already|^torch and torchvision is"):
        install()
    assert not installed()


def test_functorch_is_torch_func_and_modules_as_functions():
    with stand_in():
        import functorch
        import torch

        model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).eval()
        x = torch.randn(4, 2)
        function, params, buffers = functorch.make_functional_with_buffers(model)
        assert torch.equal(function(params, buffers, x), model(x))
        assert params[0] is not model[0].weight and all(each.requires_grad for each in params)
        model[0].weight.data.zero_()  # the function has its own
        assert not torch.equal(function(params, buffers, x), model(x))
        with pytest.raises(RuntimeError, match="has buffers"):
            functorch.make_functional(model)
        layer = torch.nn.Linear(2, 1)
        call, (weight, bias) = functorch.make_functional(layer, disable_autograd_tracking=True)
        assert not weight.requires_grad and not bias.requires_grad
        gradient = functorch.grad(lambda w: call((w, bias), x).sum())(weight)
        assert torch.allclose(gradient, x.sum(dim=0, keepdim=True))
        layers = [torch.nn.Linear(2, 1) for _ in range(3)]
        together, stacked, none = functorch.combine_state_for_ensemble(layers)
        results = functorch.vmap(together, (0, 0, None))(stacked, none, x)
        assert torch.allclose(results, torch.stack([each(x) for each in layers]))
        with pytest.raises(ImportError, match="compile"):
            import functorch.compile


def test_what_torchvisions_training_programs_call():
    with stand_in():
        import torch

        kinds = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.instancenorm._InstanceNorm)
        for layer, kind in zip((torch.nn.BatchNorm2d(2), torch.nn.InstanceNorm1d(2)), kinds):
            assert isinstance(layer, kind)
        torch.manual_seed(0)
        drawn = torch._sample_dirichlet(torch.tensor([0.2, 0.2]))
        assert drawn.dtype is torch.float32 and drawn.sum().item() == pytest.approx(1)
        assert look_up("torch._sample_dirichlet")[1] is None
    with mt.random.fork_rng():
        real = pytest.importorskip("torch")
        for seed in range(3):
            real.manual_seed(seed)
            mt.manual_seed(seed)
            expected = real._sample_dirichlet(real.tensor([0.2, 1.5, 3.0])).tolist()
            assert mt._sample_dirichlet(mt.tensor([0.2, 1.5, 3.0])).tolist() == pytest.approx(
                expected, rel=1e-6
            )
