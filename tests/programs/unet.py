"""A U-Net for two tasks at once: Dice loss, two ways to enlarge, hooks, groups of parameters."""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from program import report, same_weights
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau


class DoubleConv(nn.Sequential):
    def __init__(self, i, o):
        layers = OrderedDict()
        for number, channels in enumerate((i, o)):
            layers[f"conv{number}"] = nn.Conv2d(channels, o, 3, padding="same", bias=False)
            layers[f"bn{number}"] = nn.BatchNorm2d(o)
            layers[f"relu{number}"] = nn.ReLU(inplace=True)
        super().__init__(layers)


class UNet(nn.Module):
    def __init__(self, bilinear, features=(3, 6)):
        super().__init__()
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        self.pool = nn.MaxPool2d(2, 2)
        channels = 3
        for f in features:
            self.downs.append(DoubleConv(channels, f))
            channels = f
        self.bottleneck = DoubleConv(features[-1], features[-1] * 2)
        for f in reversed(features):
            if bilinear:
                up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            else:
                up = nn.ConvTranspose2d(f * 2, f, 2, 2)
            self.ups.append(up)
            self.ups.append(DoubleConv(f * 3 if bilinear else f * 2, f))
        self.heads = nn.ModuleDict(
            {"mask": nn.Conv2d(features[0], 2, 1), "edge": nn.Conv2d(features[0], 1, kernel_size=1)}
        )
        self.register_buffer("weights", torch.tensor([0.3, 0.7]))
        self.scale = nn.Parameter(torch.ones(1), requires_grad=True)

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        skips = skips[::-1]
        for i in range(0, len(self.ups), 2):
            x = self.ups[i](x)
            skip = skips[i // 2]
            dy, dx = skip.size()[2] - x.size()[2], skip.size()[3] - x.size()[3]
            x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            x = self.ups[i + 1](torch.cat((skip, x), dim=1))
        return {name: head(x) * self.scale for name, head in self.heads.items()}


class DiceLoss(nn.Module):
    def forward(self, inputs, targets, smooth=1):
        inputs, targets = torch.sigmoid(inputs).view(-1), targets.view(-1)
        intersection = (inputs * targets).sum()
        return 1 - (2.0 * intersection + smooth) / (inputs.sum() + targets.sum() + smooth)


def train(bilinear):
    net = UNet(bilinear).double()
    same_weights(net)
    seen, gradients = {}, []
    handles = [
        net.bottleneck.register_forward_hook(lambda m, i, o: seen.update(out=o.detach())),
        net.heads["mask"].register_full_backward_hook(
            lambda m, gi, go: gradients.append(go[0].norm().item())
        ),
    ]
    rest = [p for name, p in net.named_parameters() if not name.startswith("downs")]
    groups = [{"params": net.downs.parameters(), "lr": 1e-3}, {"params": rest}]
    optimizer = torch.optim.AdamW(groups, lr=1e-2)
    scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=0)
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = torch.as_tensor(rng.standard_normal((2, 3, 14, 9)))
        mask = torch.as_tensor(rng.integers(0, 2, (2, 14, 9)))
        out = net(x)
        loss = F.cross_entropy(out["mask"], mask.long(), weight=net.weights)
        loss = loss + DiceLoss()(out["edge"], mask[:, None].double())
        loss += nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.0).double())(
            out["edge"].squeeze(1), mask.double()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step(loss)
        found = out["mask"].argmax(1) == 1
        iou = (found & (mask == 1)).sum().float() / (found | (mask == 1)).sum().clamp(min=1)
        report(loss.item(), iou.item(), seen["out"].std().item(), gradients[-1])
        report(*[group["lr"] for group in optimizer.param_groups])
    for handle in handles:
        handle.remove()


train(bilinear=True)
train(bilinear=False)
