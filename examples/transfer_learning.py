"""Teaches a network that knows ImageNet to tell your own pictures apart.

    python examples/transfer_learning.py --data-dir photos
    python examples/transfer_learning.py --data-dir photos --arch vgg16 \\
        --weights vgg16-397923af.pth
    python examples/transfer_learning.py --weights none

The lower layers of a network trained on a million pictures see edges, textures and parts of things,
which are of use for other pictures too. So they stay as they are ("frozen"), and only a new last
layer is trained, which a few dozen pictures of each class are enough for.

--data-dir has two folders, train and val, and in each of them one folder of pictures for each
class: photos/train/cat/1.jpg, photos/val/dog/7.png. Without it, a small folder of that form is made
of the built-in Shapes.

--weights DEFAULT downloads torchvision's weights once; a file of them is taken too. With none, the
frozen layers are random, which shows what the weights are worth.

`python -m minitorch_cnn train --weights DEFAULT` begins the same way and trains all layers.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import datasets, models, nn, transforms
from minitorch_cnn.commandline import HelpFormatter, one_sentence
from minitorch_cnn.models.classifiers import replace_last_layer
from minitorch_cnn.training import positive
from minitorch_cnn.utils.data import DataLoader


def make_shapes_folder(root, pictures=(400, 100)):
    """Writes pictures of the ten shapes: root/train/star/0012.png, ... Returns root."""
    for split, count in zip(("train", "val"), pictures, strict=True):
        shapes = datasets.Shapes(train=split == "train", size=count, image_size=64)
        for name in shapes.classes:
            (root / split / name).mkdir(parents=True, exist_ok=True)
        for number, (pixels, label) in enumerate(zip(shapes.data, shapes.targets, strict=True)):
            name = shapes.classes[label]
            Image.fromarray(pixels).save(root / split / name / f"{number:04d}.png")
    return root


def resized(args):
    """To how many pixels the short side is scaled before the middle is cut out."""
    return args.image_size * 256 // 224


def load_data(args):
    """Loaders of the training and the validation pictures, and the names of the classes."""
    folder = Path(args.data_dir) if args.data_dir else make_shapes_folder(Path(args.out) / "shapes")
    # The pictures must be prepared as they were when the weights were made.
    prepare = models.get_model_weights(args.arch).DEFAULT.transforms(
        crop_size=args.image_size, resize_size=resized(args)
    )
    augment = transforms.Compose([transforms.RandomHorizontalFlip(), prepare])
    train_set = datasets.ImageFolder(folder / "train", augment)
    val_set = datasets.ImageFolder(folder / "val", prepare)
    if train_set.classes != val_set.classes:
        raise ValueError(
            f"{folder}: train has the classes {train_set.classes}, val has {val_set.classes}"
        )
    common = dict(batch_size=args.batch_size, num_workers=args.workers)
    train_loader = DataLoader(train_set, shuffle=True, **common)
    return train_loader, DataLoader(val_set, **common), train_set.classes


def build_model(args, num_classes):
    """The frozen network with a new last layer, and this layer."""
    weights = None if args.weights == "none" else args.weights
    model = models.get_model(args.arch, weights=weights)
    model.requires_grad_(False)
    # Frozen also means that batch norm goes on using the averages of ImageNet, and no dropout.
    model.eval()
    head = replace_last_layer(model, num_classes)  # a score for each of our classes
    return model.to(mt.backend.default_device()), head


def train_one_epoch(model, criterion, optimizer, batches):
    """Mean loss of one pass over the training pictures."""
    loss_sum, count = 0.0, 0
    for images, labels in batches:
        # Nothing below the last layer needs a gradient, so nothing there is recorded.
        scores = model(images)  # (N, num_classes)
        loss = criterion(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        count += len(labels)
    return loss_sum / count


@mt.no_grad()
def accuracy(model, batches):
    """How many of the pictures are recognised, in percent."""
    right, count = 0, 0
    for images, labels in batches:
        right += (model(images).argmax(1) == labels).sum().item()
        count += len(labels)
    return 100 * right / count


def train(args):
    mt.set_backend(args.backend)
    mt.manual_seed(args.seed)
    train_loader, val_loader, classes = load_data(args)
    model, head = build_model(args, len(classes))
    trained = sum(parameter.numel() for parameter in head.parameters())
    frozen = sum(parameter.numel() for parameter in model.parameters()) - trained
    print(
        f"{args.arch}: {frozen:,} frozen parameters, {trained:,} to be trained on "
        f"{len(train_loader.dataset)} pictures of {len(classes)} classes"
    )

    def batches(loader):
        device = mt.backend.default_device()
        for images, labels in itertools.islice(loader, args.limit_batches):
            yield images.to(device), labels.to(device)  # (N, 3, image_size, image_size), (N,)

    criterion = nn.CrossEntropyLoss()
    optimizer = mt.optim.SGD(head.parameters(), lr=args.lr, momentum=0.9)
    path, best = Path(args.out) / "best.npz", -1.0
    for epoch in range(1, args.epochs + 1):
        loss = train_one_epoch(model, criterion, optimizer, batches(train_loader))
        percent = accuracy(model, batches(val_loader))
        print(f"epoch {epoch}/{args.epochs}  loss {loss:.4f}  validation accuracy {percent:.1f} %")
        if percent > best:
            best = percent
            save(args, model, classes, path)
    print(
        f"saved: {path}. Ask it:\npython -m minitorch_cnn predict --checkpoint {path} picture.png"
    )


def save(args, model, classes, path):
    """A checkpoint that `predict` and the learning tools read."""
    prepare = models.get_model_weights(args.arch).DEFAULT.transforms()
    config = {"arch": args.arch, "dataset": "pictures", "image_size": args.image_size}
    state = {
        "config": {**config, "resize": resized(args)},
        "classes": classes,
        "in_channels": 3,
        "mean": list(prepare.mean),
        "std": list(prepare.std),
        "model": model.state_dict(),
        "rows": [],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    mt.save(state, path)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    add = parser.add_argument
    add("--data-dir", help="folder with train/CLASS/*.png and val/CLASS/*.png")
    add("--arch", choices=["resnet18", "vgg16"], default="resnet18")
    add("--weights", default="DEFAULT", help="DEFAULT, none, or a file")
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--epochs", type=positive(int), default=5)
    add("--batch-size", type=positive(int), default=20)
    add("--lr", type=positive(float), default=0.01)
    add("--image-size", type=positive(int), default=224)
    add("--seed", type=int, default=0)
    add("--workers", type=int, default=0, help="processes that load pictures")
    add("--limit-batches", type=positive(int), help="use only so many of each epoch")
    add("--out", default="runs/transfer", help="folder for the weights (and the shapes)")
    args = parser.parse_args(argv)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
