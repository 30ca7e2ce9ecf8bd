// How the gradient of one number comes back through the layers of kinds.js.

// The part of the gradient of source's number (c, i, j) that a reader brings, of which the source
// is operand number `operand`.
function explainKindGradient(network, reader, source, operand, c, i, j) {
  const gy = known(reader, c, i, j, "gradient");
  const here = { layer: reader, map: c, cells: [cell(i, j)] };
  const sources = reader.sources.map((each) => network.layers[each]);
  if (reader.places) return moveGradient(network, reader, source, c, i, j);
  if (reader.kind in CURVES) {
    const [formula, , slope] = CURVES[reader.kind];
    const factor = slope(known(source, c, i, j), curveOptions(reader, c));
    return { sum: gy * factor, whole: !Number.isNaN(gy * factor), formula, views: [here],
      equation: [["", gy, "∂y"], ["×", factor, "y′(x)"]], why: "why_curve_backward" };
  }
  if (reader.kind in BINARY) return binaryGradient(reader, sources, source, operand, c, i, j);
  switch (reader.kind) {
    case "norm": return normGradient(reader, source, [c, i, j]);
    case "softmax":
    case "logsoftmax": return softmaxGradient(reader, source, [c, i, j]);
    case "sum":
    case "mean":
    case "largest":
    case "smallest": return reductionGradient(reader, source, [c, i, j]);
    case "matmul": return productGradient(reader, sources, operand, c, i, j);
    case "transposed": return transposedGradient(reader, source, c, i, j);
    case "transposed3d": return volumeTransposedGradient(reader, source, c, i, j);
    case "maxpool3d":
    case "avgpool3d": return volumePoolGradient(reader, source, c, i, j);
    case "resize": return resizeGradient(reader, source, c, i, j);
    default:
      return { sum: null, whole: false, views: [], why: "why_other", whyValues: reader.options };
  }
}

// For each number of a moving layer's sources, where it went; made once.
function movedTo(reader) {
  if (!reader.movedTo) {
    reader.movedTo = new Map();
    reader.places.forEach((place, n) => {
      if (place < 0) return;
      if (!reader.movedTo.has(place)) reader.movedTo.set(place, []);
      reader.movedTo.get(place).push(n);
    });
  }
  return reader.movedTo;
}

function moveGradient(network, reader, source, c, i, j) {
  let start = 0;
  for (const number of reader.sources) {
    const each = network.layers[number];
    if (each === source) break;
    start += each.shape[0] * each.shape[1] * each.shape[2];
  }
  const place = start + (c * source.shape[1] + i) * source.shape[2] + j;
  const [, H, W] = reader.shape;
  const total = new Total();
  const found = movedTo(reader).get(place) ?? [];
  const parts = found.map((n) => [Math.floor(n / (H * W)), Math.floor(n / W) % H, n % W]);
  parts.forEach((at3) => total.add(known(reader, ...at3, "gradient")));
  // The places of maps that the page does not hold are not known.
  if (reader.kept < reader.shape[0]) total.whole = false;
  if (!total.whole && !parts.length) {
    return { sum: null, whole: false, views: [], why: "why_missing" };
  }
  const map = parts.length ? parts[0][0] : 0;
  return { ...pick(total), why: "why_move_backward", whyValues: { count: parts.length },
    views: [{ layer: reader, map,
      cells: parts.filter((at3) => at3[0] === map).map((at3) => cell(at3[1], at3[2])) }],
    equation: parts.slice(0, 9).map((at3, n) =>
      [n ? "+" : "", known(reader, ...at3, "gradient"), "∂y"]) };
}

