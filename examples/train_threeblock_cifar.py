"""Trains three residual blocks with three linear layers on CIFAR-10, CIFAR-100 or the shapes.

    python examples/train_threeblock_cifar.py
    python examples/train_threeblock_cifar.py --dataset shapes --epochs 3

The network is in minitorch_cnn.models.small, the loop in train_resnet_cifar.py. The recipe, Adam
with a learning rate of 1e-4 and 30 epochs, is reported to reach 87.6 % on CIFAR-10. Here the
learning rate falls along a cosine, and images are cropped and flipped.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__,
        arch="threeblock",
        optimizer="adam",
        lr=1e-4,
        weight_decay=0.0,
        epochs=30,
        out="runs/threeblock",
    )
