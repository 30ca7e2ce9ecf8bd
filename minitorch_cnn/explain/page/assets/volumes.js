// Layers of volumes: slice z of channel c is map c·D + z, see volumes.py. A window of several slices
// is taken apart slice by slice. options.depth has what stride, dilation and padding are along them.

// The slices of the input under output slice t: [place in the kernel, slice], ...
function slicesUnder({ depth: { kernel, stride, dilation, before, input } }, t) {
  return Array.from({ length: kernel }, (_, r) => [r, t * stride + r * dilation - before])
    .filter(([, z]) => z >= 0 && z < input);
}

// The slices of the output that used slice z: [place in the kernel, slice], ...
function slicesOver({ depth: { kernel, stride, dilation, before, output } }, z) {
  return Array.from({ length: kernel }, (_, r) => [r, (z + before - r * dilation) / stride])
    .filter(([, t]) => Number.isInteger(t) && t >= 0 && t < output);
}

function volumeWeight(layer, a, b, r, u, v) {
  const [A, B, KD, KH, KW] = layer.parameters.weight.shape;
  if (a >= A || b >= B) return NaN;
  return layer.parameters.weight.data[(((a * B + b) * KD + r) * KH + u) * KW + v];
}

// Inputs and outputs of a group, and the groups' first ones: of a volume's channels, not its maps.
function groupsOf(layer, source) {
  const { groups, depth } = layer.options;
  return { inputs: source.shape[0] / depth.input / groups,
    outputs: layer.shape[0] / depth.output / groups };
}

// As convolutionTerms, with a window for every slice of every channel.
function volumeTerms(layer, source, map, i, j) {
  const { depth } = layer.options;
  const [k, t] = [Math.floor(map / depth.output), map % depth.output];
  const { inputs, outputs } = groupsOf(layer, source);
  const first = Math.floor(k / outputs) * inputs;
  const bias = layer.parameters.bias ? layer.parameters.bias.data[k] : null;
  const channels = [];
  let whole = true;
  for (let c = 0; c < inputs; c++) {
    for (const [r, z] of slicesUnder(layer.options, t)) {
      const channel = (first + c) * depth.input + z;
      if (channel >= source.kept || c >= layer.parameters.weight.shape[1]) {
        whole = false;
        continue;
      }
      const cells = [];
      let sum = 0;
      eachCell(source.shape.slice(1), kernelSize(layer), layer.options, i, j, (u, v, row, column) => {
        const inside = row >= 0 && column >= 0;
        const x = inside ? at(source, channel, row, column) : 0;
        const w = volumeWeight(layer, k, c, r, u, v);
        if (Number.isNaN(x)) whole = false;
        else sum += x * w;
        cells.push({ u, v, row, column, inside, x, w, product: x * w });
      });
      channels.push({ channel, cells, sum });
    }
  }
  return volumeSum(channels, bias, whole);
}

// Without a slice under the window there is only the padding, and nothing to draw.
function volumeSum(channels, bias, whole) {
  const sum = channels.reduce((total, each) => total + each.sum, bias ?? 0);
  if (channels.length) return { kind: "conv", bias, channels, sum, whole };
  return { kind: "conv3d", sum: whole ? sum : null, whole, views: [], equation: [["", sum, "b"]],
    why: "why_conv3d" };
}

// As convolutionGradientTerms, with a part for every slice that used this one.
function volumeGradientTerms(layer, source, map, row, column) {
  const { depth } = layer.options;
  const [channel, z] = [Math.floor(map / depth.input), map % depth.input];
  const { inputs, outputs } = groupsOf(layer, source);
  const first = Math.floor(channel / inputs) * outputs;
  const uses = usesOfPixel(source.shape.slice(1), layer.shape.slice(1), kernelSize(layer),
    layer.options, row, column);
  const filters = [];
  let whole = channel % inputs < layer.parameters.weight.shape[1];
  for (let k = first; k < first + outputs; k++) {
    for (const [r, t] of slicesOver(layer.options, z)) {
      const filter = k * depth.output + t;
      if (filter >= layer.kept) {
        whole = false;
        continue;
      }
      let sum = 0;
      const cells = uses.map(({ i, j, u, v }) => {
        const gy = at(layer, filter, i, j, "gradient");
        const w = volumeWeight(layer, k, channel % inputs, r, u, v);
        if (Number.isNaN(gy * w)) whole = false;
        else sum += gy * w;
        return { i, j, u, v, x: gy, w, product: gy * w };
      });
      filters.push({ channel: filter, cells, sum });
    }
  }
  return volumeSum(filters, null, whole);
}

// As explainTransposed: the input slices that paint over output slice t.
function explainVolumeTransposed(layer, source, map, i, j) {
  const { depth } = layer.options;
  const [c, t] = [Math.floor(map / depth.output), map % depth.output];
  const { inputs, outputs } = groupsOf(layer, source);
  const first = Math.floor(c / outputs) * inputs;
  const bias = layer.parameters.bias ? layer.parameters.bias.data[map] : null;
  const total = new Total();
  const terms = [];
  const views = [];
  // Forward a transposed convolution goes the way that the convolution's gradient goes.
  const back = { depth: { ...depth, output: depth.input } };
  for (let k = first; k < first + inputs; k++) {
    for (const [r, z] of slicesOver(back, t)) {
      const from = k * depth.input + z;
      const cells = [];
      paints(layer, source, i, j, (row, column, u, v) => {
        const x = known(source, from, row, column);
        const w = volumeWeight(layer, k, c % outputs, r, u, v);
        total.add(x * w);
        if (!Number.isNaN(x * w)) {
          terms.push({ feature: `${k},${z},${row},${column}`, x, w,
            product: x * w });
        }
        cells.push(cell(row, column));
      });
      if (k === first) views.push({ layer: source, map: from, cells });
    }
  }
  total.add(bias ?? 0);
  return { ...pick(total), terms, views,
    equation: [["", total.sum - (bias ?? 0), "Σ w·x"], ...(bias === null ? [] : [["+", bias, "b"]])],
    formula: "y[c, t·s + r·d − p, i·s + u·d − p, j·s + v·d − p]  +=  w[k,c,r,u,v] · x[k,t,i,j]",
    why: "why_transposed" };
}

