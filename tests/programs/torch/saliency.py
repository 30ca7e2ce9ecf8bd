"""Attributions in the manner of public libraries: imports by torch's file names, an optimizer of
its own with a required setting, functions marked for tracing, a model that answers later."""

from typing import Union

import torch
import torch.fx
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd.grad_mode import set_grad_enabled
from torch.cuda.amp.autocast_mode import autocast
from torch.distributions.categorical import Categorical
from torch.distributions.multivariate_normal import MultivariateNormal
from torch.futures import Future, collect_all
from torch.jit.annotations import List
from torch.nn.common_types import _size_2_t
from torch.nn.parallel.scatter_gather import scatter_kwargs
from torch.optim.optimizer import Optimizer, required


class Signed(Optimizer):
    """Steps of one length: only the sign of the gradient counts."""

    def __init__(self, params, lr=required, decay=0.0):
        super().__init__(params, dict(lr=lr, decay=decay))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with set_grad_enabled(True):
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.mul_(1 - group["lr"] * group["decay"])
                    p.add_(p.grad.sign(), alpha=-group["lr"])
        return loss


@torch.fx.wrap
def soften(x, temperature: float):
    return F.softmax(x / temperature, dim=-1)


class Net(nn.Module):
    def __init__(self, kernel_size: _size_2_t = (3, 3)):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, kernel_size, padding=1)
        self.up = nn.modules.pixelshuffle.PixelShuffle(1)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.up(F.relu(self.conv(x)))
        return self.head(x.mean((2, 3)))


def later(net, x) -> Future:
    """The answer of a model somewhere else, here at once."""
    answer: Future = Future()
    answer.set_result(net(x))
    return answer


def ablation(net, x, target: Union[int, List[int]]):
    """How much the score falls if a quarter of the picture is missing."""
    with torch.no_grad(), autocast(enabled=False):
        whole = net(x)[:, target]
        answers = []
        for rows in (slice(0, 4), slice(4, 8)):
            for columns in (slice(0, 4), slice(4, 8)):
                without = x.clone()
                without[:, :, rows, columns] = 0
                answers.append(later(net, without).then(lambda y: whole - y.value()[:, target]))
        return torch.stack([each.value() for each in collect_all(answers).wait()], dim=1)


torch.manual_seed(3)
net = Net()
try:
    Signed(net.parameters())
except ValueError as error:
    print(error)
labels = Categorical(probs=torch.tensor([0.5, 0.3, 0.2])).sample((48,))
noise = MultivariateNormal(torch.zeros(8), torch.eye(8)).sample((48, 1, 8))
x = 0.3 * noise.clone()
for i, label in enumerate(labels.tolist()):
    x[i, :, label * 2 : label * 2 + 3, label * 2 : label * 2 + 3] += 1.5
optimizer = Signed([dict(params=net.conv.parameters(), lr=0.002), dict(params=net.head.parameters())], lr=0.01, decay=0.01)  # fmt: skip  # noqa: E501
for epoch in range(6):

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), labels)
        loss.backward()
        return loss

    print(f"epoch {epoch}: loss {optimizer.step(closure).item():.5f}")

assert scatter_kwargs((), {}, []) == ((), ())
logits = net(x)
print("softened", [round(p, 4) for p in soften(logits, 2.0).mean(0).tolist()])
for target in range(3):
    fall = ablation(net, x[labels == target], target)
    print("target", target, "falls by", [f"{each:.4f}" for each in fall.mean(0).tolist()])
