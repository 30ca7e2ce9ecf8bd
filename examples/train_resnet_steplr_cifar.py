"""Trains a small ResNet of 16, 32 and 64 channels with Adam and StepLR.

    python examples/train_resnet_steplr_cifar.py --dataset shapes

The loop is that of train_resnet_cifar.py. The learning rate is divided by 10 after each third of
the run. For the larger ones: train_resnet_cifar.py --arch resnet18, or resnet34.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        arch="resnet20",
        optimizer="adam",
        lr=1e-3,
        weight_decay=0.0,
        scheduler="steplr",
        out="runs/resnet_steplr",
    )