function volumeTransposedGradient(reader, source, map, i, j) {
  const { depth, stride, dilation, padding: [top, , left] } = reader.options;
  const [k, z] = [Math.floor(map / depth.input), map % depth.input];
  const { inputs, outputs } = groupsOf(reader, source);
  const first = Math.floor(k / inputs) * outputs;
  const [KH, KW] = kernelSize(reader);
  const total = new Total();
  const terms = [];
  const views = [];
  const there = { depth: { ...depth, input: depth.output } };
  for (let c = 0; c < outputs; c++) {
    for (const [r, t] of slicesUnder(there, z)) {
      const to = (first + c) * depth.output + t;
      const cells = [];
      for (let u = 0; u < KH; u++) {
        for (let v = 0; v < KW; v++) {
          const row = i * stride[0] + u * dilation[0] - top;
          const column = j * stride[1] + v * dilation[1] - left;
          if (row < 0 || column < 0 || row >= reader.shape[1] || column >= reader.shape[2]) continue;
          const gy = known(reader, to, row, column, "gradient");
          const w = volumeWeight(reader, k, c, r, u, v);
          total.add(gy * w);
          if (!Number.isNaN(gy * w)) {
            terms.push({ feature: `${first + c},${t},${row},${column}`, x: gy, w,
              product: gy * w });
          }
          cells.push(cell(row, column));
        }
      }
      if (c === 0) views.push({ layer: reader, map: to, cells });
    }
  }
  return { ...pick(total), terms, views, equation: [["", total.sum, "Σ ∂y·w"]],
    why: "why_transposed_backward" };
}

// ----------------------------------------------------------------------------------- pooling

// The cells of a window in each of its slices: [{map, cells}, ...].
function volumeCells(layer, source, map, i, j) {
  const { depth, kernel_size, stride, padding, dilation = [1, 1] } = layer.options;
  const [c, t] = [Math.floor(map / depth.output), map % depth.output];
  const inSlice = { kind: "pool", options: { kernel_size, stride, padding, dilation } };
  const cells = poolCells(inSlice, source, i, j);
  return slicesUnder(layer.options, t).map(([, z]) => ({ map: c * depth.input + z, cells }));
}

function volumeArea(layer, map, i, j) {
  const { divisor } = layer.parameters;
  const { depth, kernel_size: [KH, KW] } = layer.options;
  if (!divisor) return depth.kernel * KH * KW;
  const [, H, W] = divisor.shape;
  return divisor.data[((map % depth.output) * H + i) * W + j];
}

// The first of the largest: {map, row, column}.
function largestInVolume(source, slices) {
  let best = null;
  let most = -Infinity;
  for (const { map, cells } of slices) {
    for (const { row, column } of cells) {
      const x = known(source, map, row, column);
      if (x > most || best === null) [best, most] = [{ map, row, column }, x];
    }
  }
  return best;
}

function explainVolumePool(layer, source, map, i, j) {
  const slices = volumeCells(layer, source, map, i, j);
  const total = new Total();
  slices.forEach((each) => each.cells.forEach(({ row, column }) =>
    total.add(known(source, each.map, row, column))));
  const maximum = layer.kind === "maxpool3d";
  const best = maximum ? largestInVolume(source, slices) : null;
  const area = volumeArea(layer, map, i, j);
  const sum = maximum ? known(source, best.map, best.row, best.column) : total.sum / area;
  const shown = maximum ? [...slices].sort((a) => (a.map === best.map ? -1 : 0)) : slices;
  return {
    sum: total.whole ? sum : null, whole: total.whole, windows: slices, best,
    views: shown.map((each) => ({ layer: source, ...each })),
    equation: maximum ? [["max", sum, "x"]] : [["", total.sum, "Σ x"], ["÷", area, ""]],
    why: maximum ? "why_maxpool" : "why_average", whyValues: { area },
  };
}

function volumePoolGradient(reader, source, map, i, j) {
  const { depth } = reader.options;
  const [c, z] = [Math.floor(map / depth.input), map % depth.input];
  const total = new Total();
  const equation = [];
  const views = [];
  for (const [, t] of slicesOver(reader.options, z)) {
    const from = c * depth.output + t;
    const cells = [];
    for (let row = 0; row < reader.shape[1]; row++) {
      for (let column = 0; column < reader.shape[2]; column++) {
        const slices = volumeCells(reader, source, from, row, column);
        if (!slices.some(({ cells: own }) =>
          own.some((each) => each.row === i && each.column === j))) continue;
        const gy = known(reader, from, row, column, "gradient");
        let share = 1 / volumeArea(reader, from, row, column);
        if (reader.kind === "maxpool3d") {
          const best = largestInVolume(source, slices);
          share = best.map === map && best.row === i && best.column === j ? 1 : 0;
          slices.forEach((each) => { if (each.map >= source.kept) total.whole = false; });
        }
        total.add(gy * share);
        cells.push(cell(row, column));
        equation.push([equation.length ? "+" : "", gy, "∂y"], ["×", share, ""]);
      }
    }
    views.push({ layer: reader, map: from, cells });
  }
  return { ...pick(total), views, equation: equation.slice(0, 18),
    why: reader.kind === "maxpool3d" ? "why_maxpool_backward" : "why_average_backward" };
}
