// The kinds of layers besides convolution, batch norm, ReLU and pooling: what one number of each is
// made of; what brings its gradient back is in kinds_gradient.js. As in arithmetic.js: plain loops, nothing touches the
// page. A number that the page does not hold is NaN; sums leave it out and say so (whole: false).

// ------------------------------------------------------------- functions of a number by itself

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const density = (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

// 2 / √π times the integral of exp(−t²) from 0 to x: its series near 0, a continued fraction beyond.
function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
      term *= -x * x / n;
      total += term / (2 * n + 1);
    }
    return total * 2 / Math.sqrt(Math.PI);
  }
  let fraction = size;
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / fraction);
}

const cumulative = (x) => (1 + erf(x / Math.SQRT2)) / 2;
const bend = (x) => Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
const softplus = (x) => (x > 20 ? x : Math.log1p(Math.exp(x)));
const limits = ({ low, high }) => [Number(low ?? -Infinity), Number(high ?? Infinity)];

// kind: [formula, f(x, options), slope(x, options)]
const CURVES = {
  relu6: ["y = min(max(0, x), 6)", (x) => Math.min(Math.max(0, x), 6),
    (x) => (x > 0 && x < 6 ? 1 : 0)],
  clamp: ["y = min(max(low, x), high)",
    (x, o) => Math.min(Math.max(limits(o)[0], x), limits(o)[1]),
    (x, o) => (x >= limits(o)[0] && x <= limits(o)[1] ? 1 : 0)],
  hardtanh: ["y = min(max(low, x), high)",
    (x, o) => Math.min(Math.max(limits(o)[0], x), limits(o)[1]),
    (x, o) => (x > limits(o)[0] && x < limits(o)[1] ? 1 : 0)],
  leakyrelu: ["y = x if x > 0, slope · x otherwise", (x, { slope }) => (x > 0 ? x : slope * x),
    (x, { slope }) => (x > 0 ? 1 : slope)],
  prelu: ["y = x if x > 0, slope · x otherwise", (x, { slope }) => (x > 0 ? x : slope * x),
    (x, { slope }) => (x > 0 ? 1 : slope)],
  elu: ["y = x if x > 0, α (exp(x) − 1) otherwise",
    (x, { alpha, scale, rate = 1 }) => scale * (x > 0 ? x : alpha * Math.expm1(rate * x)),
    (x, { alpha, scale, rate = 1 }) => scale * (x > 0 ? 1 : alpha * rate * Math.exp(rate * x))],
  gelu: ["y = x · P(x),   P the normal distribution", (x) => x * cumulative(x),
    (x) => cumulative(x) + x * density(x)],
  gelutanh: ["y = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2", (x) => x * (1 + bend(x)) / 2,
    (x) => (1 + bend(x) + x * (1 - bend(x) ** 2) * Math.sqrt(2 / Math.PI)
      * (1 + 3 * 0.044715 * x * x)) / 2],
  silu: ["y = x / (1 + exp(−x))", (x) => x * sigmoid(x),
    (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))],
  mish: ["y = x · tanh(log(1 + exp(x)))", (x) => x * Math.tanh(softplus(x)), (x) => {
    const t = Math.tanh(softplus(x));
    return t + x * sigmoid(x) * (1 - t * t);
  }],
  hardsigmoid: ["y = min(max(0, x + 3), 6) / 6", (x) => Math.min(Math.max(0, x + 3), 6) / 6,
    (x) => (x > -3 && x < 3 ? 1 / 6 : 0)],
  hardswish: ["y = x · min(max(0, x + 3), 6) / 6", (x) => x * Math.min(Math.max(0, x + 3), 6) / 6,
    (x) => (x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1)],
  softplus: ["y = log(1 + exp(β x)) / β", (x, { beta }) => softplus(beta * x) / beta,
    (x, { beta }) => sigmoid(beta * x)],
  sigmoid: ["y = 1 / (1 + exp(−x))", sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x))],
  tanh: ["y = tanh(x)", Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  exp: ["y = exp(x)", Math.exp, Math.exp],
  log: ["y = log(x)", Math.log, (x) => 1 / x],
  sqrt: ["y = √x", Math.sqrt, (x) => (x > 0 ? 0.5 / Math.sqrt(x) : 0)],
  rsqrt: ["y = 1 / √x", (x) => 1 / Math.sqrt(x), (x) => -0.5 / (x * Math.sqrt(x))],
  reciprocal: ["y = 1 / x", (x) => 1 / x, (x) => -1 / (x * x)],
  sin: ["y = sin(x)", Math.sin, Math.cos],
  cos: ["y = cos(x)", Math.cos, (x) => -Math.sin(x)],
  erf: ["y = erf(x)", erf, (x) => 2 / Math.sqrt(Math.PI) * Math.exp(-x * x)],
  expm1: ["y = exp(x) − 1", Math.expm1, Math.exp],
  log1p: ["y = log(1 + x)", Math.log1p, (x) => 1 / (1 + x)],
  tan: ["y = tan(x)", Math.tan, (x) => 1 + Math.tan(x) ** 2],
  atan: ["y = arctan(x)", Math.atan, (x) => 1 / (1 + x * x)],
  sinh: ["y = sinh(x)", Math.sinh, Math.cosh],
  cosh: ["y = cosh(x)", Math.cosh, Math.sinh],
  abs: ["y = |x|", Math.abs, Math.sign],
  sign: ["y = −1, 0 or 1, as the sign of x", Math.sign, () => 0],
  neg: ["y = −x", (x) => -x, () => -1],
};

