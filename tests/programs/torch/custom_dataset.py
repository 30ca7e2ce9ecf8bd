"""A data set of one's own: points on pictures listed in a CSV file, transforms as classes."""

import csv
import os
import tempfile

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split
from torchvision import transforms, utils

torch.manual_seed(0)


class FaceLandmarksDataset(Dataset):
    def __init__(self, csv_file, root_dir, transform=None):
        with open(csv_file, newline="") as file:
            self.rows = list(csv.reader(file))[1:]
        self.root_dir = root_dir
        self.transform = transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, idx):
        if torch.is_tensor(idx):
            idx = idx.tolist()
        name, *numbers = self.rows[idx]
        image = np.array(Image.open(os.path.join(self.root_dir, name)))
        landmarks = np.array(numbers, dtype=float).reshape(-1, 2)
        sample = {"image": image, "landmarks": landmarks}
        if self.transform:
            sample = self.transform(sample)
        return sample


class Crop:
    def __init__(self, output_size):
        assert isinstance(output_size, (int, tuple))
        self.output_size = (output_size,) * 2 if isinstance(output_size, int) else output_size

    def __call__(self, sample):
        image, landmarks = sample["image"], sample["landmarks"]
        h, w = image.shape[:2]
        new_h, new_w = self.output_size
        top = torch.randint(0, h - new_h + 1, (1,)).item()
        left = torch.randint(0, w - new_w + 1, (1,)).item()
        image = image[top : top + new_h, left : left + new_w]
        return {"image": image, "landmarks": landmarks - [left, top]}


class ToTensor:
    def __call__(self, sample):
        image = sample["image"].transpose((2, 0, 1))
        return {
            "image": torch.from_numpy(image).float().div(255),
            "landmarks": torch.from_numpy(sample["landmarks"]).float(),
        }


with tempfile.TemporaryDirectory() as folder:
    rng = np.random.default_rng(0)
    with open(os.path.join(folder, "faces.csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image_name", "x0", "y0", "x1", "y1"])
        for i in range(10):
            name = f"face{i}.png"
            pixels = rng.integers(0, 256, (24, 28, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(os.path.join(folder, name))
            writer.writerow([name, *rng.integers(4, 20, 4)])
    dataset = FaceLandmarksDataset(
        csv_file=os.path.join(folder, "faces.csv"),
        root_dir=folder,
        transform=transforms.Compose([Crop(16), ToTensor()]),
    )
    train, held_out = random_split(dataset, [8, 2])
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(8 * 49, 4)
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    criterion = nn.SmoothL1Loss()
    for epoch in range(2):
        for i_batch, batch in enumerate(DataLoader(train, batch_size=4, shuffle=True)):
            optimizer.zero_grad()
            loss = criterion(model(batch["image"]).view(-1, 2, 2), batch["landmarks"])
            loss.backward()
            optimizer.step()
            print(i_batch, batch["image"].size(), batch["landmarks"].size(), f"{loss:.5f}")
    grid = utils.make_grid(batch["image"], nrow=2, padding=1, normalize=True)
    print("grid", list(grid.numpy().transpose((1, 2, 0)).shape), len(held_out))
