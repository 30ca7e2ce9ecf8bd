"""Gradients with respect to images: style transfer, FGSM, saliency, Grad-CAM."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from program import report, same_weights

torch.set_default_dtype(torch.float64)


class StyleLoss(nn.Module):
    def __init__(self, target_feature):
        super().__init__()
        self.target = self.gram(target_feature).detach()

    @staticmethod
    def gram(input):
        a, b, c, d = input.size()
        features = input.view(a * b, c * d)
        return torch.mm(features, features.t()).div(a * b * c * d)

    def forward(self, input):
        self.loss = F.mse_loss(self.gram(input), self.target)
        return input


class Normalization(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def forward(self, img):
        return (img - self.mean) / self.std


cnn = nn.Sequential(
    nn.Conv2d(3, 4, 3, padding=1),
    nn.ReLU(inplace=True),
    nn.MaxPool2d(2, 2),
    nn.Conv2d(4, 5, 3, padding=1),
    nn.ReLU(inplace=True),
)
same_weights(cnn)
rng = np.random.default_rng(0)
content, style = (torch.from_numpy(rng.random((1, 3, 10, 10))) for _ in range(2))

model, losses, i = nn.Sequential(Normalization([0.4, 0.5, 0.4], [0.2, 0.2, 0.3])), [], 0
for layer in cnn.children():
    if isinstance(layer, nn.Conv2d):
        i += 1
        name = f"conv_{i}"
    elif isinstance(layer, nn.ReLU):
        name = f"relu_{i}"
        layer = nn.ReLU(inplace=False)
    else:
        name = f"pool_{i}"
    model.add_module(name, layer)
    if name.startswith("conv"):
        losses.append(StyleLoss(model(style).detach()))
        model.add_module(f"style_loss_{i}", losses[-1])
model = model[: len(model) - 1]
model.eval()
model.requires_grad_(False)
image = content.clone().requires_grad_(True)
optimizer = optim.LBFGS([image])


def closure():
    with torch.no_grad():
        image.clamp_(0, 1)
    optimizer.zero_grad()
    model(image)
    loss = sum(each.loss for each in losses) * 100
    loss.backward()
    report(loss.item())
    return loss


optimizer.step(closure)
with torch.no_grad():
    image.clamp_(0, 1)
report(image.mean().item())

# ------------------------------------------------------ what a classifier sees, and does not see

net = nn.Sequential(cnn, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(20, 4)).eval()
same_weights(net)
net.requires_grad_(True)
x = torch.tensor(rng.random((2, 3, 10, 10)), requires_grad=True)
y = torch.tensor([1, 3])
loss = F.nll_loss(F.log_softmax(net(x), 1), y)
net.zero_grad()
loss.backward()
attacked = torch.clamp(x + 0.03 * x.grad.data.sign(), 0, 1)
saliency, _ = torch.max(x.grad.data.abs(), dim=1)
report(loss.item(), F.cross_entropy(net(attacked), y).item(), saliency.sum().item())

features, gradients = {}, {}
net[0].register_forward_hook(lambda m, i, o: features.__setitem__("x", o))
net[0].register_full_backward_hook(lambda m, gi, go: gradients.__setitem__("x", go[0]))
score = net(x)[torch.arange(2), y].sum()
score.backward()
weight = gradients["x"].mean(dim=(2, 3), keepdim=True)
cam = F.relu((weight * features["x"]).sum(1, keepdim=True))
cam = F.interpolate(cam, x.shape[-2:], mode="bilinear", align_corners=False)
report(cam.mean().item(), cam.amax().item())

delta = torch.zeros_like(x).requires_grad_()
for _ in range(3):
    nn.CrossEntropyLoss()(net(x.detach() + delta), y).backward()
    delta.data = (delta + 0.01 * delta.grad.detach().sign()).clamp(-0.02, 0.02)
    delta.grad.zero_()
report(delta.abs().sum().item(), F.cross_entropy(net(x + delta), y).item())
