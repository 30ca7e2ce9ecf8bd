"""Trains AlexNet, in its form for 32x32 images, on CIFAR-10, CIFAR-100 or the built-in shapes.

    python examples/train_alexnet_cifar.py --dataset shapes
    python examples/train_alexnet_cifar.py --lr 1e-3 --batch-size 32 \\
        --epochs 50 --no-augment

The loop is that of train_resnet_cifar.py. Without batch norm the gradients of the layers differ
much in size, so Adam, which divides each by its own, learns faster than SGD; dropout of 0.5 in the
linear layers is part of the network. (--optimizer sgd --lr 0.01 trains it as well.) The second
command is a recipe that is reported to reach 75.08 % on CIFAR-10; here the learning rate falls
along a cosine.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__,
        arch="alexnet",
        optimizer="adam",
        lr=5e-4,
        weight_decay=0.0,
        out="runs/alexnet",
    )
