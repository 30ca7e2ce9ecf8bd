"""Which arguments functions and methods accept, and what an error says about a wrong one."""

import pytest
from accepted import Names, differences

import minitorch_cnn as mt

EXPRESSIONS = """
F.conv2d(x, k, stride=V)
F.conv2d(x, k, padding=V)
F.conv2d(x, k, dilation=V)
F.conv2d(x, k1, groups=V)
F.conv2d(V, k)
F.conv2d(x, V)
F.conv2d(x, k, V)
F.conv1d(x[0], k3, stride=V)
F.conv_transpose2d(x, k, stride=V)
F.conv_transpose2d(x, k1, groups=V)
F.max_pool2d(x, V)
F.max_pool2d(x, 2, V)
F.max_pool2d(x, 2, 2, V)
F.max_pool2d(x, 2, dilation=V)
F.max_pool2d(x, 2, ceil_mode=V)
F.max_pool2d(V, 2)
F.max_pool1d(x[0], V)
F.avg_pool2d(x, V)
F.avg_pool2d(x, 2, V)
F.avg_pool2d(x, 2, 2, V)
F.avg_pool2d(x, 2, ceil_mode=V)
F.avg_pool2d(x, 2, count_include_pad=V)
F.avg_pool2d(x, 2, divisor_override=V)
F.avg_pool1d(x[0], V)
F.adaptive_avg_pool2d(x, V)
F.adaptive_max_pool2d(x, V)
F.lp_pool2d(x, V, 2)
F.unfold(x, V)
F.unfold(x, 2, dilation=V)
F.pad(x, (V, 1))
F.pad(x, V)
F.pad(x, (1, 1), V)
F.interpolate(x, V)
F.interpolate(x, scale_factor=V)
F.interpolate(x, 4, mode=V)
F.dropout(x, V)
F.dropout(x, 0.5, V)
F.dropout2d(x, V)
F.alpha_dropout(x, V)
F.batch_norm(x, g, g, eps=V)
F.batch_norm(x, g, g, momentum=V, training=True)
F.batch_norm(V, g, g)
F.batch_norm(x, g, g, V)
F.layer_norm(x, V)
F.layer_norm(x, (4,), eps=V)
F.group_norm(x, V)
F.group_norm(x, 3, eps=V)
F.instance_norm(x, eps=V)
F.local_response_norm(x, V)
F.normalize(x, V)
F.normalize(x, dim=V)
F.leaky_relu(x, V)
F.elu(x, V)
F.celu(x, V)
F.hardtanh(x, V, 3)
F.threshold(x, V, 1.0)
F.softplus(x, V)
F.gelu(x, approximate=V)
F.relu(V)
F.linear(V, w)
F.linear(x, V)
F.softmax(x, V)
F.log_softmax(x, dim=V)
F.gumbel_softmax(x, V)
F.glu(x, V)
F.one_hot(i, V)
F.embedding(i, x[0, 0], V)
F.cross_entropy(s, i, ignore_index=V)
F.cross_entropy(s, i, label_smoothing=V)
F.cross_entropy(s, i, reduction=V)
F.cross_entropy(s, i, weight=V)
F.cross_entropy(V, i)
F.cross_entropy(s, V)
F.nll_loss(s, i, ignore_index=V)
F.nll_loss(V, i)
F.mse_loss(s, V)
F.mse_loss(s, s, reduction=V)
F.l1_loss(V, s)
F.smooth_l1_loss(s, s, beta=V)
F.huber_loss(s, s, delta=V)
F.binary_cross_entropy(s * 0, V)
F.binary_cross_entropy_with_logits(s, s, pos_weight=V)
F.kl_div(s, s, log_target=V)
F.margin_ranking_loss(s, s, s, margin=V)
F.pixel_shuffle(c, V)
F.channel_shuffle(c, V)
F.cosine_similarity(s, s, dim=V)
F.pairwise_distance(s, s, p=V)
x.sum(V)
x.sum(1, keepdim=V)
x.mean(V)
x.mean(1, V)
x.var(V)
x.var(1, unbiased=V)
x.std(1, correction=V)
x.prod(V)
x.amax(V)
x.max(V)
x.argmax(V)
x.argmax(1, V)
x.all(V)
x.norm(V)
x.norm(2, V)
x.cumsum(V)
x.logsumexp(V)
x.median(V)
x.softmax(V)
x.sort(V)
x.sort(1, V)
x.argsort(V)
x.topk(V)
x.topk(1, V)
x.topk(1, 1, V)
x.kthvalue(V)
x.unbind(V)
x.reshape(V, -1)
x.reshape(V)
g.view(V)
x.permute(V, 0, 2, 3)
x.transpose(V, 0)
x.unsqueeze(V)
x.squeeze(V)
x.flatten(V)
x.unflatten(V, (-1, 1))
x.chunk(V)
x.chunk(2, V)
x.split(V)
x.split(1, V)
x.narrow(V, 0, 1)
x.narrow(0, V, 1)
x.select(0, V)
x.index_select(V, z)
x.index_select(0, V)
x.gather(V, z4)
x.roll(V)
x.roll(1, V)
x.flip(V)
x.tril(V)
x.diagonal(V)
g.diag(V)
x.expand(V, 3, 4, 4)
x.repeat(V, 1, 1, 1)
x.repeat_interleave(V)
x.tile(V)
x.movedim(V, 0)
x.unfold(V, 1, 1)
x.unfold(1, V, 1)
x.masked_fill(x > 0, V)
x.masked_fill(V, 0.0)
x.clamp(V)
x.clamp(0, V)
x.pow(V)
x.add(V)
x.add(x, alpha=V)
x.mul(V)
x.lerp(x, V)
x.where(V, x)
x.fill_(V)
x.new_zeros(V)
x.new_full((2,), V)
x.requires_grad_(V)
x.to(V)
T.zeros(V)
T.zeros(2, V)
T.zeros((2, V))
T.ones(V)
T.empty(V)
T.full((2,), V)
T.full(V, 1.0)
T.rand(V)
T.randn(V)
T.randint(V, (2,))
T.randint(3, V)
T.randperm(V)
T.eye(V)
T.eye(2, V)
T.arange(V)
T.arange(0, 3, V)
T.linspace(0, 1, V)
T.linspace(V, 1, 3)
T.logspace(0, 1, V)
T.zeros(2, requires_grad=V)
T.zeros_like(V)
T.cat([x, x], V)
T.cat(V)
T.cat([x, V])
T.stack([x, x], V)
T.stack(V)
T.relu(V)
T.exp(V)
T.sum(V)
T.where(V, x, x)
T.maximum(x, V)
T.matmul(x, V)
T.bernoulli(x, V)
T.multinomial(g, V)
T.normal(0.0, V, (2,))
T.cdist(s, s, V)
T.flatten(V)
T.reshape(V, (1,))
nn.Conv2d(V, 3, 1)
nn.Conv2d(3, V, 1)
nn.Conv2d(3, 3, V)(x)
nn.Conv2d(3, 3, 1, V)(x)
nn.Conv2d(3, 3, 1, 1, V)(x)
nn.Conv2d(3, 3, 1)(V)
nn.ConvTranspose2d(3, 3, V)(x)
nn.Linear(V, 1)
nn.Linear(4, V)
nn.Linear(4, 2)(V)
nn.MaxPool2d(V)(x)
nn.AvgPool2d(V)(x)
nn.AdaptiveAvgPool2d(V)(x)
nn.ZeroPad2d(V)(x)
nn.ReflectionPad2d(V)(x)
nn.BatchNorm2d(V)
nn.BatchNorm2d(3, eps=V)(x)
nn.BatchNorm2d(3, momentum=V)(x)
nn.BatchNorm2d(3)(V)
nn.LayerNorm(V)(x)
nn.GroupNorm(V, 3)(x)
nn.InstanceNorm2d(3, eps=V)(x)
nn.Dropout(V)(x)
nn.Embedding(V, 2)
nn.Embedding(3, V)
nn.Upsample(V)(x)
nn.Flatten(V)(x)
nn.Softmax(V)(x)
nn.ReLU()(V)
nn.LeakyReLU(V)(x)
nn.CrossEntropyLoss(ignore_index=V)(s, i)
nn.CrossEntropyLoss(label_smoothing=V)(s, i)
nn.CrossEntropyLoss()(s, V)
nn.CrossEntropyLoss()(V, i)
nn.MSELoss()(V, s)
nn.Unfold(V)(x)
nn.PixelShuffle(V)(c)
init.uniform_(x, V, 5)
init.normal_(x, 0.0, V)
init.constant_(x, V)
init.kaiming_uniform_(x, V)
s.cauchy_(1.0, V)
s.log_normal_(1.0, V)
s.exponential_(V)
s.uniform_(V, 1.0)
s.uniform_(0.0, V)
s.normal_(1.0, V)
T.bernoulli(b * V)
T.normal(V, 1.0, (2,))
T.normal(s, V)
T.randn(V, 2)
T.rand(2, generator=V)
T.add(i, i, alpha=V)
T.sub(i, i, alpha=V)
T.add(s, s, alpha=V)
T.softmax(i * V, 0)
F.softmax(i, 0, dtype=V)
T.zeros(2, dtype=V)
F.normalize(x, 2.0, V)
T.minimum(i, V)
F.threshold(x, 0.0, V)
F.lp_pool2d(x, 2, V)
F.cosine_similarity(s, s, eps=V)
F.softshrink(s, V)
F.rrelu(s, V)
T.cdist(s, s, p=V)
T.var(s, V)
T.std(s, V)
x.repeat_interleave(T.tensor(V))
x - V
V - x
x.sub(V)
x.sub_(V)
T.rsub(x, V)
x.nan_to_num(V)
T.tensor_split(x, V)
T.hsplit(x, V)
T.vsplit(x, V)
T.broadcast_tensors(x, V)
T.cartesian_prod(g, V)
T.chain_matmul(s, V)
T.trapezoid(x, V)
T.isclose(x, x, V)
T.allclose(x, x, 0.1, V)
"""

