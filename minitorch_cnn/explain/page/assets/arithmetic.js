// The arithmetic of the layers, one number at a time, in plain loops; nothing touches the page.
//
// A layer is {name, kind, sources, shape: [C, H, W], kept, options, parameters, value, gradient}:
// value and gradient hold the first `kept` of its C maps, row by row, NaN where the page does not
// hold a number. Other kinds of layers are in kinds.js. Positions are named as in
// the Python package: filter k, channel c, output row i and column j, kernel row u and column v.

// ------------------------------------------------------------------------- geometry of windows

function outputLength(length, kernel, stride, before, after, dilation) {
  const reach = dilation * (kernel - 1) + 1;
  return Math.floor((length + before + after - reach) / stride) + 1;
}

// The row (or column) of the image at a place that may lie in the padding; -1 means a zero there.
function imageIndex(place, length, mode) {
  if (place >= 0 && place < length) return place;
  if (mode === "replicate") return place < 0 ? 0 : length - 1;
  if (mode === "reflect") return place < 0 ? -place : 2 * (length - 1) - place;
  if (mode === "circular") return ((place % length) + length) % length;
  return -1;
}

// Calls visit(u, v, row, column) for every cell of the window of output (i, j).
function eachCell(size, kernel, options, i, j, visit) {
  const [top, , left] = options.padding;
  for (let u = 0; u < kernel[0]; u++) {
    for (let v = 0; v < kernel[1]; v++) {
      const row = imageIndex(i * options.stride[0] + u * options.dilation[0] - top,
        size[0], options.mode);
      const column = imageIndex(j * options.stride[1] + v * options.dilation[1] - left,
        size[1], options.mode);
      visit(u, v, row, column);
    }
  }
}

// Every (i, j, u, v) whose window cell is the pixel (row, column): who used this pixel, and where.
function usesOfPixel(size, outputSize, kernel, options, row, column) {
  const uses = [];
  for (let i = 0; i < outputSize[0]; i++) {
    for (let j = 0; j < outputSize[1]; j++) {
      eachCell(size, kernel, options, i, j, (u, v, r, c) => {
        if (r === row && c === column) uses.push({ i, j, u, v });
      });
    }
  }
  return uses;
}

function at(layer, c, i, j, what = "value") {
  return layer[what][(c * layer.shape[1] + i) * layer.shape[2] + j];
}

// ------------------------------------------------------------------------------- convolution

function kernelSize(layer) {
  return layer.parameters.weight.shape.slice(-2);
}

// Larger kernels, such as the 16x16 pixels of a vision transformer's patches, are not written out.
const MOST_CELLS = 121;

function hasSmallKernel(layer) {
  const [KH, KW] = kernelSize(layer);
  return KH * KW <= MOST_CELLS;
}

// The stored input channels that filter k sees: [absolute channel, channel within the group].
function channelsOfFilter(layer, source, k) {
  const perGroup = source.shape[0] / layer.options.groups;
  const first = Math.floor(k / (layer.shape[0] / layer.options.groups)) * perGroup;
  const channels = [];
  for (let c = 0; c < layer.parameters.weight.shape[1]; c++) {
    if (first + c < source.kept) channels.push([first + c, c]);
  }
  return channels;
}

function weightAt(layer, k, c, u, v) {
  const [, C, KH, KW] = layer.parameters.weight.shape;
  return layer.parameters.weight.data[((k * C + c) * KH + u) * KW + v];
}

