"""A convolutional network that learns, in one file: the whole idea, with nothing but NumPy.

    python examples/zero.py

As at a blackboard: a tensor and its gradient, convolution by definition and as one matrix product,
the other layers, training. N pictures have H x W pixels and C channels; K filters have KH x KW
pixels and fit at OH x OW places. gy is the gradient of y: how fast the loss grows with y.
"""

import numpy as np

from minitorch_cnn.datasets import Shapes  # the pictures; all that is computed stands here


# ----------------------------------------------------------------- a tensor, and the way back
class Tensor:
    """Numbers that remember what they were computed from.

    gradients(gy) gives one gradient for each parent: the chain rule for this one step.

    >>> a, b = Tensor(2.0), Tensor(3.0)
    >>> y = a * b + a
    >>> y.backward()
    >>> print(a.grad, b.grad)  # b + 1, since a is used twice, and a
    4.0 2.0
    """

    def __init__(self, data, parents=(), gradients=None):
        self.data, self.parents, self.gradients = np.asarray(data), parents, gradients
        self.grad = None

    def __add__(self, other):  # both of one shape, here and in *
        return Tensor(self.data + other.data, (self, other), lambda gy: (gy, gy))

    def __mul__(self, other):
        y = self.data * other.data
        return Tensor(y, (self, other), lambda gy: (gy * other.data, gy * self.data))

    def backward(self):
        """Adds the gradient of self.sum() to the .grad of all that self was computed from."""
        order, seen = [], set()

        def visit(tensor):
            if tensor.parents and tensor not in seen:
                seen.add(tensor)
                for parent in tensor.parents:
                    visit(parent)
                order.append(tensor)  # after all that it was computed from

        visit(self)
        self.grad = np.ones_like(self.data)
        # From the end: a tensor's turn comes when all that used it have added to its gradient.
        for tensor in reversed(order):
            for parent, grad in zip(tensor.parents, tensor.gradients(tensor.grad)):
                parent.grad = grad if parent.grad is None else parent.grad + grad
            tensor.grad = None  # passed on; only what was not computed keeps its gradient


# ------------------------------------------------------------------------------- convolution
def conv2d_loops(x, w, b):
    """The definition: lay filter k on picture n at (i, j), multiply what meets, add it all up."""
    (N, H, W, _), (K, KH, KW, _) = x.data.shape, w.data.shape
    y = np.empty((N, H - KH + 1, W - KW + 1, K), x.data.dtype)  # (N, OH, OW, K)
    for n, i, j, k in np.ndindex(y.shape):
        window = x.data[n, i : i + KH, j : j + KW]  # (KH, KW, C)
        y[n, i, j, k] = (window * w.data[k]).sum() + b.data[k]

    def gradients(gy):
        gx, gw, gb = np.zeros_like(x.data), np.zeros_like(w.data), np.zeros_like(b.data)
        for n, i, j, k in np.ndindex(gy.shape):  # in a product, each factor's slope is the other
            gx[n, i : i + KH, j : j + KW] += gy[n, i, j, k] * w.data[k]  # (KH, KW, C)
            gw[k] += gy[n, i, j, k] * x.data[n, i : i + KH, j : j + KW]  # (KH, KW, C)
            gb[k] += gy[n, i, j, k]
        return gx, gw, gb

    return Tensor(y, (x, w, b), gradients)


def conv2d(x, w, b):
    """The same as one matrix product (im2col): every window a row, every filter a column."""
    (N, H, W, C), (K, KH, KW, _) = x.data.shape, w.data.shape
    OH, OW = H - KH + 1, W - KW + 1
    windows = np.empty((N, OH, OW, KH, KW, C), x.data.dtype)
    for u, v in np.ndindex(KH, KW):  # pixel (u, v) of all windows at once
        windows[:, :, :, u, v] = x.data[:, u : u + OH, v : v + OW]  # (N, OH, OW, C)
    rows = windows.reshape(N * OH * OW, KH * KW * C)
    columns = w.data.reshape(K, KH * KW * C).T  # (KH*KW*C, K)
    y = rows @ columns + b.data  # (N*OH*OW, K)

    def gradients(gy):
        gy = gy.reshape(N * OH * OW, K)
        gw = (gy.T @ rows).reshape(K, KH, KW, C)
        gwindows = (gy @ columns.T).reshape(N, OH, OW, KH, KW, C)
        gx = np.zeros_like(x.data)
        for u, v in np.ndindex(KH, KW):  # a pixel that lies in many windows gets the sum of theirs
            gx[:, u : u + OH, v : v + OW] += gwindows[:, :, :, u, v]  # (N, OH, OW, C)
        return gx, gw, gy.sum(axis=0)

    return Tensor(y.reshape(N, OH, OW, K), (x, w, b), gradients)


