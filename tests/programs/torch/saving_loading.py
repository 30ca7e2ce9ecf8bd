"""Saving and loading: state dicts, a checkpoint to go on from, weights for another network."""

import os
import tempfile

import torch
import torch.nn as nn
import torch.optim as optim


class Net(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4 * 36, classes)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


def train(net, optimizer, steps, offset):
    for step in range(steps):
        generator = torch.Generator().manual_seed(step + offset)
        x = torch.randn(6, 1, 8, 8, generator=generator)
        y = torch.randint(0, 3, (6,), generator=generator)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        print(f"step {step + offset}: {loss.item():.6f}")
    return loss


torch.manual_seed(3)
net = Net()
optimizer = optim.Adam(net.parameters(), lr=0.01, amsgrad=True)
for name, value in net.state_dict().items():
    print(name, tuple(value.size()))
loss = train(net, optimizer, 3, 0)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "checkpoint.tar")
    state = {
        "epoch": 5,
        "model_state_dict": net.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "loss": loss.item(),
    }
    torch.save(state, path)
    train(net, optimizer, 2, 3)

    again = Net()
    other = optim.Adam(again.parameters(), lr=0.5)
    checkpoint = torch.load(path, weights_only=True, map_location=torch.device("cpu"))
    again.load_state_dict(checkpoint["model_state_dict"])
    other.load_state_dict(checkpoint["optimizer_state_dict"])
    print("epoch", checkpoint["epoch"], "lr", other.param_groups[0]["lr"])
    again.train()
    train(again, other, 2, 3)  # the same numbers as above
    for a, b in zip(net.parameters(), again.parameters()):
        assert torch.equal(a, b)

    warm = Net(classes=7)
    loaded = torch.load(path, map_location="cpu")["model_state_dict"]
    loaded = {k: v for k, v in loaded.items() if not k.startswith("fc.")}
    result = warm.load_state_dict(loaded, strict=False)
    print("missing", result.missing_keys, "unexpected", result.unexpected_keys)
    warm.eval()
    with torch.no_grad():
        print(f"{warm(torch.ones(1, 1, 8, 8)).shape[1]} classes")
    try:
        warm.load_state_dict(torch.load(path)["model_state_dict"])
    except RuntimeError as error:
        print("size mismatch" in str(error))