// One output number, taken apart: for every channel the window, the kernel and their products.
function convolutionTerms(layer, source, k, i, j) {
  const size = source.shape.slice(1);
  const kernel = kernelSize(layer);
  const seen = channelsOfFilter(layer, source, k);
  let whole = seen.length === source.shape[0] / layer.options.groups;
  const channels = seen.map(([channel, c]) => {
    const cells = [];
    let sum = 0;
    eachCell(size, kernel, layer.options, i, j, (u, v, row, column) => {
      const inside = row >= 0 && column >= 0;
      const x = inside ? at(source, channel, row, column) : 0;
      const w = weightAt(layer, k, c, u, v);
      if (Number.isNaN(x)) whole = false;
      else sum += x * w;
      cells.push({ u, v, row, column, inside, x, w, product: x * w });
    });
    return { channel, cells, sum };
  });
  const bias = layer.parameters.bias ? layer.parameters.bias.data[k] : null;
  const sum = channels.reduce((total, each) => total + each.sum, bias ?? 0);
  return { bias, channels, sum, whole };
}

// The gradient that one convolution brings to a pixel, taken apart: for every filter the cells of
// the output gradient that used the pixel, each times the weight that it used the pixel with.
function convolutionGradientTerms(layer, source, channel, row, column) {
  const perGroup = source.shape[0] / layer.options.groups;
  const filtersPerGroup = layer.shape[0] / layer.options.groups;
  const first = Math.floor(channel / perGroup) * filtersPerGroup;
  const uses = usesOfPixel(source.shape.slice(1), layer.shape.slice(1), kernelSize(layer),
    layer.options, row, column);
  const filters = [];
  const there = channel % perGroup < layer.parameters.weight.shape[1];
  let whole = there && first + filtersPerGroup <= layer.kept;
  for (let k = first; there && k < Math.min(first + filtersPerGroup, layer.kept); k++) {
    let sum = 0;
    const cells = uses.map(({ i, j, u, v }) => {
      const gy = at(layer, k, i, j, "gradient");
      const w = weightAt(layer, k, channel % perGroup, u, v);
      if (Number.isNaN(gy)) whole = false;
      else sum += gy * w;
      return { i, j, u, v, x: gy, w, product: gy * w };
    });
    filters.push({ channel: k, cells, sum });
  }
  return { channels: filters, whole, sum: filters.reduce((total, each) => total + each.sum, 0) };
}

// Where there is something to be seen: the window with the most contrast, as far as possible inside
// the image, and the filter that answers most to it.
function liveliestPlace(network, number) {
  const layer = network.layers[number];
  const source = network.layers[layer.sources[0]];
  const [top, left, height, width] = layer.box ?? [0, 0, ...layer.shape.slice(1)];
  const found = { map: 0, i: top, j: left, contrast: -1 };
  for (let i = top; i < top + height; i++) {
    for (let j = left; j < left + width; j++) {
      let [count, sum, squares] = [0, 0, 0];
      eachCell(source.shape.slice(1), kernelSize(layer), layer.options, i, j, (u, v, row, column) => {
        if (row < 0 || column < 0) return;
        for (let c = 0; c < source.kept; c++) {
          const x = at(source, c, row, column);
          if (!Number.isNaN(x)) [count, sum, squares] = [count + 1, sum + x, squares + x * x];
        }
      });
      const [KH, KW] = kernelSize(layer);
      const whole = count === KH * KW * source.kept ? 1 : 0.5;
      const contrast = count ? whole * (squares / count - (sum / count) ** 2) : 0;
      if (contrast > found.contrast) Object.assign(found, { i, j, contrast });
    }
  }
  for (let k = 1; k < layer.kept; k++) {
    const size = (map) => Math.abs(at(layer, map, found.i, found.j));
    if (size(k) > size(found.map)) found.map = k;
  }
  return { map: found.map, i: found.i, j: found.j };
}

