"""Trains inception modules, stacked as in GoogLeNet, on CIFAR-10, CIFAR-100 or the built-in shapes.

    python examples/train_googlenet_cifar.py --dataset shapes

The network is in minitorch_cnn.models.small, the loop in train_resnet_cifar.py.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(description=__doc__, arch="googlenet", out="runs/googlenet")
