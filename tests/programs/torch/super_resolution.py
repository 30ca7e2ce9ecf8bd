"""Sub-pixel convolution: a small picture becomes one of thrice its size; PSNR after each epoch."""

from __future__ import print_function

import argparse
from math import log10

import torch
import torch.nn as nn
import torch.nn.init as init
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="Super resolution")
parser.add_argument("--upscale_factor", type=int, default=3)
parser.add_argument("--batchSize", type=int, default=4)
parser.add_argument("--nEpochs", type=int, default=2)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--cuda", action="store_true")
parser.add_argument("--seed", type=int, default=123)
opt = parser.parse_args()
print(opt)
if opt.cuda and not torch.cuda.is_available():
    raise Exception("No GPU found, please run without --cuda")
torch.manual_seed(opt.seed)
device = torch.device("cuda" if opt.cuda else "cpu")


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super(Net, self).__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 16, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(16, 8, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv3(x))

    def _initialize_weights(self):
        init.xavier_normal_(self.conv1.weight, init.calculate_gain("relu"))
        init.kaiming_normal_(self.conv2.weight, mode="fan_out", nonlinearity="relu")
        init.trunc_normal_(self.conv3.weight, std=0.1)


size = 8 * opt.upscale_factor
rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
targets = torch.stack([torch.sin((rows * k + columns) / 7.0) for k in range(8)])[:, None]
inputs = nn.functional.interpolate(targets, scale_factor=1 / 3, mode="bicubic", align_corners=False)
data = TensorDataset(inputs, targets)
training_loader = DataLoader(data, batch_size=opt.batchSize, shuffle=True)
testing_loader = DataLoader(data, batch_size=2)
model = Net(upscale_factor=opt.upscale_factor).to(device)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=opt.lr)
for epoch in range(1, opt.nEpochs + 1):
    epoch_loss = 0
    for iteration, batch in enumerate(training_loader, 1):
        input, target = batch[0].to(device), batch[1].to(device)
        optimizer.zero_grad()
        loss = criterion(model(input), target)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
        print(f"===> Epoch[{epoch}]({iteration}/{len(training_loader)}): Loss: {loss.item():.6f}")
    avg_psnr = 0
    with torch.no_grad():
        for batch in testing_loader:
            mse = criterion(model(batch[0].to(device)), batch[1].to(device))
            avg_psnr += 10 * log10(1 / mse.item())
    print(f"===> Avg. PSNR: {avg_psnr / len(testing_loader):.5f} dB")