EXPECTED = """
F.adaptive_avg_pool2d(x, V) | int64, int32, 0-d | NumPy integers and 0-d tensors are ints here
F.adaptive_max_pool2d(x, V) | int64, int32, 0-d | NumPy integers and 0-d tensors are ints here
F.unfold(x, V) | list, in a list | one int in a list is for all axes, a 0-d tensor an int
F.unfold(x, V) | 0-d | one int in a list is for all axes, a 0-d tensor an int
F.unfold(x, 2, dilation=V) | list | one int in a list is for all axes, a 0-d tensor an int
F.unfold(x, 2, dilation=V) | in a list | one int in a list is for all axes, a 0-d tensor an int
F.unfold(x, 2, dilation=V) | 0-d | one int in a list is for all axes, a 0-d tensor an int
F.interpolate(x, scale_factor=V) | 0-d, 0-d float | 0-d tensors are numbers here
F.cross_entropy(s, i, label_smoothing=V) | nan, negative | outside [0, 1] has no meaning
x.prod(V) | None | None is no dimension named: all of them
x.max(V) | None | None is no dimension named: all of them
x.logsumexp(V) | None | no dimension named: all of them
x.logsumexp(V) | empty | no dimension named: all of them
x.median(V) | None | None is no dimension named: all of them
x.squeeze(V) | None | None is no dimension named: all of them
x.split(V) | int64, int32 | NumPy integers are ints here, floats are none
x.split(V) | 0-d float | NumPy integers are ints here, floats are none
x.movedim(V, 0) | list, in a list | one axis in a list is one axis
x.pow(V) | complex | there are no complex numbers
x.add(V) | complex | there are no complex numbers
x.add(x, alpha=V) | numpy bool | NumPy's bools are bools here
x.mul(V) | complex | there are no complex numbers
x - V | complex | there are no complex numbers
V - x | complex | there are no complex numbers
x.sub(V) | complex | there are no complex numbers
T.rsub(x, V) | complex | there are no complex numbers
T.trapezoid(x, V) | None | it is the default
x.to(V) | bool, float, numpy float, nan | torch makes a tensor of a number, and takes its dtype
x.to(V) | inf, half, numpy bool, complex | torch makes a tensor of a number, and takes its dtype
T.zeros(2, V) | bool | torch takes a bool for a length here
T.zeros((2, V)) | bool | torch takes a bool for a length here
T.full((2,), V) | complex | there are no complex numbers
T.eye(2, V) | None | None is the default
T.arange(0, 3, V) | inf | an infinite step has no second element
T.linspace(V, 1, 3) | complex | there are no complex numbers
T.zeros(2, requires_grad=V) | None | requires_grad is True or False
T.bernoulli(x, V) | None | None is the default
nn.Conv2d(V, 3, 1) | bool | torch takes a bool for a length here
nn.Conv2d(V, 3, 1) | numpy bool | torch takes a bool for a length here
nn.Conv2d(3, 3, V)(x) | bool | torch takes a bool for a length here
nn.ConvTranspose2d(3, 3, V)(x) | bool | torch takes a bool for a length here
nn.Linear(V, 1) | bool | torch takes a bool for a length here
nn.AdaptiveAvgPool2d(V)(x) | int64, int32, 0-d | NumPy integers and 0-d tensors are ints here
nn.ZeroPad2d(V)(x) | empty, ints, dict | as many numbers as there are sides
nn.BatchNorm2d(V) | empty, list, ints, long, in a list | torch makes a layer that cannot run
nn.BatchNorm2d(3, eps=V)(x) | nan | NaN is not above 0
nn.Embedding(3, V) | bool | torch takes a bool for a length here
nn.CrossEntropyLoss(label_smoothing=V)(s, i) | nan, negative | outside [0, 1] has no meaning
nn.Unfold(V)(x) | list, in a list | one int in a list is for all axes, a 0-d tensor an int
nn.Unfold(V)(x) | 0-d | one int in a list is for all axes, a 0-d tensor an int
T.add(s, s, alpha=V) | numpy bool | NumPy's bools are bools here
T.softmax(i * V, 0) | numpy bool | NumPy's bools are bools here
F.lp_pool2d(x, 2, V) | list, in a list | one int in a list is for all axes, a 0-d tensor an int
F.lp_pool2d(x, 2, V) | 0-d | one int in a list is for all axes, a 0-d tensor an int
"""