function binaryGradient(reader, sources, source, operand, c, i, j) {
  const place = "number" in reader.options ? 1 - reader.options.place : operand;
  const [, , ...slopes] = BINARY[reader.kind];
  const total = new Total();
  let first = null;
  let count = 0;
  // Where the source is repeated along an axis, all its uses add up.
  const axes = [0, 1, 2].filter((axis) => source.shape[axis] < reader.shape[axis]);
  eachAlong(reader.shape, { axes }, [c, i, j], (...at3) => {
    const gy = known(reader, ...at3, "gradient");
    const slope = slopes[place](...operands(reader, sources, ...at3));
    first ??= [gy, slope];
    count += 1;
    total.add(gy * slope);
  });
  const equation = count === 1 ? [["", first[0], "∂y"], ["×", first[1], ""]]
    : [["", total.sum, "Σ ∂y·y′"]];
  return { ...pick(total), equation, why: count === 1 ? "why_binary_backward" : "why_repeated",
    whyValues: { count },
    views: [{ layer: reader, map: c, cells: cellsAlong(reader, { axes }, [c, i, j], c) }] };
}

function normGradient(reader, source, place) {
  const { mean, invstd, count, whole } = momentsOf(reader, source, place);
  const shift = new Total();
  const stretch = new Total();
  const of = (...at3) => known(reader, ...at3, "gradient")
    * operandOf(reader.parameters.weight, ...at3, 1);
  const xhat = (...at3) => (known(source, ...at3) - mean) * invstd;
  eachAlong(source.shape, reader.options, place, (...at3) => {
    shift.add(of(...at3));
    stretch.add(of(...at3) * xhat(...at3));
  });
  const [g, x] = [of(...place), xhat(...place)];
  const sum = invstd * (g - shift.sum / count - x * stretch.sum / count);
  const all = whole && shift.whole && stretch.whole;
  return { sum: all ? sum : null, whole: all, why: "why_norm_backward",
    views: [{ layer: reader, map: place[0], cells: [cell(place[1], place[2])] }],
    equation: [["(", g, "∂y·w"], ["−", shift.sum / count, "mean ∂y·w"],
      ["−", x * stretch.sum / count, "x̂ · mean ∂y·w·x̂", ")"], ["×", invstd, "1/σ"]] };
}

function softmaxGradient(reader, source, place) {
  const log = reader.kind === "logsoftmax";
  const total = new Total();
  eachAlong(source.shape, reader.options, place, (...at3) => {
    const gy = known(reader, ...at3, "gradient");
    total.add(log ? gy : gy * known(reader, ...at3));
  });
  const [y, gy] = [known(reader, ...place), known(reader, ...place, "gradient")];
  const sum = log ? gy - Math.exp(y) * total.sum : y * (gy - total.sum);
  return { sum: total.whole ? sum : null, whole: total.whole, why: "why_softmax_backward",
    views: [{ layer: reader, map: place[0], cells: [cell(place[1], place[2])] }],
    equation: log ? [["", gy, "∂y"], ["−", Math.exp(y) * total.sum, "exp(y) · Σ ∂y"]]
      : [["", y, "y"], ["× (", gy, "∂y"], ["−", total.sum, "Σ ∂y·y", ")"]] };
}

function reductionGradient(reader, source, place) {
  const { axes, groups } = reader.options;
  const at3 = place.map((each, axis) => (axes.includes(axis) ? 0 : each));
  if (groups) at3[0] = Math.floor(place[0] * groups / source.shape[0]);
  const gy = known(reader, ...at3, "gradient");
  let count = 0;
  const equal = [];
  const x = known(source, ...place);
  eachAlong(source.shape, reader.options, place, (...other) => {
    count += 1;
    if (known(source, ...other) === known(reader, ...at3)) equal.push(String(other));
  });
  const won = reader.options.first ? equal[0] === String(place) : x === known(reader, ...at3);
  const share = { sum: 1, mean: 1 / count }[reader.kind]
    ?? (won ? 1 / (reader.options.first ? 1 : equal.length) : 0);
  return { sum: gy * share, whole: !Number.isNaN(gy * share), equation: [["", gy, "∂y"], ["×", share, ""]],
    why: reader.kind === "sum" || reader.kind === "mean" ? "why_average_backward"
      : "why_maxpool_backward",
    views: [{ layer: reader, map: at3[0], cells: [cell(at3[1], at3[2])] }] };
}

