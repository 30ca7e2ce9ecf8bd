"""No training step waits for the GPU or copies anything, whatever network and optimizer."""

import contextlib
import sys

import pytest

import minitorch_cnn as mt
from minitorch_cnn import backend, models, nn

pytestmark = pytest.mark.skipif(
    mt.get_backend() == "numpy", reason="needs a device: pytest --backend standin or cupy"
)


def forbidden():
    """A context in which waiting and copying between host and device are errors."""
    cupy = backend.import_cupy()
    if hasattr(cupy, "_rules"):
        return cupy._rules.forbid()
    if "cupy_on_cpu" in sys.modules:
        return sys.modules["cupy_on_cpu"].forbid()
    import cupyx

    return cupyx.allow_synchronize(False)  # CuPy itself watches over waiting only


def test_the_watch_works():
    x = mt.ones(2)
    with pytest.raises(Exception), forbidden():  # noqa: B017 (each device has its own)
        x.sum().item()


NETWORKS = {
    "lenet": lambda: models.small.build_network("lenet5", "cifar10", 10, 3),
    "resnet": lambda: models.cifar.CifarResNet([1, 1], [4, 8]),
    "vgg": lambda: models.small.ARCHITECTURES["vgg"](),
    "alexnet": lambda: models.cifar.alexnet(),
    "densenet": lambda: models.small.ARCHITECTURES["densenet"](),
    "googlenet": lambda: models.small.ARCHITECTURES["googlenet"](),
    "mobilenet": lambda: models.mobilenet_v2(num_classes=10, width_mult=0.25),
    "rarer layers": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1, padding_mode="reflect"),
        nn.Upsample(scale_factor=2),
        nn.Upsample(size=(20, 21), mode="bilinear"),
        nn.GroupNorm(2, 4),
        nn.Hardswish(),
        nn.ConvTranspose2d(4, 4, 2, stride=2),
        nn.InstanceNorm2d(4),
        nn.AvgPool2d(3, padding=1, count_include_pad=False),
        nn.AdaptiveMaxPool2d(9),
        nn.AdaptiveAvgPool2d(7),
        nn.Flatten(),
        nn.PReLU(),
        nn.AlphaDropout(0.1),
        nn.Linear(196, 10),
    ),
    "fashionnet": lambda: models.small.ARCHITECTURES["fashionnet"](in_channels=3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    net = NETWORKS[name]()
    optimizer = mt.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    images, labels = mt.randn(2, 3, 32, 32), mt.tensor([1, 2])
    total, right = mt.zeros(()), mt.zeros((), dtype=mt.int64)
    for watch in (contextlib.nullcontext(), forbidden()):  # the first step compiles kernels
        with watch:
            optimizer.zero_grad()
            scores = net(images)
            loss = criterion(scores, labels)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            total += loss.detach()
            right += (scores.argmax(1) == labels).sum()
    assert total.isfinite().item() and 0 <= right.item() <= 4


OPTIMIZERS = ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    net = nn.Sequential(nn.Linear(4, 3), nn.GELU(), nn.LayerNorm(3), nn.Linear(3, 2))
    optimizer = getattr(mt.optim, name)(net.parameters(), lr=0.01)
    scheduler = mt.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=9, cycle_momentum=False
    )
    x, y = mt.randn(5, 4), mt.randn(5, 2)
    for watch in (contextlib.nullcontext(), forbidden()):
        with watch:
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x).log_softmax(1), y).backward()
            optimizer.step()
            scheduler.step()


def counted():
    cupy = backend.import_cupy()
    if hasattr(cupy, "_rules"):
        return dict(cupy._rules.counters)
    if "cupy_on_cpu" not in sys.modules:
        pytest.skip("a GPU does not count how often the host waits for it")
    return sys.modules["cupy_on_cpu"].counters()


def test_mixed_precision_waits_once_in_a_step():
    net = models.cifar.CifarResNet([1], [4])
    optimizer, scaler = mt.optim.SGD(net.parameters(), lr=0.1), mt.amp.GradScaler()
    images, labels = mt.randn(2, 3, 8, 8), mt.tensor([1, 2])
    waits = []
    for _ in range(3):
        before = counted()
        optimizer.zero_grad()
        with mt.autocast("cuda"):
            loss = nn.functional.cross_entropy(net(images), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        after = counted()
        waits.append((after["syncs"] - before["syncs"], after["h2d"] - before["h2d"]))
    assert waits[1:] == [(1, 0), (1, 0)]  # to know whether a gradient is infinite