def test_the_same_is_accepted():
    torch = pytest.importorskip("torch")
    differ = differences(torch, EXPRESSIONS, EXPECTED)
    assert not differ, "\n".join(differ)


# A call, and what its error begins with; V is quoted as well.
MESSAGES = """
x.sum(V) | sum(): argument 'dim' must be int
T.mean(x, V) | mean(): argument 'dim' must be int
x.var(V) | var(): argument 'dim' must be int
x.amax(V) | amax(): argument 'dim' must be int
x.max(V) | max(): argument 'dim' must be int
x.min(V) | min(): argument 'dim' must be int
x.argmax(V) | argmax(): argument 'dim' must be int
x.all(V) | all(): argument 'dim' must be int
x.norm(2, V) | norm(): argument 'dim' must be int
x.logsumexp(V) | logsumexp(): argument 'dim' must be int
x.softmax(V) | softmax(): argument 'dim' must be int
x.permute(V, 0, 2, 3) | permute(): argument 'dims' must be int
x.reshape(V) | reshape(): argument 'shape' must be int
x.view(V) | view(): argument 'size' must be int
x.unflatten(0, V) | unflatten(): argument 'sizes' must be int
x.squeeze(V) | squeeze(): argument 'dim' must be int
x.movedim(V, 0) | movedim(): argument 'source' must be int
x.movedim(0, V) | movedim(): argument 'destination' must be int
x.expand(V) | expand(): argument 'size' must be int
x.repeat(V) | repeat(): argument 'repeats' must be int
x.tile(V) | tile(): argument 'dims' must be int
x.flip(V) | flip(): argument 'dims' must be int
x.roll(V) | roll(): argument 'shifts' must be int
x.roll(1, V) | roll(): argument 'dims' must be int
g.as_strided((1,), V) | as_strided(): argument 'stride' must be int
x.new_zeros(V) | new_zeros(): argument 'size' must be int
T.zeros(2, V) | zeros(): argument 'size' must be int
T.ones((2, V)) | ones(): argument 'size' must be int
T.empty(V) | empty(): argument 'size' must be int
T.full((V,), 1.0) | full(): argument 'size' must be int
T.rand(V) | rand(): argument 'size' must be int
T.randn(2, V) | randn(): argument 'size' must be int
T.randint(3, (V,)) | randint(): argument 'size' must be int
T.arange(V) | arange(): argument 'end' must be float
T.normal(0.0, V, (2,)) | normal(): argument 'std' must be float
x.add(x, alpha=V) | add(): argument 'alpha' must be float
F.max_pool2d(x, 2, 2, V) | max_pool2d(): argument 'padding' must be int
F.layer_norm(x, V) | layer_norm(): argument 'normalized_shape' must be int
T.rand(2, generator=V) | argument 'generator' must be mt.Generator
init.uniform_(w, V) | uniform_(): argument 'a' must be float
init.normal_(w, 0.0, V) | normal_(): argument 'std' must be float
nn.Conv2d(V, 3, 1) | Conv2d(): argument 'in_channels' must be int
nn.Conv2d(3, V, 1) | Conv2d(): argument 'out_channels' must be int
nn.Conv1d(3, 3, V) | Conv1d(): argument 'kernel_size' must be int
nn.Conv2d(3, 3, 1, V) | Conv2d(): argument 'stride' must be int
nn.Conv2d(3, 3, 1, groups=V) | Conv2d(): argument 'groups' must be int
nn.ConvTranspose2d(3, 3, 1, output_padding=V) | ConvTranspose2d(): argument 'output_padding'
nn.Linear(V, 1) | Linear(): argument 'in_features' must be int
nn.Bilinear(3, V, 1) | Bilinear(): argument 'in2_features' must be int
nn.BatchNorm2d(V) | BatchNorm2d(): argument 'num_features' must be int
nn.GroupNorm(V, 3) | GroupNorm(): argument 'num_groups' must be int
nn.LayerNorm(V) | LayerNorm(): argument 'normalized_shape' must be int
nn.Embedding(V, 2) | Embedding(): argument 'num_embeddings' must be int
nn.AvgPool1d(V) | AvgPool1d(): argument 'kernel_size' must be int
"""


