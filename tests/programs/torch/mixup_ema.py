"""Mixup, a moving average of the weights, accumulated gradients, warm restarts."""

import copy
import math

import numpy as np
import torch
import torch.nn as nn
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.data import DataLoader, Subset, TensorDataset, WeightedRandomSampler

torch.manual_seed(9)
np.random.seed(9)


class ModelEMA:
    def __init__(self, model, decay=0.9, tau=10):
        self.ema = copy.deepcopy(model).eval()
        self.updates = 0
        self.decay = lambda x: decay * (1 - math.exp(-x / tau))
        for p in self.ema.parameters():
            p.requires_grad_(False)

    def update(self, model):
        self.updates += 1
        d = self.decay(self.updates)
        msd = model.state_dict()
        for k, v in self.ema.state_dict().items():
            if v.dtype.is_floating_point:
                v *= d
                v += (1 - d) * msd[k].detach()


def mixup_data(x, y, alpha=1.0):
    lam = np.random.beta(alpha, alpha) if alpha > 0 else 1
    index = torch.randperm(x.size()[0])
    return lam * x + (1 - lam) * x[index, :], y, y[index], lam


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(self.pool(x)))))


model = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1, groups=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
    nn.Conv2d(8, 8, 3, padding=1, groups=8), SqueezeExcite(8), nn.InstanceNorm2d(8, affine=True),
    nn.AvgPool2d(4), nn.Flatten(), nn.Linear(32, 4),
)  # fmt: skip
data = TensorDataset(torch.randn(16, 3, 8, 8), torch.randint(0, 4, (16,)))
counts = torch.bincount(data.tensors[1], minlength=4).float()
weights = (1.0 / counts.clamp(min=1))[data.tensors[1]]
loader = DataLoader(data, batch_size=4, sampler=WeightedRandomSampler(weights, 16))
ema, averaged = ModelEMA(model), AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=3, T_mult=2)
criterion = nn.CrossEntropyLoss()
accumulate = 2
for epoch in range(2):
    for i, (x, y) in enumerate(loader):
        x, y_a, y_b, lam = mixup_data(x, y)
        scores = model(x)
        loss = lam * criterion(scores, y_a) + (1 - lam) * criterion(scores, y_b)
        (loss / accumulate).backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
            ema.update(model)
            averaged.update_parameters(model)
            scheduler.step(epoch + i / len(loader))
            print(f"loss {loss.item():.5f} lr {optimizer.param_groups[0]['lr']:.6f}")
update_bn(DataLoader(Subset(data, range(8)), batch_size=4), averaged)
with torch.no_grad():
    averaged.eval()
    print(f"average {criterion(averaged(data.tensors[0]), data.tensors[1]).item():.5f}")
    print(f"ema {criterion(ema.ema(data.tensors[0]), data.tensors[1]).item():.5f}")
