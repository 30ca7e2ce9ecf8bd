"""Trains a DenseNet of 40 layers on CIFAR-10, CIFAR-100 or the built-in shapes.

    python examples/train_densenet_cifar.py --dataset shapes

The network is in minitorch_cnn.models.small, the loop in train_resnet_cifar.py. The paper (section
4.2) divides the learning rate of 0.1 by 10 after a half and three quarters of the run, and takes
batches of 64.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__,
        arch="densenet",
        batch_size=64,
        scheduler="step",
        weight_decay=1e-4,
        out="runs/densenet",
    )
