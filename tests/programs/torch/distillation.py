"""A small network learns from a larger one: soft targets, and features by cosine."""

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(21)


class Net(nn.Module):
    def __init__(self, width, num_classes=6):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2, stride=2),
            nn.Conv2d(width, 16, kernel_size=3, padding=1),
            nn.Hardswish(),
            nn.MaxPool2d(kernel_size=2, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(64, 12), nn.ReLU(), nn.Dropout(0.1), nn.Linear(12, num_classes)
        )

    def forward(self, x):
        x = self.features(x)
        hidden = torch.flatten(x, 1)
        return self.classifier(hidden), hidden


def train(model, loader, epochs, lr):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=lr)
    model.train()
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs)[0], labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {running_loss / len(loader):.5f}")


def distill(teacher, student, loader, epochs, lr, T, soft_weight, ce_weight):
    ce_loss, cosine = nn.CrossEntropyLoss(), nn.CosineEmbeddingLoss()
    optimizer = optim.Adam(student.parameters(), lr=lr)
    teacher.eval()
    student.train()
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            with torch.no_grad():
                teacher_logits, teacher_hidden = teacher(inputs)
            student_logits, student_hidden = student(inputs)
            soft_targets = nn.functional.softmax(teacher_logits / T, dim=-1)
            soft_prob = nn.functional.log_softmax(student_logits / T, dim=-1)
            soft_loss = torch.sum(soft_targets * (soft_targets.log() - soft_prob))
            soft_loss = soft_loss / soft_prob.size()[0] * (T**2)
            label_loss = ce_loss(student_logits, labels)
            hidden = cosine(student_hidden, teacher_hidden, target=torch.ones(inputs.size(0)))
            loss = soft_weight * soft_loss + ce_weight * label_loss + 0.2 * hidden
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, distilled: {running_loss / len(loader):.5f}")


data = TensorDataset(torch.randn(16, 3, 8, 8), torch.randint(0, 6, (16,)))
loader = DataLoader(data, batch_size=8, shuffle=True)
teacher, student = Net(24), Net(4)
print(sum(p.numel() for p in teacher.parameters()), sum(p.numel() for p in student.parameters()))
train(teacher, loader, 2, 0.01)
distill(teacher, student, loader, 2, 0.01, T=2, soft_weight=0.25, ce_weight=0.75)
