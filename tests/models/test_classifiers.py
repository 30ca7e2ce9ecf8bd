"""Networks of `models` as classifiers of other classes, with new weights or published ones."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.models.classifiers import (
    build_classifier,
    check_size,
    is_file,
    last_layer,
    replace_last_layer,
    usual_channels,
    usual_size,
    usual_statistics,
)


@pytest.mark.parametrize(
    "name", ["squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small", "mnasnet0_5", "lenet5"]
)
def test_the_last_layer_is_found_and_replaced(name):
    model = build_classifier(name, 7, image_size=32)
    check_size(name, model, 3, 32)
    layer = last_layer(model)
    assert 7 in (getattr(layer, "out_features", 0), getattr(layer, "out_channels", 0))
    replace_last_layer(model, 5)
    assert last_layer(model) is not layer
    with mt.no_grad(), mt.kernel_tier("array"):
        assert model.eval()(mt.zeros(2, 3, 32, 32)).shape == (2, 5)


def test_weights_that_come_along_get_a_new_last_layer():
    known = mt.models.cifar_resnet20(weights="SHAPES").state_dict()
    model = build_classifier("cifar_resnet20", 3, weights="SHAPES")
    for name, value in model.state_dict().items():
        if not name.startswith("fc."):
            np.testing.assert_array_equal(value.numpy(), known[name].numpy(), err_msg=name)
    assert model.fc.weight.shape == (3, 64)
    same = build_classifier("cifar_resnet20", 10, weights="SHAPES")
    np.testing.assert_array_equal(same.fc.weight.detach().numpy(), known["fc.weight"].numpy())


def test_a_file_of_weights(tmp_path):
    known = build_classifier("lenet5", 4).state_dict()
    mt.save(known, tmp_path / "known.pth")
    model = build_classifier("lenet5", 4, weights=str(tmp_path / "known.pth"))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), known[name].numpy(), err_msg=name)
    with pytest.raises(ValueError, match=r"known\.pth are of another network: conv1\.weight is"):
        build_classifier("cifar_resnet20", 4, weights=tmp_path / "known.pth")
    assert is_file(tmp_path / "known.pth") and not is_file("IMAGENET1K_V1")


def test_what_images_a_network_is_made_for():
    assert usual_size("resnet18", "DEFAULT") == 224 and usual_size("lenet5", "DEFAULT") == 28
    assert usual_channels("lenet5", "FASHION_MNIST", 3) == 1  # those weights know grey alone
    assert usual_channels("lenet5", None, 3) == 3 and usual_channels("vgg11", None, 1) == 3
    mean, std = usual_statistics("cifar_resnet20", "CIFAR10")
    assert mean == pytest.approx([0.491, 0.482, 0.447], abs=0.002) and len(std) == 3
    assert usual_statistics("resnet18")[0] == [0.485, 0.456, 0.406]
    with pytest.raises(ValueError, match="resnet18 takes images of 3 channels, got 1"):
        build_classifier("resnet18", 2, in_channels=1)
    with pytest.raises(ValueError, match=r"'BEST' is none of .* and there is no such file"):
        build_classifier("resnet18", 2, weights="BEST")