# -------------------------------------------------------------------------- the other layers
def relu(x):
    """Without a bend between them, two layers would do no more than one."""
    return Tensor(np.maximum(x.data, 0), (x,), lambda gy: (gy * (x.data > 0),))


def max_pool(x):
    """The largest of each 2 x 2 pixels: (N, H, W, C) -> (N, H/2, W/2, C), for even H and W."""
    N, H, W, C = x.data.shape
    windows = x.data.reshape(N, H // 2, 2, W // 2, 2, C)
    y = windows.max(axis=(2, 4), keepdims=True)  # (N, H/2, 1, W/2, 1, C)

    def gradients(gy):  # only the largest was passed on, so it alone gets the gradient
        winners = windows == y  # (N, H/2, 2, W/2, 2, C); equals share what there is
        share = gy.reshape(y.shape) / winners.sum(axis=(2, 4), keepdims=True, dtype=gy.dtype)
        return ((winners * share).reshape(N, H, W, C),)

    return Tensor(y.reshape(N, H // 2, W // 2, C), (x,), gradients)


def linear(x, w, b):
    """Every output sees all of x: x (N, ...) as rows (N, C), w (K, C), b (K) -> (N, K)."""
    rows = x.data.reshape(len(x.data), -1)  # (N, C)

    def gradients(gy):
        return (gy @ w.data).reshape(x.data.shape), gy.T @ rows, gy.sum(axis=0)

    return Tensor(rows @ w.data.T + b.data, (x, w, b), gradients)


def cross_entropy(x, labels):
    """Scores x (N, K), labels (N) -> the mean of -log(probability of the right class)."""
    wanted = np.eye(x.data.shape[1], dtype=x.data.dtype)[labels]  # (N, K): 1 for the right class
    scores = x.data - x.data.max(axis=1, keepdims=True)  # (N, K); now exp can't overflow
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))  # (N, K)
    loss = -(wanted * log_p).sum(axis=1).mean()
    # Its gradient: what the network says, minus what is right.
    return Tensor(loss, (x,), lambda gy: (gy * (np.exp(log_p) - wanted) / len(labels),))


# ---------------------------------------------------------------------------------- training
class SGD:
    """Downhill with momentum: like a ball, which does not turn at every stone."""

    def __init__(self, parameters, lr, momentum):
        self.parameters, self.lr, self.momentum = parameters, lr, momentum
        self.velocities = [np.zeros_like(p.data) for p in parameters]

    def step(self):
        for p, v in zip(self.parameters, self.velocities):
            v[...] = self.momentum * v + p.grad
            p.data -= self.lr * v
            p.grad = None  # the next batch begins anew


def make_parameters(rng):
    """Weights and biases. The deviation keeps the signal's size from layer to layer (He 2015)."""
    parameters = []
    for shape in [(16, 3, 3, 3), (32, 4, 4, 16), (64, 3, 3, 32), (10, 2 * 2 * 64)]:
        w = rng.standard_normal(shape, np.float32) * np.sqrt(2 / np.prod(shape[1:]))
        parameters += [Tensor(w.astype(np.float32)), Tensor(np.zeros(shape[0], np.float32))]
    return parameters


def network(x, parameters):
    """Pictures (N, 32, 32, 3) -> scores (N, 10). Each layer sees more of the picture, coarser."""
    w1, b1, w2, b2, w3, b3, w4, b4 = parameters
    x = max_pool(relu(conv2d(x, w1, b1)))  # (N, 15, 15, 16)
    x = max_pool(relu(conv2d(x, w2, b2)))  # (N, 6, 6, 32)
    x = max_pool(relu(conv2d(x, w3, b3)))  # (N, 2, 2, 64)
    return linear(x, w4, b4)


def train(pictures=4000, epochs=6, batch=32, lr=0.03):
    """A line for each epoch. Returns the accuracy on 500 pictures that it did not train on."""
    data, test = Shapes(size=pictures), Shapes(train=False, size=500)
    x, test_x = [(d.data / 255 - 0.5).astype(np.float32) for d in (data, test)]  # (N, 32, 32, 3)
    labels = np.array(data.targets)  # (N)
    rng = np.random.default_rng(0)
    parameters = make_parameters(rng)
    print(f"{pictures} pictures of ten shapes, {sum(p.data.size for p in parameters)} weights")
    optimizer = SGD(parameters, lr, momentum=0.9)
    for epoch in range(epochs):
        optimizer.lr = lr * (1 - epoch / epochs)  # smaller steps near the goal
        losses = []
        for chosen in np.split(rng.permutation(pictures), range(batch, pictures, batch)):
            loss = cross_entropy(network(Tensor(x[chosen]), parameters), labels[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.data)
        scores = network(Tensor(test_x), parameters).data  # (500, 10)
        accuracy = (scores.argmax(axis=1) == test.targets).mean()
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, test accuracy {accuracy:.1%}")
    return accuracy


if __name__ == "__main__":
    train()