function productGradient(reader, [left, right], operand, b, i, j) {
  const total = new Total();
  const terms = [];
  const own = operand ? right : left;
  const batches = own.shape[0] > 1 || reader.shape[0] === 1 ? [b]
    : Array.from({ length: reader.shape[0] }, (_, n) => n);
  const cells = [];
  const count = operand ? reader.shape[1] : reader.shape[2];
  for (const batch of batches) {
    for (let n = 0; n < count; n++) {
      const gy = operand ? known(reader, batch, n, j, "gradient")
        : known(reader, batch, i, n, "gradient");
      const w = operand ? known(left, left.shape[0] > 1 ? batch : 0, n, i)
        : known(right, right.shape[0] > 1 ? batch : 0, j, n);
      total.add(gy * w);
      if (!Number.isNaN(gy * w)) terms.push({ feature: n, x: gy, w, product: gy * w });
      if (batch === batches[0]) cells.push(operand ? cell(n, j) : cell(i, n));
    }
  }
  return { ...pick(total), terms, equation: [["", total.sum, "Σ ∂y·w"]],
    views: [{ layer: reader, map: batches[0], cells }], why: "why_matmul_backward" };
}

function transposedGradient(reader, source, k, i, j) {
  const { stride, dilation, padding: [top, , left], groups } = reader.options;
  const [, C, KH, KW] = reader.parameters.weight.shape;
  const perGroup = reader.shape[0] / groups;
  const first = Math.floor(k / (source.shape[0] / groups)) * perGroup;
  const total = new Total();
  const terms = [];
  const cells = [];
  for (let c = 0; c < perGroup; c++) {
    for (let u = 0; u < KH; u++) {
      for (let v = 0; v < KW; v++) {
        const row = i * stride[0] + u * dilation[0] - top;
        const column = j * stride[1] + v * dilation[1] - left;
        if (row < 0 || column < 0 || row >= reader.shape[1] || column >= reader.shape[2]) continue;
        const gy = known(reader, first + c, row, column, "gradient");
        const w = c < C ? transposedWeight(reader, k, c, u, v) : NaN;
        total.add(gy * w);
        if (!Number.isNaN(gy * w)) {
          terms.push({ feature: `${first + c},${row},${column}`, x: gy, w, product: gy * w });
        }
        if (c === 0) cells.push(cell(row, column));
      }
    }
  }
  return { ...pick(total), terms, equation: [["", total.sum, "Σ ∂y·w"]],
    views: [{ layer: reader, map: first, cells }], why: "why_transposed_backward" };
}

// Which rows of the result a row of the source is used for, with which weight.
function tapsBack(matrix, n) {
  if (!matrix) return [[n, 1]];
  const [count, length] = matrix.shape;
  const found = [];
  for (let m = 0; m < count; m++) {
    const weight = matrix.data[m * length + n];
    if (weight !== 0) found.push([m, weight]);
  }
  return found;
}

function resizeGradient(reader, source, c, i, j) {
  const total = new Total();
  const terms = [];
  const cells = [];
  for (const [row, a] of tapsBack(reader.parameters.rows, i)) {
    for (const [column, b] of tapsBack(reader.parameters.columns, j)) {
      const gy = known(reader, c, row, column, "gradient");
      total.add(a * b * gy);
      cells.push(cell(row, column));
      if (!Number.isNaN(gy)) {
        terms.push({ feature: `${row},${column}`, x: gy, w: a * b, product: a * b * gy });
      }
    }
  }
  return { ...pick(total), terms, views: [{ layer: reader, map: c, cells }],
    equation: [["", total.sum, "Σ ∂y·w"]], why: "why_resize_backward" };
}
