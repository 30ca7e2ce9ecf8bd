"""Networks, by the names of `torchvision.models`.

`cifar` has the forms for 32x32 images, `small` what else the examples train.

models.resnet18(num_classes=10)         random weights
models.resnet18(weights="DEFAULT")      torchvision's weights, downloaded once
models.resnet18(weights="mine.pth")     weights in a file
models.lenet5(weights="FASHION_MNIST")  weights that come with the package
models.list_models()                    all names
"""

from ..missing import refuse_missing as _refuse_missing
from . import cifar, feature_extraction, small
from ._api import (
    Weights,
    WeightsEnum,
    get_model,
    get_model_builder,
    get_model_weights,
    get_weight,
    list_models,
)
from .alexnet import AlexNet, alexnet
from .cifar import resnet20 as cifar_resnet20
from .densenet import DenseNet, densenet121, densenet161, densenet169, densenet201
from .googlenet import GoogLeNet, GoogLeNetOutputs, googlenet
from .inception import Inception3, InceptionOutputs, inception_v3
from .lenet import LeNet5, lenet5
from .mobilenetv2 import MobileNetV2, mobilenet_v2
from .packaged import Cifar_ResNet20_Weights, LeNet5_Weights
from .resnet import (
    ResNet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50_32x4d,
    wide_resnet50_2,
)
from .squeezenet import SqueezeNet, squeezenet1_0, squeezenet1_1
from .vgg import (
    VGG,
    vgg11,
    vgg11_bn,
    vgg13,
    vgg13_bn,
    vgg16,
    vgg16_bn,
    vgg19,
    vgg19_bn,
)
from .weights import (
    AlexNet_Weights,
    DenseNet121_Weights,
    DenseNet161_Weights,
    DenseNet169_Weights,
    DenseNet201_Weights,
    GoogLeNet_Weights,
    Inception_V3_Weights,
    MobileNet_V2_Weights,
    ResNet18_Weights,
    ResNet34_Weights,
    ResNet50_Weights,
    ResNet101_Weights,
    ResNet152_Weights,
    ResNeXt50_32X4D_Weights,
    SqueezeNet1_0_Weights,
    SqueezeNet1_1_Weights,
    VGG11_BN_Weights,
    VGG11_Weights,
    VGG13_BN_Weights,
    VGG13_Weights,
    VGG16_BN_Weights,
    VGG16_Weights,
    VGG19_BN_Weights,
    VGG19_Weights,
    Wide_ResNet50_2_Weights,
)

__all__ = [
    "cifar",
    "feature_extraction",
    "small",
    "Weights",
    "WeightsEnum",
    "get_model",
    "get_model_builder",
    "get_model_weights",
    "get_weight",
    "list_models",
    "AlexNet",
    "alexnet",
    "cifar_resnet20",
    "DenseNet",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "GoogLeNet",
    "GoogLeNetOutputs",
    "googlenet",
    "Inception3",
    "InceptionOutputs",
    "inception_v3",
    "LeNet5",
    "lenet5",
    "MobileNetV2",
    "mobilenet_v2",
    "ResNet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "SqueezeNet",
    "squeezenet1_0",
    "squeezenet1_1",
    "VGG",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "AlexNet_Weights",
    "Cifar_ResNet20_Weights",
    "DenseNet121_Weights",
    "DenseNet161_Weights",
    "DenseNet169_Weights",
    "DenseNet201_Weights",
    "GoogLeNet_Weights",
    "Inception_V3_Weights",
    "LeNet5_Weights",
    "MobileNet_V2_Weights",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "ResNet101_Weights",
    "ResNet152_Weights",
    "ResNeXt50_32X4D_Weights",
    "SqueezeNet1_0_Weights",
    "SqueezeNet1_1_Weights",
    "VGG11_BN_Weights",
    "VGG11_Weights",
    "VGG13_BN_Weights",
    "VGG13_Weights",
    "VGG16_BN_Weights",
    "VGG16_Weights",
    "VGG19_BN_Weights",
    "VGG19_Weights",
    "Wide_ResNet50_2_Weights",
]

_refuse_missing(globals())
