"""Networks whose forward calls functions: what a page must take apart without modules' help.

Each keeps its intermediate results in `seen`, so that a test has them from the network itself.
"""

import math

import minitorch_cnn as mt
from minitorch_cnn import nn

F = nn.functional


class Watched(nn.Module):
    def keep(self, x):
        self.seen.append(x)
        return x

    def forward(self, x):
        self.seen = []
        return self.run(x)


class Plain(Watched):
    """What most people write; in-place operations, a module called twice, a weight norm."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3, padding=1))
        self.fc = nn.Linear(16, 5)
        self.drop = nn.Dropout(0.5)

    def run(self, x):
        keep = self.keep
        x = keep(F.relu(self.bn1(self.conv1(x))))
        x = keep(F.max_pool2d(x, 2))
        y = keep(self.conv2(x))
        y = keep(self.conv2(F.relu_(y.clone())))
        z = x.clone()
        z += y
        z.mul_(0.5).add_(1)
        z[:, 1:3] = y[:, :2] * 2
        keep(z)
        x = keep(mt.cat([F.avg_pool2d(z, 2, ceil_mode=True), F.max_pool2d(x, 2, 2)], 1))
        x = keep(x.mean((2, 3)))
        return self.fc(self.drop(F.dropout(x, 0.5, self.training)))


class Curves(Watched):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.slope = nn.Parameter(mt.tensor([0.1, 0.2, 0.3, 0.4]))

    def run(self, x):
        x = self.conv(x) * 3
        functions = (
            F.relu6, F.silu, F.hardswish, F.hardsigmoid, F.gelu, mt.sigmoid, mt.tanh, F.elu,
            F.softplus, F.mish, F.selu, mt.abs, mt.sin, mt.erf, F.hardtanh,
            lambda x: F.gelu(x, approximate="tanh"),
            lambda x: F.leaky_relu(x, 0.2),
            lambda x: F.prelu(x, self.slope),
            lambda x: x.clamp(-0.5, 1.5),
            lambda x: F.hardtanh(x, -math.inf, 1.5),
            lambda x: (x * x + 1).sqrt() / (x.exp() + 1),
            lambda x: 1 / (2 - x.tanh()) - (x.abs() + 1).log() ** 2,
            lambda x: mt.maximum(x, -x),
            lambda x: mt.where(x > 0, x, 0.1 * x),
        )  # fmt: skip
        parts = [self.keep(function(x)) for function in functions]
        total = sum(parts)
        return total.amax((2, 3)) + total.mean((2, 3))  # every number has a gradient


class Norms(Watched):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.group = nn.GroupNorm(2, 6)
        self.instance = nn.InstanceNorm2d(6, affine=True)
        self.layer = nn.LayerNorm(6)
        self.whole = nn.LayerNorm((6, 6, 6))
        for name, parameter in self.named_parameters():
            if parameter.ndim < 4 and "conv" not in name:
                parameter.data = mt.linspace(0.5, 2, parameter.numel()).reshape(parameter.shape)

    def run(self, x):
        keep = self.keep
        x = keep(self.conv(x))
        y = keep(self.group(x)) + keep(self.instance(x)) + keep(self.whole(x))
        y = y + keep(self.layer(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        y = y + keep(F.local_response_norm(x, 3))
        y = keep(y + F.normalize(x))
        y = y + keep(F.softmax(y, 1)) + keep(F.log_softmax(y, 2))
        hidden = mt.arange(6).reshape(6, 1, 1) > 3
        y = y + keep(F.softmax(y.masked_fill(hidden, -math.inf), 1))
        return keep(y.sum(3)).flatten(1)


class Sizes(Watched):
    """Other sizes and other places."""

    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(4, 8, 3, groups=4, dilation=2, padding=2)
        self.up = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.border = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")

    def run(self, x):
        keep = self.keep
        x = keep(mt.cat([x, x[:, :1]], 1))
        y = keep(self.depthwise(x))
        n, c, h, w = y.shape
        y = keep(y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))  # shuffled
        a, b = y.chunk(2, 1)
        a = keep(F.interpolate(a, scale_factor=2))
        b = keep(F.interpolate(b, size=(16, 15), mode="bilinear", align_corners=False))
        b = keep(F.pad(b, (0, 1), value=0.5))
        c = keep(self.up(y))
        d = keep(F.pixel_shuffle(mt.cat([y, y.flip(3)], 1), 2))
        e = keep(self.border((a + b * c - d).roll((1, 2), (2, 3))))
        f = keep(F.adaptive_avg_pool2d(e, (3, 5))) + keep(F.adaptive_max_pool2d(e, (3, 5)))
        g = F.interpolate(F.pad(e, (1, 1, 2, 2), mode="circular"), (3, 5), mode="bicubic")
        z = mt.stack([f, keep(g)], 1)
        return (z[:, 0] * z[:, 1]).mean((2, 3))


class Attention(Watched):
    """Tokens: a class token, positions, attention by hand and by function, squeeze-excitation."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(mt.linspace(-1, 1, 8).reshape(1, 1, 8))
        self.position = nn.Parameter(mt.linspace(0, 1, 40).reshape(1, 5, 8))
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.heads = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)
        self.squeeze = nn.Conv2d(8, 8, 1)

    def run(self, x):
        keep = self.keep
        x = keep(self.patches(x))
        x = keep(x * self.squeeze(F.adaptive_avg_pool2d(x, 1)).sigmoid())
        x = x.flatten(2).transpose(1, 2)
        x = keep(mt.cat([self.token.expand(1, -1, -1), x], 1) + self.position)
        y = self.norm(x)
        q, k, v = self.qkv(y).reshape(1, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
        y = keep(F.scaled_dot_product_attention(q, k, v)).transpose(1, 2).reshape(1, 5, 8)
        x = x + keep(y) + F.normalize(q, dim=-1).transpose(1, 2).reshape(1, 5, 8)
        x = x + self.heads(x, x, x, need_weights=False)[0]
        return self.head(x[:, 0]) + self.head(keep(x.mean(1)))


class UNet(Watched):
    """Maps come out, twice; what explains is the first."""

    def __init__(self):
        super().__init__()
        self.down, self.middle = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.up, self.out = nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Conv2d(8, 2, 1)
        self.aux = nn.Conv2d(8, 2, 1)

    def run(self, x):
        skip = self.keep(F.relu(self.down(x)))
        x = self.keep(F.relu(self.middle(F.max_pool2d(skip, 2))))
        out = self.out(mt.cat([skip, self.keep(self.up(x))], 1))
        return {"out": out, "aux": self.aux(x)}


class Volumes(Watched):
    """Everything in three dimensions, with a stride, padding, dilation and groups of its own."""

    shape = (2, 5, 6, 7)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(2, 4, (3, 2, 3), stride=(2, 1, 1), padding=(1, 0, 2), groups=2)
        self.norm = nn.BatchNorm3d(4)
        self.wide = nn.Conv3d(4, 4, (2, 3, 3), padding=1, dilation=(2, 1, 1), bias=False)
        self.up = nn.ConvTranspose3d(4, 4, (3, 2, 2), (2, 1, 2), (1, 0, 0), groups=2)
        self.group = nn.GroupNorm(2, 4)
        self.fc = nn.Linear(4, 3)
        for each, numbers in ((self.norm, (0.5, 2)), (self.group, (2, 1))):
            each.weight.data = mt.linspace(*numbers, 4)
            each.bias.data = mt.linspace(-1, 1, 4)
        self.norm.running_mean.copy_(mt.linspace(-1, 1, 4))

    def run(self, x):
        keep = self.keep
        x = keep(F.relu(self.norm(keep(self.conv(x)))))
        y = keep(self.wide(x))
        y = y * keep(y.mean((2, 3, 4), keepdim=True)).sigmoid()
        z = keep(F.max_pool3d(x, (2, 3, 2), (1, 2, 2), (1, 1, 0)))
        z = z + keep(F.avg_pool3d(x, (2, 3, 2), (1, 2, 2), (1, 1, 0)))
        z = keep(F.avg_pool3d(z, 2, 1, 1, count_include_pad=False)) + F.avg_pool3d(z, 2, 1, 1)
        y = (
            keep(self.group(keep(self.up(y))))
            + F.instance_norm(x.mean((3, 4), keepdim=True))[:, :, :1]
        )
        z = keep(F.interpolate(z, size=(3, 4, 6), mode="trilinear"))
        y = keep(F.adaptive_avg_pool3d(y, (1, 2, 2))) + F.adaptive_max_pool3d(z, (1, 2, 2))
        return self.fc(F.adaptive_avg_pool3d(y, 1).flatten(1))


class Signal(Watched):
    """One dimension: C maps of one row."""

    shape = (2, 20)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2)
        self.norm = nn.BatchNorm1d(4)
        self.up = nn.ConvTranspose1d(4, 4, 3, stride=2)
        self.circular = nn.Conv1d(4, 3, 5, padding=2, padding_mode="circular")

    def run(self, x):
        keep = self.keep
        x = keep(F.relu(self.norm(keep(self.conv(x)))))
        y = keep(self.up(F.max_pool1d(x, 2)))
        y = y + F.avg_pool1d(F.interpolate(x, 12, mode="linear"), 2, 1, 0)
        y = keep(self.circular(F.pad(y, (1, 2))))
        return (F.adaptive_avg_pool1d(y, 3) + F.layer_norm(y, y.shape[2:]).amax(2, True)).mean(2)