@pytest.mark.parametrize("wrong", [1j, len])
def test_an_error_names_the_function_the_argument_and_the_value(wrong):
    for line in MESSAGES.strip().splitlines():
        expression, begin = line.split(" | ")
        with pytest.raises(TypeError) as error:
            eval(expression, {}, Names(mt, wrong))
        text = str(error.value)
        assert text.startswith(begin), f"{expression}: {text}"
        assert repr(wrong) in text, f"{expression}: {text}"


# A number has no gradient: what takes numbers only refuses a tensor that requires one.
ONLY_NUMBERS = """
T.full((2,), g) | F.dropout(x, g) | T.add(x, x, alpha=g) | T.isclose(x, x, g)
F.leaky_relu(x, g) | F.elu(x, alpha=g) | F.hardtanh(x, g, 1.0) | F.threshold(x, g, 1.0)
F.softplus(x, g) | F.celu(x, g) | T.addcmul(x, x, x, value=g) | T.norm(x, g)
F.smooth_l1_loss(x, x, beta=g) | F.huber_loss(x, x, delta=g) | F.layer_norm(x, (2,), eps=g)
F.pad(x, (1, 1), value=g) | F.softshrink(x, g) | T.nan_to_num(x, g) | T.allclose(x, x, rtol=g)
F.normalize(x, g) | T.arange(g, 2) | T.rsub(x, x, alpha=g) | T.std(x, correction=g)
T.scatter(x, 0, i, value=g) | F.cross_entropy(x, x, label_smoothing=g) | T.cdist(x, x, g)
"""


