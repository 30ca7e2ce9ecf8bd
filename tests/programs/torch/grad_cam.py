"""Grad-CAM: where a network looked, from hooks on a layer, for a classifier after a few steps."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(17)


class GradCAM:
    def __init__(self, model, target_layer):
        self.model, self.gradients, self.activations = model, None, None
        self.handles = [
            target_layer.register_forward_hook(self.save_activation),
            target_layer.register_full_backward_hook(self.save_gradient),
        ]

    def save_activation(self, module, input, output):
        self.activations = output.detach()

    def save_gradient(self, module, grad_input, grad_output):
        self.gradients = grad_output[0].detach()

    def __call__(self, x, class_idx=None):
        b, c, h, w = x.size()
        logit = self.model(x)
        if class_idx is None:
            class_idx = logit.max(1)[-1]
        score = logit[torch.arange(b), class_idx].sum()
        self.model.zero_grad()
        score.backward(retain_graph=False)
        alpha = self.gradients.view(b, self.gradients.size(1), -1).mean(2)
        weights = alpha.view(b, -1, 1, 1)
        saliency_map = F.relu((weights * self.activations).sum(1, keepdim=True))
        saliency_map = F.interpolate(
            saliency_map, size=(h, w), mode="bilinear", align_corners=False
        )
        low, high = saliency_map.min(), saliency_map.max()
        return (saliency_map - low).div(high - low + 1e-9).data, logit

    def remove(self):
        for handle in self.handles:
            handle.remove()


class Counter:
    """What a guided backpropagation does: gradients clamped in a tensor hook."""

    def __init__(self):
        self.calls = 0

    def __call__(self, grad):
        self.calls += 1
        return grad.clamp(min=0)


model = nn.Sequential()
model.add_module("conv1", nn.Conv2d(3, 8, 3, padding=1))
model.add_module("relu1", nn.ReLU())
model.add_module("conv2", nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"))
model.add_module("relu2", nn.ReLU())
model.add_module("pool", nn.AdaptiveMaxPool2d((2, 2)))
model.add_module("flat", nn.Flatten())
model.add_module("fc", nn.Linear(32, 4))
x = torch.rand(4, 3, 12, 12)
x[torch.arange(4), :, 3 * torch.arange(4)] += 1
y = torch.arange(4)
optimizer = torch.optim.NAdam(model.parameters(), lr=0.01)
for step in range(4):
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"loss {loss.item():.6f}")
cam = GradCAM(model, model.conv2)
mask, logit = cam(x)
cam.remove()
heatmap = (mask.squeeze(1).cpu().numpy() * 255).astype(np.uint8)
print("heat", heatmap.shape, f"{mask.mean().item():.4f}", f"{logit.max().item():.4f}")
hook = Counter()
pixels = x.clone().requires_grad_()
hidden = model.conv1(pixels)
handle = hidden.register_hook(hook)
model[1:](hidden).max().backward()
handle.remove()
print("guided", hook.calls, f"{pixels.grad.abs().sum().item():.4f}")
