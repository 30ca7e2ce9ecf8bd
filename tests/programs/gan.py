"""A DCGAN, and the gradient penalty of a WGAN-GP."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.parallel
import torch.optim as optim
import torch.utils.data
from program import report, same_weights

nz, ngf, ndf, nc = 8, 6, 6, 3


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.utils.spectral_norm(nn.Conv2d(ndf, 1, 4, 1, 0, bias=False)),
            nn.Sigmoid(),
        )

    def forward(self, input):
        return self.main(input)


netG, netD = Generator(), Discriminator()
netG.apply(weights_init)
netD.apply(weights_init)
same_weights(netG, netD)
criterion = nn.BCELoss()
optimizerD = optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
rng = np.random.default_rng(0)

for _ in range(4):
    netD.zero_grad()
    real = torch.from_numpy(rng.standard_normal((4, nc, 8, 8)))
    label = torch.full((real.size(0),), 1.0, dtype=torch.double)
    output = netD(real).view(-1)
    errD_real = criterion(output, label)
    errD_real.backward()
    fake = netG(torch.from_numpy(rng.standard_normal((4, nz, 1, 1))))
    label.fill_(0.0)
    errD_fake = criterion(netD(fake.detach()).view(-1), label)
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    label.fill_(1.0)
    errG = criterion(netD(fake).view(-1), label)
    errG.backward()
    optimizerG.step()
    report((errD_real + errD_fake).item(), errG.item(), output.mean().item())

alpha = torch.from_numpy(rng.random((4, 1, 1, 1))).expand(real.size())
interpolated = (alpha * real + (1 - alpha) * fake.detach()).requires_grad_(True)
critic = netD(interpolated)
gradients = torch.autograd.grad(
    outputs=critic,
    inputs=interpolated,
    grad_outputs=torch.ones_like(critic),
    create_graph=True,
    retain_graph=True,
    only_inputs=True,
)[0]
penalty = ((gradients.view(4, -1).norm(2, dim=1) - 1) ** 2).mean()
netD.zero_grad()
penalty.backward()
report(penalty.item(), *[p.grad.abs().sum().item() for p in netD.parameters()])