// kind: [operator, f(a, b), slope in a, slope in b]
const BINARY = {
  add: ["+", (a, b) => a + b, () => 1, () => 1],
  plus: ["+", (a, b) => a + b, () => 1, () => 1],
  minus: ["−", (a, b) => a - b, () => 1, () => -1],
  times: ["×", (a, b) => a * b, (a, b) => b, (a) => a],
  divide: ["÷", (a, b) => a / b, (a, b) => 1 / b, (a, b) => -a / (b * b)],
  power: ["^", (a, b) => a ** b, (a, b) => (b ? b * a ** (b - 1) : 0),
    (a, b) => (a > 0 ? a ** b * Math.log(a) : 0)],
  maximum: ["max", Math.max, (a, b) => (a > b ? 1 : a < b ? 0 : 0.5),
    (a, b) => (b > a ? 1 : b < a ? 0 : 0.5)],
  minimum: ["min", Math.min, (a, b) => (a < b ? 1 : a > b ? 0 : 0.5),
    (a, b) => (b < a ? 1 : b > a ? 0 : 0.5)],
};

// Those whose number c, i, j needs the numbers c, i, j only: nothing is missing in a kept map.
function isByNumber(layer) {
  return layer.kind in CURVES || layer.kind in BINARY
    || ["affine", "relu", "identity"].includes(layer.kind);
}

function curveOptions(layer, c) {
  const { slope } = layer.parameters;
  return slope ? { slope: slope.data[slope.data.length > 1 ? c : 0] } : layer.options;
}

// ------------------------------------------------------------------------------------- helpers

// A number, NaN if the page does not hold it. Axes of length 1 are repeated.
function known(layer, c, i, j, what = "value") {
  const [C, H, W] = layer.shape;
  const map = Math.min(c, C - 1);
  if (!layer[what] || map >= layer.kept) return NaN;
  return layer[what][(map * H + Math.min(i, H - 1)) * W + Math.min(j, W - 1)];
}

class Total {
  constructor() {
    this.sum = 0;
    this.whole = true;
  }

  add(value) {
    if (Number.isNaN(value)) this.whole = false;
    else this.sum += value;
  }
}

// Calls visit(c, i, j) for every number of a layer that lies with (c, i, j) along the axes.
function eachAlong(shape, { axes, groups }, place, visit) {
  const ranges = shape.map((length, axis) =>
    (axes.includes(axis) ? [0, length] : [place[axis], place[axis] + 1]));
  if (groups) {
    const size = shape[0] / groups;
    const first = Math.floor(place[0] / size) * size;
    ranges[0] = [first, first + size];
  }
  for (let c = ranges[0][0]; c < ranges[0][1]; c++) {
    for (let i = ranges[1][0]; i < ranges[1][1]; i++) {
      for (let j = ranges[2][0]; j < ranges[2][1]; j++) visit(c, i, j);
    }
  }
}

// Where a place among all numbers of a layer's sources is: [source, c, i, j].
function placeOf(network, layer, place) {
  let rest = place;
  for (const number of layer.sources) {
    const [C, H, W] = network.layers[number].shape;
    if (rest < C * H * W) {
      return [number, Math.floor(rest / (H * W)), Math.floor(rest / W) % H, rest % W];
    }
    rest -= C * H * W;
  }
  return null;
}

