// The arithmetic of going backward through one layer, in plain loops; nothing touches the page.
// Positions are named as in arithmetic.js; (m, n) is a pixel of the input, without its padding.
// NaN is a number that this page does not hold; sums leave it out.

// --------------------------------------------------------------------------- convolution: input

// The pixel of an output's window, as near to its middle as possible, that most windows share: with
// a stride the middle itself may be in one window only.
function middleOfWindow(layer, source, i, j) {
  const { stride, dilation, padding: [top, , left] } = layer.options;
  return [[i, top], [j, left]].map(([place, before], axis) => {
    const [size, length] = [kernelSize(layer)[axis], source.shape[axis + 1]];
    const [s, d, outputs] = [stride[axis], dilation[axis], layer.shape[axis + 1]];
    const places = [...Array(size).keys()].map((u) => place * s + u * d);
    const sharing = (row) => [...Array(size).keys()].filter((u) => {
      const output = (row - u * d) / s;
      return Number.isInteger(output) && output >= 0 && output < outputs;
    }).length;
    const middle = (row) => Math.abs(row - place * s - d * ((size - 1) >> 1));
    const inside = places.filter((row) => row >= before && row < before + length);
    const [best] = inside.sort((a, b) => sharing(b) - sharing(a) || middle(a) - middle(b));
    return best === undefined ? 0 : best - before;
  });
}

// The stored filters that read a channel.
function filtersOfChannel(layer, source, channel) {
  const perGroup = source.shape[0] / layer.options.groups;
  const filters = layer.shape[0] / layer.options.groups;
  const first = Math.floor(channel / perGroup) * filters;
  const found = [];
  for (let k = first; k < Math.min(first + filters, layer.kept); k++) found.push(k);
  return found;
}

function channelInGroup(layer, source, channel) {
  return channel % (source.shape[0] / layer.options.groups);
}

// What a convolution hands to one channel of its input, padding included, row by row.
function paddedInputGradient(layer, source, channel) {
  const [, H, W] = source.shape;
  const [, OH, OW] = layer.shape;
  const [KH, KW] = kernelSize(layer);
  const { stride: [sh, sw], dilation: [dh, dw], padding: [top, bottom, left, right] } =
    layer.options;
  const size = [H + top + bottom, W + left + right];
  const data = new Float64Array(size[0] * size[1]);
  const c = channelInGroup(layer, source, channel);
  for (const k of filtersOfChannel(layer, source, channel)) {
    for (let u = 0; u < KH; u++) {
      for (let v = 0; v < KW; v++) {
        const w = weightAt(layer, k, c, u, v);
        for (let i = 0; i < OH; i++) {
          const row = (i * sh + u * dh) * size[1] + v * dw;
          for (let j = 0; j < OW; j++) {
            data[row + j * sw] += w * at(layer, k, i, j, "gradient") || 0;
          }
        }
      }
    }
  }
  return { size, data };
}

// The padding's part falls off; padding that was copied from pixels gives it back to them.
function foldPadding(layer, source, { size, data }) {
  const [, H, W] = source.shape;
  const [top, , left] = layer.options.padding;
  const folded = new Float64Array(H * W);
  for (let row = 0; row < size[0]; row++) {
    for (let column = 0; column < size[1]; column++) {
      const m = imageIndex(row - top, H, layer.options.mode);
      const n = imageIndex(column - left, W, layer.options.mode);
      if (m >= 0 && n >= 0) folded[m * W + n] += data[row * size[1] + column];
    }
  }
  return folded;
}

// The turned kernel at one pixel: under it lies the arriving gradient, its numbers stride places
// apart with zeros between them, in a frame of zeros. Rows and columns count from the first of
// these numbers. `zero` says which zero a cell is: "between", "frame", or null for a number.
function turnedWindow(layer, source, k, channel, m, n) {
  const [, OH, OW] = layer.shape;
  const [KH, KW] = kernelSize(layer);
  const { stride: [sh, sw], dilation: [dh, dw], padding: [top, , left] } = layer.options;
  const c = channelInGroup(layer, source, channel);
  const cells = [];
  for (let u = KH - 1; u >= 0; u--) {
    for (let v = KW - 1; v >= 0; v--) {
      const row = m + top - u * dh;
      const column = n + left - v * dw;
      const framed = row < 0 || column < 0 || row > (OH - 1) * sh || column > (OW - 1) * sw;
      const between = row % sh !== 0 || column % sw !== 0;
      const zero = framed ? "frame" : between ? "between" : null;
      const x = zero ? 0 : at(layer, k, row / sh, column / sw, "gradient");
      const w = weightAt(layer, k, c, u, v);
      cells.push({ row, column, u, v, zero, x, w, product: x * w });
    }
  }
  return cells;
}

