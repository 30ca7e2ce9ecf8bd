"""Trains a network with Dropout2d on Fashion-MNIST.

    python examples/train_fashion_mnist.py
    python examples/train_fashion_mnist.py --dataset shapes
    python examples/train_fashion_mnist.py --optimizer sgd --lr 0.01 \\
        --momentum 0.5 --batch-size 64 --epochs 40

The network is in minitorch_cnn.models.small, the loop in train_resnet_cifar.py. The last command is
a recipe that is reported to reach 89.65 %.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__,
        arch="fashionnet",
        dataset="fashionmnist",
        optimizer="adam",
        lr=1e-3,
        weight_decay=0.0,
        epochs=5,
        augment=False,
        out="runs/fashion_mnist",
    )