function fillOf(layer) {
  return Number(String(layer.options.fill ?? 0).replace("inf", "Infinity")); // as Python has it
}

const cell = (row, column) => ({ row, column });

// The end of a long path; the whole one is the card's title.
function shortName(name) {
  if (name.length <= 24) return name;
  const parts = name.split(".");
  while (parts.length > 1 && parts.join(".").length > 23) parts.shift();
  return `…${parts.join(".").slice(-23)}`;
}

// ------------------------------------------------------------------- how a number comes about

// As explainValue: {sum, whole, equation, views, terms, formula, why}; sum is null without a rule.
function explainKind(network, number, c, i, j) {
  const layer = network.layers[number];
  const sources = layer.sources.map((each) => network.layers[each]);
  const [source] = sources;
  const here = (each) => ({ layer: each, map: Math.min(c, each.shape[0] - 1),
    cells: [cell(Math.min(i, each.shape[1] - 1), Math.min(j, each.shape[2] - 1))] });
  if (layer.places) return explainMove(network, layer, c, i, j);
  if (layer.kind in CURVES) {
    const x = known(source, c, i, j);
    const [formula, f] = CURVES[layer.kind];
    const options = curveOptions(layer, c);
    return { sum: f(x, options), whole: !Number.isNaN(x), formula, views: [here(source)],
      equation: [[`${layer.kind}(`, x, "x", ")"]], why: "why_curve", curve: { f, options, x } };
  }
  if (layer.kind in BINARY) return explainBinary(layer, sources, c, i, j, here);
  switch (layer.kind) {
    case "norm": return explainNorm(layer, source, [c, i, j]);
    case "softmax":
    case "logsoftmax": return explainSoftmax(layer, source, [c, i, j]);
    case "sum":
    case "mean":
    case "largest":
    case "smallest": return explainReduction(layer, source, [c, i, j]);
    case "matmul": return explainProduct(layer, sources, c, i, j);
    case "transposed": return explainTransposed(layer, source, c, i, j);
    case "transposed3d": return explainVolumeTransposed(layer, source, c, i, j);
    case "maxpool3d":
    case "avgpool3d": return explainVolumePool(layer, source, c, i, j);
    case "resize": return explainResize(layer, source, c, i, j);
    case "parameter": return { sum: null, whole: false, views: [], why: "why_parameter" };
    default:
      return { sum: null, whole: false, why: "why_other", whyValues: layer.options,
        views: sources.slice(0, 2).map(here) };
  }
}

function explainMove(network, layer, c, i, j) {
  const [, H, W] = layer.shape;
  const place = layer.places[(c * H + i) * W + j];
  const why = `why_${layer.kind}`;
  if (place < 0) return { sum: fillOf(layer), whole: true, views: [], equation: [], why };
  const [number, ...at3] = placeOf(network, layer, place);
  const source = network.layers[number];
  const x = known(source, ...at3);
  return { sum: x, whole: !Number.isNaN(x), why, whyValues: { layer: source.name },
    views: [{ layer: source, map: at3[0], cells: [cell(at3[1], at3[2])] }],
    equation: [["", x, `${shortName(source.name)} [${at3.join(", ")}]`]] };
}

// The two operands of a layer at (c, i, j): of a layer with one source, the other is a number.
function operands(layer, sources, c, i, j) {
  if ("number" in layer.options) {
    const x = known(sources[0], c, i, j);
    const number = Number(layer.options.number);
    return layer.options.place ? [x, number] : [number, x];
  }
  return sources.map((each) => known(each, c, i, j));
}

function explainBinary(layer, sources, c, i, j, here) {
  const [operator, f] = BINARY[layer.kind];
  const [a, b] = operands(layer, sources, c, i, j);
  const names = sources.map((each) => shortName(each.name));
  if ("number" in layer.options) names.splice(layer.options.place, 0, "");
  return { sum: f(a, b), whole: !Number.isNaN(a + b), views: sources.map(here),
    equation: [["", a, names[0]], [operator, b, names[1]]],
    why: layer.kind === "add" ? "why_add" : "why_binary" };
}