// ------------------------------------------------------------------------- convolution: weights

// Every output (i, j) that used weight (k, c, u, v): its arriving gradient times the input pixel
// that the weight met there.
function weightCells(layer, source, k, channel, u, v) {
  const cells = [];
  eachMeeting(layer, source, u, v, (i, j, row, column) => {
    const inside = row >= 0 && column >= 0;
    const x = inside ? at(source, channel, row, column) : 0;
    const gy = at(layer, k, i, j, "gradient");
    cells.push({ i, j, row, column, inside, gy, x, product: gy * x });
  });
  return cells;
}

// The sum of their products alone.
function weightGradient(layer, source, k, channel, u, v) {
  let sum = 0;
  eachMeeting(layer, source, u, v, (i, j, row, column) => {
    if (row < 0 || column < 0) return;
    sum += at(layer, k, i, j, "gradient") * at(source, channel, row, column) || 0;
  });
  return sum;
}

// Calls visit(i, j, row, column) for every output and the input pixel under kernel place (u, v).
function eachMeeting(layer, source, u, v, visit) {
  const [, H, W] = source.shape;
  const [, OH, OW] = layer.shape;
  const { stride: [sh, sw], dilation: [dh, dw], padding: [top, , left], mode } = layer.options;
  for (let i = 0; i < OH; i++) {
    const row = imageIndex(i * sh + u * dh - top, H, mode);
    for (let j = 0; j < OW; j++) {
      visit(i, j, row, imageIndex(j * sw + v * dw - left, W, mode));
    }
  }
}

function sumOf(cells) {
  return cells.reduce((sum, cell) => sum + (cell.product || 0), 0);
}

function allKnown(cells) {
  return !cells.some((cell) => Number.isNaN(cell.product));
}

// Python's own gradient of a weight, or null if it is not in the page.
function storedWeightGradient(layer, k, c, u, v) {
  const stored = layer.parameters.weight_gradient;
  if (!stored || k >= stored.shape[0]) return null;
  const [, C, KH, KW] = stored.shape;
  return stored.data[((k * C + c) * KH + u) * KW + v];
}

// ----------------------------------------------------------------------------------- other layers

// What pooling hands to one map of its input.
function poolInputGradient(layer, source, c) {
  const [, H, W] = source.shape;
  const [, OH, OW] = layer.shape;
  const data = new Float64Array(H * W);
  for (let i = 0; i < OH; i++) {
    for (let j = 0; j < OW; j++) {
      const cells = poolCells(layer, source, i, j);
      const gy = at(layer, c, i, j, "gradient") || 0;
      if (layer.kind === "maxpool") {
        const best = largestCell(source, c, cells);
        data[best.row * W + best.column] += gy;
      } else {
        const share = gy / poolArea(layer, cells, i, j);
        for (const cell of cells) data[cell.row * W + cell.column] += share;
      }
    }
  }
  return data;
}

// Batch norm's gradient in training, for a batch of one picture: the numbers of map c at (i, j).
function trainingBatchNorm(layer, source, c, i, j) {
  const [, H, W] = source.shape;
  const count = H * W;
  const eps = layer.options.eps ?? 1e-5;
  const x = Array.from(source.value.subarray(c * count, (c + 1) * count));
  const gy = Array.from(layer.gradient.subarray(c * count, (c + 1) * count));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / count;
  const mu = mean(x);
  const sigma = Math.sqrt(mean(x.map((value) => (value - mu) ** 2)) + eps);
  const hats = x.map((value) => (value - mu) / sigma);
  const [meanGy, meanGyHat] = [mean(gy), mean(gy.map((value, n) => value * hats[n]))];
  const [hat, own] = [hats[i * W + j], gy[i * W + j]];
  const scale = layer.parameters.weight.data[c] / sigma;
  return { count, mu, sigma, hat, gy: own, meanGy, meanGyHat, scale,
    sum: scale * (own - meanGy - hat * meanGyHat) };
}

function softmax(scores) {
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const exponentials = Array.from(scores, (score) => Math.exp(score - largest));
  const total = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / total);
}