// One whole output map by loops: x (C maps of H x W), weights (C kernels of KH x KW), options.
function convolve(x, size, weights, kernel, bias, options) {
  const [H, W] = size;
  const [top, bottom, left, right] = options.padding;
  const OH = outputLength(H, kernel[0], options.stride[0], top, bottom, options.dilation[0]);
  const OW = outputLength(W, kernel[1], options.stride[1], left, right, options.dilation[1]);
  if (OH < 1 || OW < 1) return null;
  const area = kernel[0] * kernel[1];
  const channels = weights.length / area;
  const y = new Float64Array(OH * OW).fill(bias);
  for (let i = 0; i < OH; i++) {
    for (let j = 0; j < OW; j++) {
      eachCell(size, kernel, options, i, j, (u, v, row, column) => {
        if (row < 0 || column < 0) return;
        for (let c = 0; c < channels; c++) {
          y[i * OW + j] += x[(c * H + row) * W + column] * weights[c * area + u * kernel[1] + v];
        }
      });
    }
  }
  return { size: [OH, OW], y };
}

// im2col of the stored channels that filter k sees: rows (c, u, v), columns (i, j).
function columnMatrix(layer, source, k) {
  const kernel = kernelSize(layer);
  const [OH, OW] = layer.shape.slice(1);
  const channels = channelsOfFilter(layer, source, k).map(([channel]) => channel);
  const rows = channels.length * kernel[0] * kernel[1];
  const columns = OH * OW;
  const matrix = new Float32Array(rows * columns);
  for (let i = 0; i < OH; i++) {
    for (let j = 0; j < OW; j++) {
      eachCell(source.shape.slice(1), kernel, layer.options, i, j, (u, v, row, column) => {
        if (row < 0 || column < 0) return;
        channels.forEach((channel, c) => {
          const place = (c * kernel[0] + u) * kernel[1] + v;
          matrix[place * columns + i * OW + j] = at(source, channel, row, column);
        });
      });
    }
  }
  return { matrix, rows, columns, channels, kernel };
}

// ----------------------------------------------------------------------------------- pooling

// The cells of a pooling window; an adaptive one covers its share of the image.
function poolCells(layer, source, i, j) {
  const [H, W] = source.shape.slice(1);
  const cells = [];
  if (layer.kind === "adaptive") {
    const [OH, OW] = layer.shape.slice(1);
    for (let row = Math.floor((i * H) / OH); row < Math.ceil(((i + 1) * H) / OH); row++) {
      for (let column = Math.floor((j * W) / OW); column < Math.ceil(((j + 1) * W) / OW);
        column++) cells.push({ row, column });
    }
    return cells;
  }
  const { kernel_size: kernel, stride, padding } = layer.options;
  const dilation = layer.options.dilation ?? [1, 1];
  const options = { stride, dilation, padding: [padding[0], padding[0], padding[1], padding[1]] };
  eachCell([H, W], kernel, options, i, j, (u, v, row, column) => {
    if (row >= 0 && column >= 0) cells.push({ row, column });
  });
  return cells;
}

// The number of cells that an average is divided by: zeros in the padding count, unless there is
// a divisor for each output.
function poolArea(layer, cells, i, j) {
  const { divisor } = layer.parameters;
  if (divisor) return divisor.data[i * divisor.shape[1] + j];
  const kernel = layer.options.kernel_size;
  return layer.kind === "adaptive" ? cells.length : kernel[0] * kernel[1];
}

// The cell whose value max-pooling takes: the first of the largest.
function largestCell(source, c, cells) {
  return cells.reduce((best, cell) =>
    at(source, c, cell.row, cell.column) > at(source, c, best.row, best.column) ? cell : best);
}

// ------------------------------------------------- one number forward, one gradient backward

// How layer's number (c, i, j) follows from its sources: {kind, terms..., sum, whole}. whole: all
// numbers of the sum are in this page; without a sum it is null.
function explainValue(network, number, c, i, j) {
  const found = ownValue(network, number, c, i, j);
  if (Number.isNaN(found.sum)) Object.assign(found, { sum: null, whole: false });
  const layer = network.layers[number];
  const source = network.layers[layer.sources[0]];
  const missing = (each) => Number.isNaN(at(source, c, each.row, each.column));
  if (found.cells && found.cells.some(missing)) {
    Object.assign(found, { sum: null, whole: false });
  }
  found.whole ??= isByNumber(layer) || Boolean(found.cells)
    || isComplete(network, number, "forward");
  return found;
}

