"""Trains LeNet-5 on MNIST or Fashion-MNIST.

    python examples/train_lenet_mnist.py --dataset fashionmnist

The loop is that of train_resnet_cifar.py; digits are not flipped, and the learning rate is small,
since there is no batch norm.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__,
        arch="lenet5",
        dataset="mnist",
        lr=0.05,
        epochs=5,
        augment=False,
        out="runs/lenet",
    )
