"""A range test for the learning rate, with schedulers of its own and the state put back after."""

import copy
import os
import tempfile

import torch
import torch.nn as nn
import torch.optim as optim
from packaging import version
from torch.optim.lr_scheduler import _LRScheduler
from torch.utils.data import DataLoader, TensorDataset

assert version.parse(torch.__version__) >= version.parse("0.4.1")
torch.manual_seed(8)


class LinearLR(_LRScheduler):
    def __init__(self, optimizer, end_lr, num_iter, last_epoch=-1):
        self.end_lr, self.num_iter = end_lr, num_iter
        super(LinearLR, self).__init__(optimizer, last_epoch)

    def get_lr(self):
        r = self.last_epoch / (self.num_iter - 1)
        return [base_lr + r * (self.end_lr - base_lr) for base_lr in self.base_lrs]


class ExponentialLR(LinearLR):
    def get_lr(self):
        r = self.last_epoch / (self.num_iter - 1)
        return [base_lr * (self.end_lr / base_lr) ** r for base_lr in self.base_lrs]


class LRFinder:
    def __init__(self, model, optimizer, criterion, device=None):
        self.model, self.optimizer, self.criterion = model, optimizer, criterion
        self.device = device or next(self.model.parameters()).device
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "state.pt")
        torch.save(model.state_dict(), self.path)
        self.optimizer_state = copy.deepcopy(optimizer.state_dict())

    def reset(self):
        self.model.load_state_dict(torch.load(self.path, map_location=lambda storage, loc: storage))
        self.optimizer.load_state_dict(self.optimizer_state)
        self.model.to(self.device)

    def range_test(self, loader, end_lr, num_iter, kind, smooth_f=0.05, diverge_th=5):
        schedule = kind(self.optimizer, end_lr, num_iter)
        history, best, iterator = [], None, iter(loader)
        for iteration in range(num_iter):
            try:
                inputs, labels = next(iterator)
            except StopIteration:
                iterator = iter(loader)
                inputs, labels = next(iterator)
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.model.train()
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(inputs), labels)
            loss.backward()
            self.optimizer.step()
            loss = loss.item()
            lr = schedule.get_last_lr()[0]
            schedule.step()
            if history:
                loss = smooth_f * loss + (1 - smooth_f) * history[-1]
            best = loss if best is None else min(best, loss)
            history.append(loss)
            print(f"lr {lr:.3e} loss {loss:.5f}")
            if loss > diverge_th * best:
                print("Stopping early, the loss has diverged")
                break
        return history


model = nn.Sequential(nn.Conv1d(2, 4, 3), nn.Mish(), nn.Flatten(), nn.Linear(24, 3))
loader = DataLoader(
    TensorDataset(torch.randn(20, 2, 8), torch.randint(0, 3, (20,))), batch_size=5, shuffle=True
)
finder = LRFinder(model, optim.Adam(model.parameters(), lr=1e-5), nn.CrossEntropyLoss())
finder.range_test(loader, end_lr=1e-1, num_iter=7, kind=ExponentialLR)
finder.reset()
finder.range_test(loader, end_lr=1e-2, num_iter=4, kind=LinearLR)
