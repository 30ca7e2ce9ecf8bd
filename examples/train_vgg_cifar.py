"""Trains a small network of VGG's kind on CIFAR-10, CIFAR-100 or the built-in shapes.

    python examples/train_vgg_cifar.py --dataset shapes
    python examples/train_vgg_cifar.py --epochs 20

The network is in minitorch_cnn.models.small, the loop in train_resnet_cifar.py.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__, arch="vgg", optimizer="adam", lr=1e-3, weight_decay=0.0, out="runs/vgg"
    )
