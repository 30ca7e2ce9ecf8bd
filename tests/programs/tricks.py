"""Mixup, CutMix, distillation, averaged weights, accumulated gradients, mixed precision (off)."""

import copy
import math

import numpy as np
import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
import torch.nn.functional as F
from program import report, same_weights
from torch.cuda.amp import GradScaler, autocast
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn

rng = np.random.default_rng(0)
torch.manual_seed(0)
cudnn.deterministic = True
cudnn.benchmark = False
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def build():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d((2, 2)),
        nn.Flatten(),
        nn.Linear(16, 5),
    ).double()


class EMA:
    def __init__(self, model, decay=0.9):
        self.ema = copy.deepcopy(model).eval()
        self.decay = decay
        for p in self.ema.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        current = model.state_dict()
        for k, v in self.ema.state_dict().items():
            if v.dtype.is_floating_point:
                v *= self.decay
                v += (1 - self.decay) * current[k].detach()
            else:
                v.copy_(current[k])


def cut_box(size, lam):
    W, H = size[2], size[3]
    ratio = np.sqrt(1.0 - lam)
    w, h = int(W * ratio), int(H * ratio)
    cx, cy = rng.integers(W), rng.integers(H)
    x, y = np.clip([cx - w // 2, cx + w // 2], 0, W), np.clip([cy - h // 2, cy + h // 2], 0, H)
    return x[0], x[1], y[0], y[1]


def distillation(student, teacher, T=4.0):
    soft = F.log_softmax(student / T, dim=1), F.softmax(teacher / T, dim=1)
    return nn.KLDivLoss(reduction="batchmean")(*soft) * T * T


student, teacher = build(), build()
same_weights(student, teacher)
student, teacher = nn.DataParallel(student).to(device), teacher.to(device).eval()
ema, swa = EMA(student), AveragedModel(student)
decay = [p for p in student.parameters() if p.ndim > 1]
no_decay = [p for p in student.parameters() if p.ndim <= 1]
optimizer = torch.optim.SGD(
    [{"params": decay, "weight_decay": 5e-4}, {"params": no_decay, "weight_decay": 0}],
    lr=0.1,
    momentum=0.9,
)
scheduler = LambdaLR(
    optimizer, lambda s: min(1.0, (s + 1) / 3) * 0.5 * (1 + math.cos(math.pi * s / 12))
)
swa_scheduler = SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
scaler = GradScaler(enabled=torch.cuda.is_available())
batches = [
    (torch.from_numpy(rng.standard_normal((6, 3, 8, 8))), torch.from_numpy(rng.integers(0, 5, 6)))
    for _ in range(6)
]
for step, (x, y) in enumerate(batches):
    lam = rng.beta(1.0, 1.0)
    index = torch.from_numpy(rng.permutation(x.size(0)))
    if step % 2:
        mixed = lam * x + (1 - lam) * x[index, :]
    else:
        x1, x2, y1, y2 = cut_box(x.size(), lam)
        mixed = x.clone()
        mixed[:, :, x1:x2, y1:y2] = x[index, :, x1:x2, y1:y2]
        lam = 1 - (x2 - x1) * (y2 - y1) / (x.size()[-1] * x.size()[-2])
    with autocast(enabled=False):
        out = student(mixed)
        loss = lam * F.cross_entropy(out, y)
        loss += (1 - lam) * F.cross_entropy(out, y[index], label_smoothing=0.1)
        with torch.no_grad():
            target = teacher(mixed)
        loss = (loss + 0.1 * distillation(out, target)) / 2
    scaler.scale(loss).backward()
    report(loss.item())
    if step % 2:  # two batches make one step
        scaler.unscale_(optimizer)
        report(float(nn.utils.clip_grad_norm_(student.parameters(), 1.0)))
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        (scheduler if step < 3 else swa_scheduler).step()
        ema.update(student)
        swa.update_parameters(student)
        report(optimizer.param_groups[0]["lr"])
update_bn(batches, swa)


@torch.inference_mode()
def predict(model, x):
    return model.eval()(x).softmax(1).max(1)


for model in (student, ema.ema, swa):
    best = predict(model, batches[0][0])
    report(*best.values.tolist(), *best.indices.tolist())
one_hot = F.one_hot(batches[0][1], 5).double()
report(F.cross_entropy(student(batches[0][0]), one_hot).item())
vector = nn.utils.parameters_to_vector(student.parameters())
nn.utils.vector_to_parameters(vector * 0.5, student.parameters())
report(vector.norm().item(), *[p.abs().sum().item() for p in student.parameters()])