// Mean and 1/σ of the numbers that are normalised together, with how many there are.
function momentsOf(layer, source, place) {
  const total = new Total();
  const squares = new Total();
  let count = 0;
  const eachOne = (visit) => eachAlong(source.shape, layer.options, place, visit);
  eachOne((...at3) => {
    total.add(known(source, ...at3));
    count += 1;
  });
  const mean = total.sum / count;
  eachOne((...at3) => squares.add((known(source, ...at3) - mean) ** 2));
  const invstd = 1 / Math.sqrt(squares.sum / count + layer.options.eps);
  return { mean, invstd, count, whole: total.whole };
}

function operandOf(parameter, c, i, j, otherwise) {
  if (!parameter) return otherwise;
  const [C, H, W] = parameter.shape;
  return parameter.data[(Math.min(c, C - 1) * H + Math.min(i, H - 1)) * W + Math.min(j, W - 1)];
}

// The marked cells of the map that is looked at.
function cellsAlong(source, options, place, map) {
  const cells = [];
  eachAlong(source.shape, options, place, (c, i, j) => {
    if (c === map) cells.push(cell(i, j));
  });
  return cells;
}

function explainNorm(layer, source, place) {
  const x = known(source, ...place);
  const moments = momentsOf(layer, source, place);
  const weight = operandOf(layer.parameters.weight, ...place, 1);
  const bias = operandOf(layer.parameters.bias, ...place, 0);
  const whole = moments.whole && !Number.isNaN(x);
  return {
    sum: whole ? (x - moments.mean) * moments.invstd * weight + bias : null, whole,
    views: [{ layer: source, map: place[0],
      cells: cellsAlong(source, layer.options, place, place[0]) }],
    equation: [["(", x, "x"], ["−", moments.mean, "mean", ")"], ["×", moments.invstd, "1/σ"],
      ["×", weight, "w"], ["+", bias, "b"]],
    formula: "y = (x − mean) · 1/σ · w + b", why: "why_norm",
    whyValues: { count: moments.count },
  };
}

function explainSoftmax(layer, source, place) {
  let largest = -Infinity;
  let whole = true;
  const eachOne = (visit) => eachAlong(source.shape, layer.options, place, visit);
  eachOne((...at3) => {
    const x = known(source, ...at3);
    if (Number.isNaN(x)) whole = false;
    else largest = Math.max(largest, x);
  });
  let total = 0;
  let count = 0;
  eachOne((...at3) => {
    total += Math.exp(known(source, ...at3) - largest);
    count += 1;
  });
  const x = known(source, ...place);
  const log = layer.kind === "logsoftmax";
  const sum = log ? x - largest - Math.log(total) : Math.exp(x - largest) / total;
  return {
    sum: whole ? sum : null, whole,
    views: [{ layer: source, map: place[0],
      cells: cellsAlong(source, layer.options, place, place[0]) }],
    equation: log ? [["", x, "x"], ["−", largest + Math.log(total), "log Σ exp(x)"]]
      : [["", Math.exp(x - largest), "exp(x − max)"], ["÷", total, "Σ exp(x − max)"]],
    formula: log ? "y = x − log Σ exp(x)" : "y = exp(x) / Σ exp(x)",
    why: "why_softmax", whyValues: { count },
  };
}

function explainReduction(layer, source, place) {
  const total = new Total();
  let best = layer.kind === "smallest" ? Infinity : -Infinity;
  let count = 0;
  const choose = layer.kind === "smallest" ? Math.min : Math.max;
  // Of groups of maps, one number comes from each: place[0] is the group.
  const { groups } = layer.options;
  const from = groups ? [place[0] * source.shape[0] / groups, 0, 0] : place;
  eachAlong(source.shape, layer.options, from, (...at3) => {
    const x = known(source, ...at3);
    total.add(x);
    if (!Number.isNaN(x)) best = choose(best, x);
    count += 1;
  });
  const { sum, whole } = total;
  const views = [{ layer: source, map: from[0],
    cells: cellsAlong(source, layer.options, from, from[0]) }];
  if (layer.kind === "sum" || layer.kind === "mean") {
    const mean = layer.kind === "mean";
    return { sum: mean ? sum / count : sum, whole, views, why: mean ? "why_average" : "why_sum",
      whyValues: { area: count, count },
      equation: mean ? [["", sum, "Σ x"], ["÷", count, ""]] : [["", sum, "Σ x"]] };
  }
  return { sum: whole ? best : null, whole, views, why: "why_extreme", whyValues: { count },
    equation: [[layer.kind === "largest" ? "max" : "min", best, "x"]] };
}

