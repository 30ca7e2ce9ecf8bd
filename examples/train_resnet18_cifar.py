"""Trains ResNet-18 with AlexNet's recipe: Adam and no augmentation, to compare the two networks.

    python examples/train_resnet18_cifar.py
    python examples/train_resnet18_cifar.py --dataset shapes --epochs 3

The loop is that of train_resnet_cifar.py. Batches of 32, Adam with a learning rate of 1e-3 and 50
epochs are reported to reach 82.98 % on CIFAR-10, and 75.08 % with AlexNet (train_alexnet_cifar.py).
Here the learning rate falls along a cosine. Without augmentation the training images are soon known
by heart; --augment shows new ones by crop and flip.
"""

from train_resnet_cifar import main

if __name__ == "__main__":
    main(
        description=__doc__,
        arch="resnet18",
        optimizer="adam",
        lr=1e-3,
        weight_decay=0.0,
        batch_size=32,
        epochs=50,
        augment=False,
        out="runs/resnet18",
    )
