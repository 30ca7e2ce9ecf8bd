"""A critic with gradient penalty: a gradient of a gradient in each step."""

import torch
from torch import autograd, nn, optim

torch.manual_seed(11)


def calc_gradient_penalty(critic, real, fake, weight=10.0):
    alpha = torch.rand(real.size(0), 1, 1, 1).expand_as(real)
    interpolates = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    scores = critic(interpolates)
    gradients = autograd.grad(
        outputs=scores,
        inputs=interpolates,
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * weight


generator = nn.Sequential(
    nn.Linear(6, 8 * 16), nn.Unflatten(1, (8, 4, 4)), nn.Upsample(scale_factor=2),
    nn.Conv2d(8, 4, 3, padding=1), nn.ELU(), nn.Conv2d(4, 1, 3, padding=1), nn.Tanh(),
)  # fmt: skip
critic = nn.Sequential(
    nn.Conv2d(1, 6, 3, 2, 1), nn.LayerNorm([6, 4, 4]), nn.SiLU(), nn.Flatten(), nn.Linear(96, 1)
)
optimizer_d = optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))
optimizer_g = optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
images = torch.sin(torch.arange(16 * 64.0)).view(16, 1, 8, 8)
for iteration in range(3):
    for p in critic.parameters():
        p.requires_grad = True
    for _ in range(2):
        real = images[torch.randperm(16)[:8]]
        critic.zero_grad()
        with torch.no_grad():
            fake = generator(torch.randn(8, 6))
        penalty = calc_gradient_penalty(critic, real.data, fake.data)
        cost = critic(fake).mean() - critic(real).mean() + penalty
        cost.backward()
        optimizer_d.step()
    for p in critic.parameters():
        p.requires_grad = False
    generator.zero_grad()
    generated = -critic(generator(torch.randn(8, 6))).mean()
    generated.backward()
    optimizer_g.step()
    print(f"critic {cost.item():.5f} penalty {penalty.item():.5f} generator {generated.item():.5f}")
