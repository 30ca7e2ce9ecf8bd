"""Which arguments optimizers, schedulers and the loading of data accept, compared with torch."""

import importlib

import pytest
from accepted import FEW, differences

OPTIMIZERS = """
T.optim.SGD([m], lr=V)
T.optim.SGD([m], lr=0.1, momentum=V)
T.optim.SGD([m], lr=0.1, weight_decay=V)
T.optim.Adam([m], lr=V)
T.optim.Adam([m], betas=V)
T.optim.Adam([m], betas=(V, 0.9))
T.optim.Adam([m], eps=V)
T.optim.AdamW([m], weight_decay=V)
T.optim.RMSprop([m], alpha=V)
S.StepLR(T.optim.SGD([m], lr=0.1), V)
S.StepLR(T.optim.SGD([m], lr=0.1), 1, V)
S.ExponentialLR(T.optim.SGD([m], lr=0.1), V)
S.CosineAnnealingLR(T.optim.SGD([m], lr=0.1), V)
S.MultiStepLR(T.optim.SGD([m], lr=0.1), V)
S.StepLR(V, 1)
S.StepLR(sgd, V)
S.StepLR(sgd, 1, V)
S.StepLR(sgd, 1, last_epoch=V)
S.MultiStepLR(sgd, V)
S.MultiStepLR(sgd, [1, V])
S.MultiStepLR(sgd, [1], V)
S.ExponentialLR(sgd, V)
S.ExponentialLR(V, 0.1)
S.LambdaLR(sgd, V)
S.LambdaLR(sgd, [V])
S.LambdaLR(V, lambda e: 1)
S.MultiplicativeLR(sgd, V)
S.CosineAnnealingLR(sgd, V)
S.CosineAnnealingLR(sgd, 2, V)
S.CosineAnnealingWarmRestarts(sgd, V)
S.CosineAnnealingWarmRestarts(sgd, 1, V)
S.CosineAnnealingWarmRestarts(sgd, 1, 1, V)
S.LinearLR(sgd, V)
S.LinearLR(sgd, 0.1, V)
S.LinearLR(sgd, 0.1, 1.0, V)
S.ConstantLR(sgd, V)
S.ConstantLR(sgd, 0.1, V)
S.PolynomialLR(sgd, V)
S.PolynomialLR(sgd, 2, V)
S.OneCycleLR(sgd, V, total_steps=3)
S.OneCycleLR(sgd, 0.1, total_steps=V)
S.OneCycleLR(sgd, 0.1, epochs=V, steps_per_epoch=2)
S.OneCycleLR(sgd, 0.1, epochs=2, steps_per_epoch=V)
S.OneCycleLR(sgd, 0.1, total_steps=3, pct_start=V)
S.OneCycleLR(sgd, 0.1, total_steps=3, anneal_strategy=V)
S.OneCycleLR(sgd, 0.1, total_steps=3, div_factor=V)
S.CyclicLR(sgd, V, 0.1)
S.CyclicLR(sgd, 0.1, V)
S.CyclicLR(sgd, 0.1, 0.2, step_size_up=V)
S.CyclicLR(sgd, 0.1, 0.2, mode=V)
S.CyclicLR(sgd, 0.1, 0.2, scale_fn=V)
S.ReduceLROnPlateau(V)
S.ReduceLROnPlateau(sgd, V)
S.ReduceLROnPlateau(sgd, factor=V)
S.ReduceLROnPlateau(sgd, patience=V)
S.ReduceLROnPlateau(sgd, threshold=V)
S.ReduceLROnPlateau(sgd, threshold_mode=V)
S.ReduceLROnPlateau(sgd, min_lr=V)
S.ReduceLROnPlateau(sgd, cooldown=V)
S.ReduceLROnPlateau(sgd).step(V)
S.SequentialLR(sgd, V, [1])
S.SequentialLR(sgd, [S.StepLR(sgd, 1), S.StepLR(sgd, 1)], V)
S.SequentialLR(sgd, [S.StepLR(sgd, 1), S.StepLR(sgd, 1)], [V])
S.SequentialLR(sgd, [S.StepLR(sgd, 1), V], [1])
S.ChainedScheduler(V)
S.ChainedScheduler([V])
swa.SWALR(sgd, V)
swa.SWALR(sgd, 0.1, anneal_epochs=V)
swa.SWALR(sgd, 0.1, anneal_strategy=V)
swa.AveragedModel(V)
swa.AveragedModel(lin, use_buffers=V)
swa.AveragedModel(lin, avg_fn=V).update_parameters(lin)
swa.update_bn(V, bn)
swa.update_bn([s], V)
swa.get_ema_multi_avg_fn(V)
"""

