"""An adversary: the sign of the gradient on the picture, for several strengths."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)
epsilons = [0, 0.05, 0.1, 0.2, 0.3]


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 8, 3, 2)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(8 * 36, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 1)
        x = self.dropout1(x)
        return F.log_softmax(self.fc1(torch.flatten(x, 1)), dim=1)


def pictures(count):
    """Class k is brighter in column 3 k."""
    target = torch.arange(count) % 5
    data = torch.rand(count, 1, 16, 16) * 0.5
    for i, k in enumerate(target):
        data[i, 0, :, 3 * k] += 0.4
    return data, target


def fgsm_attack(image, epsilon, data_grad):
    perturbed_image = image + epsilon * data_grad.sign()
    return torch.clamp(perturbed_image, 0, 1)


def test(model, device, data, target, epsilon):
    correct, total = 0, 0.0
    for x, y in zip(data.split(1), target.split(1)):
        x, y = x.to(device), y.to(device)
        x.requires_grad = True
        output = model(x)
        init_pred = output.max(1, keepdim=True)[1]
        loss = F.nll_loss(output, y)
        model.zero_grad()
        loss.backward()
        perturbed = fgsm_attack(x, epsilon, x.grad.data)
        output = model(perturbed.detach())
        final_pred = output.max(1, keepdim=True)[1]
        correct += int(init_pred.item() == y.item() and final_pred.item() == y.item())
        total += F.nll_loss(output, y).item()
    print(f"Epsilon: {epsilon}\tloss under attack = {total / len(data):.5f}")
    return correct / len(data)


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = Net().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
data, target = pictures(20)
model.eval()  # without dropout also in training, so that few steps do
for _ in range(15):
    optimizer.zero_grad()
    loss = F.nll_loss(model(data), target)
    loss.backward()
    optimizer.step()
print(f"trained: {loss.item():.5f}")
accuracies = [test(model, device, *pictures(10), eps) for eps in epsilons]
print("no better under attack:", accuracies[-1] <= accuracies[0])