function ownValue(network, number, c, i, j) {
  const layer = network.layers[number];
  const sources = layer.sources.map((each) => network.layers[each]);
  const [source] = sources;
  const place = (c * layer.shape[1] + i) * layer.shape[2] + j;
  switch (layer.kind) {
    case "conv":
      return { kind: "conv", ...convolutionTerms(layer, source, c, i, j) };
    case "conv3d":
      return volumeTerms(layer, source, c, i, j);
    case "affine": {
      const [mean, invstd, weight, bias] = ["mean", "invstd", "weight", "bias"].map(
        (name) => layer.parameters[name].data[c]);
      const x = at(source, c, i, j);
      return { kind: "affine", x, mean, invstd, weight, bias,
        sum: (x - mean) * invstd * weight + bias };
    }
    case "relu": {
      const x = at(source, c, i, j);
      return { kind: "relu", x, sum: Math.max(0, x) };
    }
    case "add": {
      const parts = sources.map((each) => known(each, c, i, j));
      return { kind: "add", parts, sum: parts.reduce((a, b) => a + b) };
    }
    case "maxpool": {
      const cells = poolCells(layer, source, i, j);
      const best = largestCell(source, c, cells);
      return { kind: "maxpool", cells, best, sum: at(source, c, best.row, best.column) };
    }
    case "avgpool":
    case "adaptive": {
      const cells = poolCells(layer, source, i, j);
      const area = poolArea(layer, cells, i, j);
      const total = cells.reduce((sum, cell) => sum + at(source, c, cell.row, cell.column), 0);
      return { kind: "average", cells, area, total, sum: total / area };
    }
    case "linear": {
      const [, inputs] = layer.parameters.weight.shape;
      const bias = layer.parameters.bias ? layer.parameters.bias.data[c] : null;
      const terms = [];
      for (let f = 0; f < inputs; f++) {
        const w = layer.parameters.weight.data[c * inputs + f];
        terms.push({ feature: f, x: source.value[f], w, product: w * source.value[f] });
      }
      if (terms.some((term) => Number.isNaN(term.x))) break;
      return { kind: "linear", bias, terms,
        sum: terms.reduce((sum, term) => sum + term.product, bias ?? 0) };
    }
    case "identity":
      return { kind: "copy", sum: source.value[place] };
    case "input":
      return { kind: "input", sum: null };
    default:
      return { kind: layer.kind, ...explainKind(network, number, c, i, j) };
  }
  return { kind: layer.kind, sum: null };
}

// Where the gradient of layer's number (c, i, j) comes from: one part for every reader of it.
function explainGradient(network, number, c, i, j) {
  const source = network.layers[number];
  const parts = [];
  network.layers.forEach((reader, readerNumber) => {
    reader.sources.forEach((each, operand) => {
      if (each !== number || !reader.gradient) return; // another output's branch brings none
      const part = { reader: readerNumber,
        ...gradientPart(network, reader, source, operand, c, i, j) };
      if (Number.isNaN(part.sum)) Object.assign(part, { sum: null, whole: false });
      part.whole ??= isByNumber(reader) || reader.kept === reader.shape[0];
      parts.push(part);
    });
  });
  const whole = parts.every((part) => part.whole);
  return { parts, whole, sum: parts.reduce((sum, part) => sum + (part.sum ?? 0), 0) };
}