LOADING = """
data.DataLoader(V)
data.DataLoader(ds, V)
next(iter(data.DataLoader(ds, V)))
next(iter(data.DataLoader(ds, 2, shuffle=V)))
data.DataLoader(ds, sampler=V)
next(iter(data.DataLoader(ds, sampler=V)))
next(iter(data.DataLoader(ds, batch_sampler=V)))
data.DataLoader(ds, num_workers=V)
next(iter(data.DataLoader(ds, collate_fn=V)))
next(iter(data.DataLoader(ds, drop_last=V)))
data.DataLoader(ds, timeout=V)
data.DataLoader(ds, worker_init_fn=V)
data.DataLoader(ds, generator=V)
data.DataLoader(ds, prefetch_factor=V)
data.DataLoader(ds, persistent_workers=V)
data.DataLoader(ds, pin_memory=V)
data.DataLoader(ds, multiprocessing_context=V)
data.RandomSampler(V)
data.RandomSampler(ds, V)
data.RandomSampler(ds, True, V)
list(data.RandomSampler(ds, True, V))[:1]
data.RandomSampler(ds, generator=V)
list(data.SequentialSampler(V))
data.BatchSampler(V, 2, True)
data.BatchSampler([0,1], V, True)
data.BatchSampler([0,1], 2, V)
list(data.BatchSampler([0,1], 2, V))
list(data.WeightedRandomSampler(V, 2))
list(data.WeightedRandomSampler([0.5, V], 2))
data.WeightedRandomSampler([0.5, 1], V)
data.WeightedRandomSampler([0.5, 1], 2, V)
list(data.SubsetRandomSampler(V))
data.Subset(V, [0])[0]
data.Subset(ds, V)[0]
data.Subset(ds, [V])[0]
data.Subset(ds, [0, 1])[V]
ds[V]
data.random_split(ds, V)
data.random_split(ds, [V, 3])
data.random_split(ds, [V, 0.5])
data.random_split(V, [1])
data.random_split(ds, [1, 3], generator=V)
data.ConcatDataset(V)
data.ConcatDataset([V])
data.ConcatDataset([ds, ds])[V]
data.TensorDataset(V)
data.TensorDataset(s, V)
data.default_collate(V)
data.default_collate([V])
data.default_collate([V, V])
data.default_collate([V, 1])
data.default_convert(V)
data.StackDataset(V)
data.ChainDataset(V)
"""

EXPECTED = {
    OPTIMIZERS: """
T.optim.SGD([m], lr=V) | nan | NaN would end in the weights
T.optim.SGD([m], lr=0.1, momentum=V) | nan | as lr
T.optim.SGD([m], lr=0.1, weight_decay=V) | nan | as lr
T.optim.Adam([m], betas=(V, 0.9)) | zero | 0 is a number like 0.0
S.LinearLR(sgd, V) | nan | NaN would end in the weights
S.LinearLR(sgd, 0.1, V) | nan | NaN would end in the weights
S.ConstantLR(sgd, V) | nan | NaN would end in the weights
S.OneCycleLR(sgd, 0.1, total_steps=3, pct_start=V) | nan | NaN would end in the weights
swa.get_ema_multi_avg_fn(V) | nan | NaN would end in the weights
    """,
    LOADING: """
data.Subset(ds, [V])[0] | floats | floats are no indices
ds[V] | floats | floats are no indices
data.ConcatDataset([ds, ds])[V] | numpy bool | NumPy's bools are bools here
data.default_collate([V, 1]) | numpy bool | NumPy's bools are bools here
    """,
}


@pytest.mark.parametrize("table", EXPECTED, ids=["optimizers", "loading"])
def test_the_same_is_accepted(table):
    torch = pytest.importorskip("torch")
    importlib.import_module("torch.optim.swa_utils")
    differ = differences(torch, table, EXPECTED[table], FEW)
    assert not differ, "\n".join(differ)
