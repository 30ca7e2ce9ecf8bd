"""Trains a network with Dropout2d on Fashion-MNIST.

    python examples/train_fashion_mnist.py
    python examples/train_fashion_mnist.py --dataset shapes

The network is in minitorch_cnn.models.small, the loop in train_resnet_cifar.py.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        arch="fashionnet",
        dataset="fashionmnist",
        optimizer="adam",
        lr=1e-3,
        weight_decay=0.0,
        epochs=5,
        augment=False,
        out="runs/fashion_mnist",
    )