function gradientPart(network, reader, source, operand, c, i, j) {
  if (isByNumber(reader) && Number.isNaN(known(reader, c, i, j, "gradient"))
    && String(reader.shape) === String(source.shape)) {
    return { kind: "other", sum: null, whole: false, why: "why_missing" };
  }
  const here = (c * source.shape[1] + i) * source.shape[2] + j;
  switch (reader.kind) {
    case "conv":
      return { kind: "conv", ...convolutionGradientTerms(reader, source, c, i, j) };
    case "conv3d":
      return volumeGradientTerms(reader, source, c, i, j);
    case "affine": {
      const gy = at(reader, c, i, j, "gradient");
      const scale = reader.parameters.scale.data[c];
      return { kind: "affine", gy, scale, sum: gy * scale };
    }
    case "relu": {
      const gy = at(reader, c, i, j, "gradient");
      return { kind: "relu", gy, open: reader.value[here] > 0,
        sum: reader.value[here] > 0 ? gy : 0 };
    }
    case "maxpool":
    case "avgpool":
    case "adaptive":
      return poolGradientPart(reader, source, c, i, j);
    case "linear": {
      const [outputs, inputs] = reader.parameters.weight.shape;
      const terms = [];
      for (let k = 0; k < outputs; k++) {
        const w = reader.parameters.weight.data[k * inputs + here];
        terms.push({ feature: k, x: reader.gradient[k], w, product: w * reader.gradient[k] });
      }
      return { kind: "linear", terms, sum: terms.reduce((sum, term) => sum + term.product, 0) };
    }
    case "add":
    case "identity":
      return { kind: "copy", sum: reader.gradient[here] };
    default:
      return { kind: reader.kind,
        ...explainKindGradient(network, reader, source, operand, c, i, j) };
  }
}

function poolGradientPart(reader, source, c, i, j) {
  const windows = [];
  for (let oi = 0; oi < reader.shape[1]; oi++) {
    for (let oj = 0; oj < reader.shape[2]; oj++) {
      const cells = poolCells(reader, source, oi, oj);
      if (!cells.some((cell) => cell.row === i && cell.column === j)) continue;
      const gy = at(reader, c, oi, oj, "gradient");
      let share = 1 / poolArea(reader, cells, oi, oj);
      if (reader.kind === "maxpool") {
        const best = largestCell(source, c, cells);
        share = best.row === i && best.column === j ? 1 : 0;
      }
      windows.push({ i: oi, j: oj, gy, share });
    }
  }
  if (c >= reader.kept || windows.some((each) => Number.isNaN(each.gy))) {
    return { kind: "other", sum: null, whole: false, why: "why_missing" };
  }
  const kind = reader.kind === "maxpool" ? "maxpool" : "average";
  return { kind, windows, whole: true, sum: windows.reduce((sum, each) => sum + each.gy * each.share, 0) };
}

// Whether all numbers of the sum are stored in this page.
function isComplete(network, number, direction) {
  const layers = network.layers;
  if (direction === "forward") {
    const { sources } = layers[number];
    return sources.every((each) => layers[each].kept === layers[each].shape[0]);
  }
  return layers.every((reader) =>
    !reader.sources.includes(number) || reader.kept === reader.shape[0]);
}

// ---------------------------------------------------------------------------------- numbers

// As Python's format(value, ".4g"): four significant digits, ties to the even digit.
function formatNumber(value) {
  if (value === null || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size === Infinity) return value < 0 ? "−∞" : "∞";
  let [digits, exponent] = size.toExponential(3).split("e");
  const [exact] = size.toExponential(60).split("e");
  // toExponential rounds ties up: 1.0625 gives 1.063, where Python has 1.062.
  if (/^.{5}50*$/.test(exact) && "02468".includes(exact[4])) digits = exact.slice(0, 5);
  const power = Number(exponent);
  const sign = value < 0 ? "−" : "";
  if (power >= -4 && power < 4) return sign + String(Number(`${digits}e${power}`));
  const two = String(Math.abs(power)).padStart(2, "0");
  return `${sign}${Number(digits)}e${power < 0 ? "-" : "+"}${two}`;
}

// The size of a rounding error: 1.3e-7, or 0 if there is none.
function formatDifference(value) {
  return value === 0 ? "0" : value.toExponential(1);
}