class Recurrent(Watched):
    """Columns of maps one after the other, numbers by their index, and sums of products."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, stride=2, padding=1)
        self.rows = nn.LSTM(8, 3, batch_first=True)
        self.fc = nn.Linear(3, 4)
        self.place = nn.Linear(3, 6)

    def run(self, x):
        keep = self.keep
        grid = F.affine_grid(self.place(x.mean((2, 3))).view(1, 2, 3), [1, 3, 4, 4], False)
        y = keep(self.conv(x)) + keep(F.grid_sample(x, grid, align_corners=False))[:, [2, 0]]
        rows, (last, _) = self.rows(keep(y).permute(0, 3, 1, 2).flatten(2))
        alike = keep(mt.einsum("bth,bsh->bts", rows, rows)).softmax(-1)
        return self.fc(keep(alike @ rows)[:, -1] + last[0])


class Shared(Watched):
    """Parameters in several places, and weights that are computed from parameters."""

    def __init__(self):
        super().__init__()
        rules = nn.utils.parametrizations
        self.stem = rules.spectral_norm(nn.Conv2d(3, 6, 4, stride=4))
        self.twice = rules.weight_norm(nn.Conv2d(6, 6, 1))
        self.old = nn.utils.weight_norm(nn.Linear(6, 6), dim=None)
        self.positions = nn.Embedding(9, 6)
        self.w, self.v = (nn.Parameter(mt.randn(6, 6) / 3) for _ in range(2))
        self.table = nn.Parameter(mt.randn(7, 2))
        self.start = nn.Parameter(mt.randn(1, 6, 2, 2))
        self.mix = nn.Conv2d(6, 6, 1)

    def run(self, x):
        keep = self.keep
        x = keep(self.stem(x))
        x = keep(self.twice(F.relu(self.twice(x)) + self.mix(F.relu(self.mix(self.start)))))
        x = x.flatten(2).mT + self.positions(mt.arange(1, 5))
        x = keep(F.linear(x, self.w)) + F.linear(x, self.w.t(), self.v[0])
        x = keep(F.linear(x, self.w + 0.5 * self.v, self.v.mean(0)))
        distance = mt.arange(4).reshape(4, 1) - mt.arange(4) + 3
        x = (x @ x.mT + self.table[distance].permute(2, 0, 1).sum(0)).softmax(-1) @ x
        x = self.old(keep(x)) * self.v.exp().sum(0).rsqrt()
        penalty = 0.1 * (self.w**2).sum() + self.v.detach().sum()
        return keep(x.mean(1)) - penalty


class Composed(Watched):
    """Operations of several steps, weights that come from the picture, places of their own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.kernels, self.gate = nn.Linear(8, 72), nn.Linear(8, 64)
        self.mix = nn.Parameter(mt.randn(2, 1, 4, 4))
        self.bias = nn.Parameter(mt.linspace(-1, 1, 8))

    def run(self, x):
        keep = self.keep
        x = keep(self.conv(x))
        x = keep(
            (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, unbiased=False) + 1).sqrt()
        )
        x = x * keep(x.std((2, 3), keepdim=True))
        answer = x.mean((2, 3))
        kernels = self.kernels(answer).view(8, 1, 3, 3)
        y = keep(F.conv2d(x, kernels, self.bias, (1, 2), (2, 1), (2, 1), groups=8))
        z = keep(F.linear(answer, self.gate(answer).view(8, 8), self.bias))
        y = keep(mt.lerp(y, y.flip(3) * z.view(1, 8, 1, 1), 0.3))
        a, b = keep(mt.stack([y, y.roll(1, 2)]).mean(0)).split([3, 5], 1)
        y = mt.cat([b.cumsum(2), keep(a.tril() * 2)], 1)
        parts = keep(mt.einsum("bchw,bdhw->bcd", y, y).view(2, 4, 2, 4).permute(0, 2, 1, 3))
        parts = keep(parts @ self.mix)
        windows = F.unfold(x, 3, padding=1).view(1, 8, 9, 64).sum(2).logsumexp(2)
        curves = windows.atan() + windows.expm1() * 0.01 + windows.abs().log1p() * windows.sign()
        curves = curves + (0.1 * windows).sinh() + (0.1 * windows).cosh() + (0.1 * windows).tan()
        curves = keep(curves) + F.relu(x).flatten(2).max(1)[0].view(1, 8, 8).min(2)[0]
        return keep(parts.amax((0, 2))).flatten().unsqueeze(0).softmax(1) + curves


NETWORKS = [
    Plain, Curves, Norms, Sizes, Attention, UNet, Volumes, Signal, Recurrent, Shared, Composed,
]  # fmt: skip


def made(kind):
    """The network with always the same weights, and a picture."""
    mt.manual_seed(7)
    network = kind().eval()
    return network, mt.randn(1, *getattr(kind, "shape", (3, 8, 8)))
