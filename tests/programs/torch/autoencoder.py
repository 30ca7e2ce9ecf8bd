"""A denoising autoencoder of transposed convolutions."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(16 * 16, 10),
        )
        self.decoder = nn.Sequential(
            nn.Linear(10, 16 * 16),
            nn.Unflatten(1, (16, 4, 4)),
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1),
            nn.PReLU(),
            nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


images = torch.rand(16, 1, 16, 16).cumsum(-1) / 16
loader = DataLoader(TensorDataset(images), batch_size=8, shuffle=True, drop_last=True)
model = Autoencoder()
print(model)
print(sum(p.numel() for p in model.parameters() if p.requires_grad), "parameters")
criterion = nn.MSELoss(reduction="none")
optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=6)
for epoch in range(3):
    for (batch,) in loader:
        noisy = (batch + 0.1 * torch.randn_like(batch)).clamp(0.0, 1.0)
        loss = criterion(model(noisy), batch).sum(dim=[1, 2, 3]).mean(dim=[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(f"epoch {epoch} loss {loss.item():.5f} lr {scheduler.get_last_lr()[0]:.6f}")
