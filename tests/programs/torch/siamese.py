"""A siamese network: are two pictures of one class? Pairs are drawn as the data set is read."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset

random.seed(0)
torch.manual_seed(0)


class PairMatcher(Dataset):
    def __init__(self, images, targets):
        self.images, self.targets = images, targets
        self.by_class = {c.item(): torch.where(targets == c)[0] for c in targets.unique()}

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        own = self.targets[index].item()
        same = index % 2 == 0
        others = [c for c in self.by_class if c != own]
        chosen = own if same else random.choice(others)
        second = random.choice(self.by_class[chosen].tolist())
        return self.images[index], self.images[second], torch.tensor(float(same))


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2), nn.GroupNorm(2, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
        )
        self.fc = nn.Sequential(
            nn.Linear(64, 16), nn.ReLU(inplace=True), nn.Linear(16, 1), nn.Sigmoid()
        )
        self.backbone.apply(self.init_weights)
        self.fc.apply(self.init_weights)

    def init_weights(self, m):
        if isinstance(m, nn.Linear):
            torch.nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    def embed(self, x):
        return torch.flatten(self.backbone(x), 1)

    def forward(self, first, second):
        return self.fc(torch.cat((self.embed(first), self.embed(second)), 1)).squeeze(1)


def contrastive(a, b, same, margin=1.0):
    distance = F.pairwise_distance(a, b)
    return (same * distance**2 + (1 - same) * F.relu(margin - distance) ** 2).mean()


targets = torch.arange(24) % 3
images = torch.rand(24, 1, 20, 20) + targets.view(-1, 1, 1, 1)
loader = DataLoader(PairMatcher(images, targets), batch_size=6, shuffle=True)
model = SiameseNetwork()
optimizer = optim.Adadelta(model.parameters(), lr=1.0)
scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
criterion, triplet = nn.BCELoss(), nn.TripletMarginLoss(margin=0.5)
for epoch in range(2):
    for first, second, same in loader:
        optimizer.zero_grad()
        loss = criterion(model(first, second), same)
        loss = loss + 0.1 * contrastive(model.embed(first), model.embed(second), same)
        anchor, positive, negative = images[0:6:3], images[3:9:3], images[1:7:3]
        loss = loss + 0.1 * triplet(*(model.embed(x) for x in (anchor, positive, negative)))
        loss.backward()
        optimizer.step()
        print(f"Train Epoch: {epoch} Loss: {loss.item():.5f}")
    scheduler.step()