function explainProduct(layer, [left, right], b, i, j) {
  const total = new Total();
  const terms = [];
  const [leftBatch, rightBatch] = [left, right].map((each) => (each.shape[0] > 1 ? b : 0));
  const cells = [[], []];
  for (let k = 0; k < left.shape[2]; k++) {
    const x = known(left, leftBatch, i, k);
    const w = known(right, rightBatch, k, j);
    total.add(x * w);
    if (!Number.isNaN(x * w)) terms.push({ feature: k, x, w, product: x * w });
    cells[0].push(cell(i, k));
    cells[1].push(cell(k, j));
  }
  return { ...pick(total), terms, equation: [["", total.sum, "Σ a·b"]],
    views: [{ layer: left, map: leftBatch, cells: cells[0] },
      { layer: right, map: rightBatch, cells: cells[1] }],
    formula: "y[i,j] = Σ_k a[i,k] · b[k,j]", why: "why_matmul" };
}

const pick = ({ sum, whole }) => ({ sum, whole });

// The kernel cells over which input (i, j) of a transposed convolution paints output (row, column).
function paints(layer, source, row, column, visit) {
  const { stride, dilation, padding: [top, , left] } = layer.options;
  const [KH, KW] = kernelSize(layer);
  for (let u = 0; u < KH; u++) {
    for (let v = 0; v < KW; v++) {
      const down = row + top - u * dilation[0];
      const right = column + left - v * dilation[1];
      const [i, j] = [down / stride[0], right / stride[1]];
      if (Number.isInteger(i) && Number.isInteger(j) && i >= 0 && j >= 0
        && i < source.shape[1] && j < source.shape[2]) visit(i, j, u, v);
    }
  }
}

// Its weight is that of the convolution whose gradient it is: (input channel, output channel, ...).
function explainTransposed(layer, source, c, i, j) {
  const perGroup = layer.shape[0] / layer.options.groups;
  const inputs = source.shape[0] / layer.options.groups;
  const first = Math.floor(c / perGroup) * inputs;
  const bias = layer.parameters.bias ? layer.parameters.bias.data[c] : null;
  const total = new Total();
  const terms = [];
  const cells = [];
  for (let k = first; k < first + inputs; k++) {
    paints(layer, source, i, j, (row, column, u, v) => {
      const x = known(source, k, row, column);
      const w = transposedWeight(layer, k, c % perGroup, u, v);
      total.add(x * w);
      if (!Number.isNaN(x * w)) terms.push({ feature: `${k},${row},${column}`, x, w, product: x * w });
      if (k === first) cells.push(cell(row, column));
    });
  }
  total.add(bias ?? 0);
  return { ...pick(total), terms, views: [{ layer: source, map: first, cells }],
    equation: [["", total.sum - (bias ?? 0), "Σ w·x"], ...(bias === null ? [] : [["+", bias, "b"]])],
    formula: "y[c, i·s + u·d − p, j·s + v·d − p]  +=  w[k,c,u,v] · x[k,i,j]",
    why: "why_transposed" };
}

function transposedWeight(layer, k, c, u, v) {
  const [K, C, KH, KW] = layer.parameters.weight.shape;
  if (k >= K || c >= C) return NaN;
  return layer.parameters.weight.data[((k * C + c) * KH + u) * KW + v];
}

// The weights with which the rows (or columns) of the source make row n: [[index, weight], ...].
function taps(matrix, n) {
  if (!matrix) return [[n, 1]];
  const found = [];
  const [, length] = matrix.shape;
  for (let m = 0; m < length; m++) {
    const weight = matrix.data[n * length + m];
    if (weight !== 0) found.push([m, weight]);
  }
  return found;
}

function explainResize(layer, source, c, i, j) {
  const total = new Total();
  const terms = [];
  const cells = [];
  for (const [row, a] of taps(layer.parameters.rows, i)) {
    for (const [column, b] of taps(layer.parameters.columns, j)) {
      const x = known(source, c, row, column);
      total.add(a * b * x);
      cells.push(cell(row, column));
      if (!Number.isNaN(x)) {
        terms.push({ feature: `${row},${column}`, x, w: a * b, product: a * b * x });
      }
    }
  }
  return { ...pick(total), terms, views: [{ layer: source, map: c, cells }],
    equation: [["", total.sum, "Σ w·x"]], why: "why_resize" };
}