@pytest.mark.parametrize("lib", ["minitorch_cnn", "torch"])
def test_a_gradient_is_not_lost_in_a_number(lib):
    torch = pytest.importorskip(lib)
    x, i = torch.ones(2, 2), torch.tensor([[0, 1]])
    names = {"T": torch, "F": torch.nn.functional, "x": x, "i": i}
    for call in ONLY_NUMBERS.replace("\n", " | ").strip(" |").split(" | "):
        eval(call, {**names, "g": torch.tensor(0.5)})  # without a gradient it is a number
        with pytest.raises(TypeError):
            eval(call, {**names, "g": torch.tensor(0.5, requires_grad=True)})


# These are made of operations on tensors, and learn what they are given.
LEARNED = """
F.lp_pool1d(x, g, 2) | F.lp_pool2d(x[None], g, 2) | F.normalize(x, eps=9 * g)
F.local_response_norm(x, 2, alpha=g) | F.local_response_norm(x, 2, beta=g)
F.local_response_norm(x, 2, k=g) | T.scatter(x[0, 0], 0, i, g)
F.triplet_margin_with_distance_loss(x[0], x[0] + 1, x[0], margin=g)
"""


def test_arguments_that_are_learned():
    x = mt.arange(1.0, 9.0, dtype=mt.float64).reshape(1, 2, 4)
    names = {"T": mt, "F": mt.nn.functional, "x": x, "i": mt.tensor([1])}
    for call in LEARNED.replace("\n", " | ").strip(" |").split(" | "):

        def value(p, call=call):
            return eval(call, {**names, "g": p}).square().sum()

        g = mt.tensor(2.0, dtype=mt.float64, requires_grad=True)
        value(g).backward()
        slope = (value(2.0 + 1e-6) - value(2.0 - 1e-6)).item() / 2e-6
        assert abs(g.grad.item() - slope) < 1e-6 * abs(slope), call
    g = mt.tensor(2.0, requires_grad=True)
    with mt.random.fork_rng():
        mt.manual_seed(0)
        mt.nn.functional.gumbel_softmax(x, g).square().sum().backward()
        values = []
        for tau in (2.0 + 1e-6, 2.0 - 1e-6):
            mt.manual_seed(0)
            values.append(mt.nn.functional.gumbel_softmax(x, tau).square().sum().item())
    assert abs(g.grad.item() - (values[0] - values[1]) / 2e-6) < 1e-4
    assert mt.linspace(g, 1, 2).tolist() == [2, 1]  # torch, too, ends the gradient here
