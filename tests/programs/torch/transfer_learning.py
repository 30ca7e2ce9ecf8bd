"""A network of the model zoo as a fixed feature extractor for two classes in folders, the best weights kept."""

import os
import time
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
import torch.optim as optim
from PIL import Image
from torch.optim import lr_scheduler
from torchvision import datasets, models, transforms

cudnn.benchmark = True
torch.manual_seed(0)


def draw(root, phase, count):
    """Bright pictures of one class, dark ones of the other."""
    generator = np.random.default_rng(len(phase))
    for name, level in (("ants", 60), ("bees", 180)):
        os.makedirs(os.path.join(root, phase, name))
        for i in range(count):
            pixels = generator.integers(level - 50, level + 50, (48, 56, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(os.path.join(root, phase, name, f"{i}.png"))


mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
data_transforms = {
    phase: transforms.Compose(
        [
            transforms.Resize(40),
            transforms.CenterCrop(32),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    for phase in ("train", "val")
}
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train_model(model, criterion, optimizer, scheduler, dataloaders, sizes, num_epochs):
    since = time.time()
    with TemporaryDirectory() as tempdir:
        best_path = os.path.join(tempdir, "best_model_params.pt")
        torch.save(model.state_dict(), best_path)
        best_acc = 0.0
        for epoch in range(num_epochs):
            for phase in ["train", "val"]:
                model.train() if phase == "train" else model.eval()
                running_loss, running_corrects = 0.0, 0
                for inputs, labels in dataloaders[phase]:
                    inputs, labels = inputs.to(device), labels.to(device)
                    optimizer.zero_grad()
                    with torch.set_grad_enabled(phase == "train"):
                        outputs = model(inputs)
                        _, preds = torch.max(outputs, 1)
                        loss = criterion(outputs, labels)
                        if phase == "train":
                            loss.backward()
                            optimizer.step()
                    running_loss += loss.item() * inputs.size(0)
                    running_corrects += torch.sum(preds == labels.data)
                if phase == "train":
                    scheduler.step()
                epoch_loss = running_loss / sizes[phase]
                epoch_acc = running_corrects.double() / sizes[phase]
                print(f"epoch {epoch} {phase} Loss: {epoch_loss:.5f}")
                if phase == "val" and epoch_acc > best_acc:
                    best_acc = epoch_acc
                    torch.save(model.state_dict(), best_path)
        assert time.time() >= since
        model.load_state_dict(torch.load(best_path, weights_only=True))
    return model


with TemporaryDirectory() as root:
    draw(root, "train", 2), draw(root, "val", 1)
    image_datasets = {
        x: datasets.ImageFolder(os.path.join(root, x), data_transforms[x]) for x in ["train", "val"]
    }
    dataloaders = {
        x: torch.utils.data.DataLoader(image_datasets[x], batch_size=4, shuffle=True)
        for x in ["train", "val"]
    }
    dataset_sizes = {x: len(image_datasets[x]) for x in ["train", "val"]}
    print(image_datasets["train"].classes, dataset_sizes)
    model_conv = models.resnet18(weights=None)
    for param in model_conv.parameters():
        param.requires_grad = False
    num_ftrs = model_conv.fc.in_features
    model_conv.fc = nn.Linear(num_ftrs, 2)
    model_conv = model_conv.to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model_conv.fc.parameters(), lr=0.001, momentum=0.9)
    exp_lr_scheduler = lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
    train_model(model_conv, criterion, optimizer, exp_lr_scheduler, dataloaders, dataset_sizes, 2)
