"""Schedules: torch's values step for step, closed formulas, state dicts, warnings, errors."""

import copy
import math
import pickle
import warnings

import pytest

import minitorch_cnn as mt

STEPS = 70


class Decay:
    """A callable with a state, which a state dict can keep."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return self.rate**epoch


def sequential(s, o):
    parts = [s.LinearLR(o, 0.1, total_iters=8), s.CosineAnnealingLR(o, 20), s.StepLR(o, 7, 0.5)]
    return s.SequentialLR(o, parts, [8, 30])


def nested(s, o):
    inner = s.SequentialLR(o, [s.ConstantLR(o, 0.5, 3), s.ExponentialLR(o, 0.9)], [5])
    return s.SequentialLR(o, [inner, s.MultiStepLR(o, [3, 9], 0.5)], [20])


SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 7, gamma=0.7),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [30, 5, 5, 12], gamma=0.3),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.93),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 20, eta_min=0.003),
    "CosineAnnealingLR, one": lambda s, o: s.CosineAnnealingLR(o, 1),
    "WarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, eta_min=0.001),
    "WarmRestarts, same": lambda s, o: s.CosineAnnealingWarmRestarts(o, 9),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda t: min(1, (t + 1) / 10)),
    "LambdaLR, each": lambda s, o: s.LambdaLR(o, [lambda t: 1 / (t + 1), Decay(0.9)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda t: 1 - 1 / (t + 5)),
    "LinearLR": lambda s, o: s.LinearLR(o),
    "LinearLR, down": lambda s, o: s.LinearLR(o, 1.0, 0.2, 30),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.25, 13),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 40, power=1.7),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=STEPS),
    "OneCycleLR, linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 1.0], epochs=10, steps_per_epoch=8, anneal_strategy="linear", pct_start=0.4
    ),
    "OneCycleLR, three": lambda s, o: s.OneCycleLR(
        o, 0.5, 75, three_phase=True, base_momentum=0.7, max_momentum=[0.9, 0.8], div_factor=10.0
    ),
    "OneCycleLR, no momentum": lambda s, o: s.OneCycleLR(o, 0.5, 80, cycle_momentum=False),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 7, 11),
    "CyclicLR, 2": lambda s, o: s.CyclicLR(o, [0.01, 0.02], 0.1, 10, mode="triangular2"),
    "CyclicLR, exp": lambda s, o: s.CyclicLR(
        o, 0.01, 0.1, 10, mode="exp_range", gamma=0.97, cycle_momentum=False
    ),
    "CyclicLR, own": lambda s, o: s.CyclicLR(
        o, 0.01, 0.1, 10, scale_fn=Decay(0.99), scale_mode="iterations"
    ),
    "SequentialLR": sequential,
    "SequentialLR, nested": nested,
    "ChainedScheduler": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.1, 6), s.ExponentialLR(o, 0.95), s.StepLR(o, 11)]
    ),
}


def make_optimizer(lib, kind="SGD"):
    p, q = lib.nn.Parameter(lib.ones(1)), lib.nn.Parameter(lib.ones(1))
    groups = [{"params": [p]}, {"params": [q], "lr": 0.03}]
    if kind == "Adam":
        return lib.optim.Adam(groups, lr=0.1)
    return lib.optim.SGD(groups, lr=0.1, momentum=0.9)


def record(scheduler, steps):
    """Rates, momenta, last_epoch and get_last_lr of each step."""
    rows = []
    optimizer = scheduler.optimizer
    for _ in range(steps):
        rows.append(
            [
                *(group["lr"] for group in optimizer.param_groups),
                *(group.get("momentum", 0) for group in optimizer.param_groups),
                *(beta for group in optimizer.param_groups for beta in group.get("betas", ())),
                *scheduler.get_last_lr(),
                getattr(scheduler, "last_epoch", 0),
            ]
        )
        optimizer.step()
        scheduler.step()
    return rows


def assert_close(ours, theirs):
    for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a == pytest.approx(b, rel=1e-13, abs=1e-18), f"step {step}"


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_values_are_torchs_step_for_step(name, kind):
    torch = pytest.importorskip("torch")
    rows, warned = [], []
    for lib in (mt, torch):
        optimizer = make_optimizer(lib, kind)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rows.append(record(SCHEDULES[name](lib.optim.lr_scheduler, optimizer), STEPS))
        warned.append(len(caught))
    assert_close(*rows)
    # torch warns, without reason, while it makes nested schedules
    assert warned == ([1, 1] if name == "SequentialLR, nested" else [0, 0])


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_state_dict_in_the_middle_continues_the_same_way(name):
    whole = record(SCHEDULES[name](mt.optim.lr_scheduler, make_optimizer(mt)), STEPS)
    optimizer = make_optimizer(mt)
    first = SCHEDULES[name](mt.optim.lr_scheduler, optimizer)
    record(first, 23)
    saved = pickle.loads(pickle.dumps((optimizer.state_dict(), first.state_dict())))
    fresh = make_optimizer(mt)
    second = SCHEDULES[name](mt.optim.lr_scheduler, fresh)
    fresh.load_state_dict(saved[0])
    second.load_state_dict(copy.deepcopy(saved[1]))
    assert record(second, STEPS - 23) == whole[23:]


RESUMED = {
    "StepLR": lambda s, o: s.StepLR(o, 7, gamma=0.7, last_epoch=9),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [30, 5, 12], gamma=0.3, last_epoch=9),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.93, last_epoch=9),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 20, 0.003, last_epoch=9),
    "WarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, last_epoch=9),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda t: 1 / (t + 1), last_epoch=9),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.9, last_epoch=9),
    "LinearLR": lambda s, o: s.LinearLR(o, total_iters=30, last_epoch=9),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.25, 13, last_epoch=9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 40, power=1.7, last_epoch=9),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=STEPS, last_epoch=9),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 7, 11, last_epoch=9),
}


@pytest.mark.parametrize("name", RESUMED)
def test_resuming_by_last_epoch_is_torchs(name):
    torch = pytest.importorskip("torch")
    results = []
    for lib in (mt, torch):
        optimizer = make_optimizer(lib)
        record(SCHEDULES[name](lib.optim.lr_scheduler, optimizer), 9)
        results.append(record(RESUMED[name](lib.optim.lr_scheduler, optimizer), 20))
    assert_close(*results)


CLOSED = {
    "StepLR": lambda t: 0.7 ** (t // 7),
    "MultiStepLR": lambda t: 0.3 ** sum(t >= m for m in (30, 5, 5, 12)),
    "ExponentialLR": lambda t: 0.93**t,
    "LinearLR": lambda t: 1 / 3 + 2 / 3 * min(t, 5) / 5,
    "ConstantLR": lambda t: 0.25 if t < 13 else 1.0,
    "PolynomialLR": lambda t: (1 - min(t, 40) / 40) ** 1.7,
    "CosineAnnealingLR": lambda t: 0.03 + 0.97 * (1 + math.cos(math.pi * t / 20)) / 2,
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_formulas(name):
    scheduler = SCHEDULES[name](mt.optim.lr_scheduler, make_optimizer(mt))
    formula = CLOSED[name]
    rates = [row[0] for row in record(scheduler, 40)]
    assert rates == pytest.approx([0.1 * formula(t) for t in range(40)], rel=1e-9)
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(9)
    assert scheduler.get_last_lr()[0] == pytest.approx(0.1 * formula(9), rel=1e-12)
    assert scheduler.last_epoch == 9


def test_who_warns_of_an_epoch_is_as_in_torch():
    def steps_of(lib):
        s = lib.optim.lr_scheduler
        one, two = make_optimizer(lib), make_optimizer(lib)
        joined = [s.ConstantLR(two, 0.5), s.ExponentialLR(two, 0.9)]
        yield s.StepLR(one, 2), (3,)
        yield s.ReduceLROnPlateau(one), (1.0, 3)
        yield s.ReduceLROnPlateau(one), (1.0,)
        yield s.CosineAnnealingWarmRestarts(one, 4), (2.5,)
        yield s.SequentialLR(two, joined, [1]), ()

    counts = []
    for lib in (mt, pytest.importorskip("torch")):
        counts.append([])
        for scheduler, arguments in steps_of(lib):
            scheduler.optimizer.step()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scheduler.step(*arguments)
            told = lib.optim.lr_scheduler.EPOCH_DEPRECATION_WARNING
            counts[-1].append([str(each.message) == told for each in caught])
    assert counts[0] == counts[1] == [[True], [True], [], [], []]


@pytest.mark.parametrize("T_mult", [1, 2, 3])
def test_warm_restarts_by_fractions_of_epochs(T_mult):
    torch = pytest.importorskip("torch")
    rows = []
    for lib in (mt, torch):
        optimizer = make_optimizer(lib)
        s = lib.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 4, T_mult)
        row = []
        for i in range(200):
            s.step(i * 0.23)
            row.append((s.get_last_lr(), s.last_epoch, s.T_i))
        rows.append(row)
    for a, b in zip(*rows, strict=True):
        assert a[0] == pytest.approx(b[0], rel=1e-12) and a[1:] == b[1:]
    with pytest.raises(ValueError, match="non-negative epoch, but got -1"):
        mt.optim.lr_scheduler.CosineAnnealingWarmRestarts(make_optimizer(mt), 4).step(-1)


LOSSES = [5, 4, 4.5, 4.4, 4.3, 4.2, 3.9999, 3.5, 3.6, 3.6, 3.6, 3.6, 3.6, 3.6, 3.49, 9, 9, 9, 9, 9]


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 1, "cooldown": 2, "factor": 0.5},
        {"patience": 0, "threshold": 0.3, "threshold_mode": "abs", "min_lr": [0.01, 0.002]},
        {"patience": 1, "mode": "max", "min_lr": 0.005},
        {"patience": 1, "mode": "max", "threshold": 0.5, "threshold_mode": "abs"},
        {"patience": 0, "eps": 0.02},
    ],
)
def test_reduce_on_plateau_is_torchs(options):
    torch = pytest.importorskip("torch")
    rows = []
    for lib in (mt, torch):
        optimizer = make_optimizer(lib)
        scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        row = []
        for i, loss in enumerate(LOSSES * 3):
            if i == 17:  # continue with another one
                saved = scheduler.state_dict()
                scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
                scheduler.load_state_dict(saved)
            scheduler.step(lib.tensor(loss) if i % 2 else loss)
            row.append([*scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.last_epoch])
        rows.append(row)
    assert_close(*rows)
    assert len({tuple(row[:2]) for row in rows[0]}) > 1  # something happened


def test_reduce_on_plateau_after_a_group_was_added():
    for min_lr in (0.0, [0.0, 0.0]):
        optimizer = make_optimizer(mt)
        scheduler = mt.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=min_lr)
        optimizer.add_param_group({"params": mt.nn.Parameter(mt.ones(1)), "lr": 1.0})
        scheduler.step(1.0)
        if min_lr == 0.0:
            scheduler.step(1.0)
            assert optimizer.param_groups[2]["lr"] == pytest.approx(0.1)
        else:
            with pytest.raises(RuntimeError, match=r"\(3\) differs .*\(2\)"):
                scheduler.step(1.0)


def test_the_wrong_order_of_calls_is_warned_about_once():
    optimizer = make_optimizer(mt)
    scheduler = mt.optim.lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
        other = mt.optim.lr_scheduler.StepLR(make_optimizer(mt), 3)
        other.optimizer.step()
        other.step()


def test_initial_lr_is_kept_in_the_groups():
    optimizer = make_optimizer(mt)
    scheduler = mt.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert [group["initial_lr"] for group in optimizer.param_groups] == [0.1, 0.03]
    assert scheduler.base_lrs == [0.1, 0.03]
    again = mt.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    assert again.base_lrs == [0.1, 0.03] and again.get_last_lr() == [0.05, 0.015]


def test_a_rate_changed_by_hand_is_taken_up():
    optimizer = make_optimizer(mt)
    scheduler = mt.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    optimizer.param_groups[0]["lr"] = 8.0
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 4.0


# every one also refused by torch, with the same type of error
MISTAKES = {
    "no optimizer": lambda s, o: s.StepLR(3, 1),
    "no optimizer, one cycle": lambda s, o: s.OneCycleLR(3, 1, 1),
    "no optimizer, cyclic": lambda s, o: s.CyclicLR(3, 1, 1),
    "no optimizer, plateau": lambda s, o: s.ReduceLROnPlateau(3),
    "resume without initial_lr": lambda s, o: s.StepLR(o, 1, last_epoch=3),
    "three lambdas": lambda s, o: s.LambdaLR(o, [abs, abs, abs]),
    "three factors": lambda s, o: s.MultiplicativeLR(o, [abs, abs, abs]),
    "factor is a number": lambda s, o: s.MultiplicativeLR(o, 0.5),
    "constant factor": lambda s, o: s.ConstantLR(o, 1.5),
    "start factor": lambda s, o: s.LinearLR(o, 0.0),
    "end factor": lambda s, o: s.LinearLR(o, end_factor=1.5),
    "T_0": lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    "T_mult": lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 0),
    "eta_min": lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 1, "0"),
    "no steps": lambda s, o: s.OneCycleLR(o, 1.0),
    "total steps": lambda s, o: s.OneCycleLR(o, 1.0, 0),
    "epochs": lambda s, o: s.OneCycleLR(o, 1.0, epochs=-1, steps_per_epoch=3),
    "steps per epoch": lambda s, o: s.OneCycleLR(o, 1.0, epochs=1, steps_per_epoch=0),
    "pct_start": lambda s, o: s.OneCycleLR(o, 1.0, 10, pct_start=2.0),
    "anneal": lambda s, o: s.OneCycleLR(o, 1.0, 10, anneal_strategy="sin"),
    "max_lr": lambda s, o: s.OneCycleLR(o, [1.0], 10),
    "cyclic mode": lambda s, o: s.CyclicLR(o, 0.1, 1.0, mode="square"),
    "factor": lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    "mode": lambda s, o: s.ReduceLROnPlateau(o, mode="best"),
    "threshold mode": lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="percent"),
    "min_lr": lambda s, o: s.ReduceLROnPlateau(o, min_lr=[0.1]),
    "no schedulers": lambda s, o: s.SequentialLR(o, [], []),
    "milestones": lambda s, o: s.SequentialLR(o, [s.ExponentialLR(o, 0.9)], [3]),
    "plateau inside": lambda s, o: s.SequentialLR(
        o, [s.ReduceLROnPlateau(o), s.ExponentialLR(o, 0.9)], [3]
    ),
    "number inside": lambda s, o: s.ChainedScheduler([3], o),
    "plateau chained": lambda s, o: s.ChainedScheduler([s.ReduceLROnPlateau(o)]),
    "nothing chained": lambda s, o: s.ChainedScheduler([]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_what_torch_raises(mistake):
    torch = pytest.importorskip("torch")
    errors = []
    for lib in (mt, torch):
        with pytest.raises(Exception) as caught:
            MISTAKES[mistake](lib.optim.lr_scheduler, make_optimizer(lib))
        errors.append((caught.type, str(caught.value)))
    (kind, text), (their_kind, their_text) = errors
    assert kind is their_kind
    assert text.split()[:3] == their_text.split()[:3]


def test_other_mistakes():
    s, optimizer = mt.optim.lr_scheduler, make_optimizer(mt)
    other = s.ExponentialLR(make_optimizer(mt), 0.9)
    with pytest.raises(ValueError, match="ExponentialLR at index 0 of another one"):
        s.SequentialLR(optimizer, [other], [])
    plain = mt.optim.Adagrad([mt.nn.Parameter(mt.ones(1))])
    with pytest.raises(ValueError, match="must support momentum or beta1"):
        s.OneCycleLR(plain, 1.0, 10)
    scheduler = s.OneCycleLR(optimizer, 1.0, total_steps=3)
    record(scheduler, 3)
    with pytest.raises(ValueError, match=r"Tried to step 4 times.*total steps is 3"):
        scheduler.step()
    with pytest.raises(NotImplementedError, match=r"does not define get_lr"):
        s.LRScheduler(optimizer)


def test_a_schedule_may_ask_who_calls():
    """As schedules copied from torch do, to warn who calls get_lr instead of get_last_lr."""

    class Asking(mt.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            asked.append(self._get_lr_called_within_step)
            return self.base_lrs

    asked = []
    optimizer = mt.optim.SGD([mt.nn.Parameter(mt.ones(1))], lr=0.1)
    scheduler = Asking(optimizer)
    optimizer.step()
    scheduler.step()
    scheduler.get_lr()
    assert asked == [True, True, False]
    assert scheduler.state_dict()["_get_lr_called_within_step"] is False
