"""Three training programs of which only the seed is given: the same code for both libraries.

Initial weights, the order of the samples, crops, flips and dropout all come from `manual_seed(0)`.

    python tests/seeded_training.py     (with torch: writes seeded_training.json)
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
STEPS = 30


def pictures(lib):
    """48 pictures (3, 16, 16) of waves, and 6 classes, by a formula."""
    n, c, y, x = np.ogrid[:48, :3, :16, :16]
    waves = np.sin(0.3 * (n % 6 + 1) * x + 0.05 * n) + np.cos(0.4 * (c + 1) * y * (n % 6 - 2))
    return lib.from_numpy(waves), lib.from_numpy(np.arange(48) % 6)


def crop_and_flip(lib, image):
    """RandomCrop(16, padding=2) and RandomHorizontalFlip(), as torchvision draws them."""
    image = lib.nn.functional.pad(image, (2, 2, 2, 2))
    top = lib.randint(0, 5, (1,)).item()
    left = lib.randint(0, 5, (1,)).item()
    image = image[:, top : top + 16, left : left + 16]
    return image.flip(-1) if lib.rand(1) < 0.5 else image


def dataset(lib, augment):
    images, labels = pictures(lib)

    class Pictures(lib.utils.data.Dataset):
        def __len__(self):
            return len(labels)

        def __getitem__(self, index):
            image = images[index]
            return (crop_and_flip(lib, image) if augment else image), labels[index]

    return Pictures()


def lenet(lib):
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6 * 2 * 2, 20), nn.ReLU(), nn.Linear(20, 6),
    )  # fmt: skip


def vgg(lib):
    nn = lib.nn
    layers = []
    for inputs, outputs in ((3, 4), (4, 8), (8, 8)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2), nn.Dropout2d(0.1)]
    model = nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(32, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 6)
    )
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.05)
    return model


def resnet20(lib):
    """The depth of ResNet-20, a quarter as wide."""
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.shortcut = nn.Identity()
            if stride != 1:
                self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

        def forward(self, x):
            y = nn.functional.relu(self.bn1(self.conv1(x)))
            return nn.functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    layers = [nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()]
    for inputs, outputs in ((4, 4), (4, 8), (8, 16)):
        layers.append(Block(inputs, outputs, outputs // inputs))
        layers += [Block(outputs, outputs, 1) for _ in range(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 6))


PROGRAMS = {"lenet": (lenet, False), "resnet20": (resnet20, True), "vgg": (vgg, True)}


def losses(lib, program, workers=0):
    """The losses of 30 steps; the last number is a test of where the generator is then."""
    build, augment = PROGRAMS[program]
    lib.manual_seed(0)
    # Drawn in float64: the last bit of a float32 logarithm is not the same on every processor.
    lib.set_default_dtype(lib.float64)
    try:
        model = build(lib)
    finally:
        lib.set_default_dtype(lib.float32)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
    loader = lib.utils.data.DataLoader(
        dataset(lib, augment), batch_size=8, shuffle=True, num_workers=workers
    )
    curve = []
    while len(curve) < STEPS:
        for images, labels in loader:
            optimizer.zero_grad()
            loss = lib.nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
    return [*curve, lib.rand(1).item()]


if __name__ == "__main__":
    import torch

    STORED.write_text(json.dumps({each: losses(torch, each) for each in PROGRAMS}) + "\n")
