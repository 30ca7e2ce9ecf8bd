"""Trains a small ResNet of 16, 32 and 64 channels with SGD and StepLR.

    python examples/train_resnet_steplr_cifar.py
    python examples/train_resnet_steplr_cifar.py --dataset shapes --epochs 3

The loop is that of train_resnet_cifar.py. Two blocks a stage, SGD with a learning rate of 0.1 that
is divided by 10 after each third of the run, crop and flip; published with 300 epochs, here 60. For
the larger ones: train_resnet_cifar.py --arch resnet18, or resnet34.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__,
        arch="resnet14",
        optimizer="sgd",
        lr=0.1,
        weight_decay=1e-4,
        scheduler="steplr",
        epochs=60,
        out="runs/resnet_steplr",
    )
