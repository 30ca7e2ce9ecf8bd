"""Trains AlexNet, in its form for 32x32 images, on CIFAR-10, CIFAR-100 or the built-in shapes.

    python examples/train_alexnet_cifar.py --dataset shapes

The loop is that of train_resnet_cifar.py. Without batch norm the learning rate must be ten times
smaller; dropout of 0.5 in the linear layers is part of the network.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(arch="alexnet", lr=0.01, out="runs/alexnet")
