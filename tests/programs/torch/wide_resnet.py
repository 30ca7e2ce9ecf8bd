"""A wide residual network with dropout in its blocks, Nesterov and steps of the learning rate."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import MultiStepLR
from torch.utils.data import DataLoader, TensorDataset


class BasicBlock(nn.Module):
    def __init__(self, in_planes, out_planes, stride, dropRate=0.0):
        super(BasicBlock, self).__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_planes, out_planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_planes)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_planes, out_planes, 3, stride=1, padding=1, bias=False)
        self.droprate = dropRate
        self.equalInOut = in_planes == out_planes
        self.convShortcut = (
            (not self.equalInOut)
            and nn.Conv2d(in_planes, out_planes, 1, stride=stride, padding=0, bias=False)
        ) or None

    def forward(self, x):
        if not self.equalInOut:
            x = self.relu1(self.bn1(x))
        else:
            out = self.relu1(self.bn1(x))
        out = self.relu2(self.bn2(self.conv1(out if self.equalInOut else x)))
        if self.droprate > 0:
            out = F.dropout(out, p=self.droprate, training=self.training)
        out = self.conv2(out)
        return torch.add(x if self.equalInOut else self.convShortcut(x), out)


class WideResNet(nn.Module):
    def __init__(self, depth, num_classes, widen_factor=1, dropRate=0.0):
        super(WideResNet, self).__init__()
        channels = [4, 4 * widen_factor, 8 * widen_factor]
        assert (depth - 4) % 6 == 0
        n = (depth - 4) // 6
        self.conv1 = nn.Conv2d(3, channels[0], 3, stride=1, padding=1, bias=False)
        layers = []
        for level, stride in ((0, 1), (1, 2)):
            for i in range(n):
                first = channels[level] if i == 0 else channels[level + 1]
                layers.append(
                    BasicBlock(first, channels[level + 1], stride if i == 0 else 1, dropRate)
                )
        self.blocks = nn.Sequential(*layers)
        self.bn1 = nn.BatchNorm2d(channels[2])
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(channels[2], num_classes)
        self.nChannels = channels[2]
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.normal_(0, math.sqrt(2.0 / n))
            elif isinstance(m, nn.BatchNorm2d):
                m.weight.data.fill_(1)
                m.bias.data.zero_()
            elif isinstance(m, nn.Linear):
                m.bias.data.zero_()

    def forward(self, x):
        out = self.blocks(self.conv1(x))
        out = self.relu(self.bn1(out))
        out = F.avg_pool2d(out, 8)
        return self.fc(out.view(-1, self.nChannels))


torch.manual_seed(0)
model = WideResNet(10, 5, widen_factor=2, dropRate=0.3)
print("Number of model parameters:", sum([p.data.nelement() for p in model.parameters()]))
data = TensorDataset(torch.randn(12, 3, 16, 16), torch.randint(0, 5, (12,)))
optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
scheduler = MultiStepLR(optimizer, milestones=[1, 2], gamma=0.2)
criterion = nn.CrossEntropyLoss()
for epoch in range(3):
    model.train()
    for input, target in DataLoader(data, batch_size=6, shuffle=True):
        loss = criterion(model(input), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch} lr {optimizer.param_groups[0]['lr']:.4f} loss {loss.item():.5f}")
    scheduler.step()
model.eval()
with torch.no_grad():
    print(f"test {criterion(model(data.tensors[0]), data.tensors[1]).item():.5f}")
