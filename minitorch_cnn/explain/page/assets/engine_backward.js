// The gradients of whole layers: for each operation, those of what it reads and of its weights.

// {sources: one array for each source, parameters: {name: array}} for the gradient gy that arrives.
const BACKWARD = {
  conv(layer, gy, source) {
    const { weight, bias } = layer.parameters;
    const parts = [weight.shape, layer.options, layer.shape];
    return {
      sources: [inputGradientOf(gy, source.shape, weight.data, ...parts, zeros(source))],
      parameters: {
        weight: weightGradientOf(source.value, source.shape, gy, ...parts,
          new Float64Array(weight.data.length)),
        ...(bias && { bias: sumOfMaps(gy, layer) }),
      },
    };
  },

  transposed(layer, gy, source) {
    const { weight, bias } = layer.parameters;
    const parts = [weight.shape, layer.options, source.shape];
    return {
      sources: [convolutionOf(gy, layer.shape, weight.data, ...parts, zeros(source))],
      parameters: {
        weight: weightGradientOf(gy, layer.shape, source.value, ...parts,
          new Float64Array(weight.data.length)),
        ...(bias && { bias: sumOfMaps(gy, layer) }),
      },
    };
  },

  linear(layer, gy, source) {
    const { weight: { data, shape: [K, F] }, bias } = layer.parameters;
    const gx = zeros(source);
    const weight = new Float64Array(K * F);
    for (let k = 0; k < K; k++) {
      for (let f = 0; f < F; f++) {
        gx[f] += gy[k] * data[k * F + f];
        weight[k * F + f] = gy[k] * source.value[f];
      }
    }
    return { sources: [gx], parameters: { weight, ...(bias && { bias: gy.slice() }) } };
  },

  // Batch norm in evaluation: a straight line for each map.
  affine(layer, gy, source) {
    const { mean, invstd, scale } = layer.parameters;
    const [C, H, W] = layer.shape;
    const weight = new Float64Array(C);
    const gx = gy.map((value, n) => {
      const c = Math.floor(n / (H * W));
      weight[c] += value * (source.value[n] - mean.data[c]) * invstd.data[c];
      return value * scale.data[c];
    });
    return { sources: [gx], parameters: { weight, bias: sumOfMaps(gy, layer) } };
  },

  relu: (layer, gy) => ({ sources: [gy.map((value, n) => (layer.value[n] > 0 ? value : 0))] }),
  identity: (layer, gy) => ({ sources: [gy.slice()] }),

  maxpool(layer, gy, source) {
    const tables = poolTables(layer, source);
    const gx = zeros(source);
    eachPool(layer, source, (map, n, at) => {
      gx[winner(tables, source.value, map, n)] += gy[at];
    });
    return { sources: [gx] };
  },
  avgpool(layer, gy, source) {
    const { starts, places, areas } = poolTables(layer, source);
    const gx = zeros(source);
    eachPool(layer, source, (map, n, at) => {
      const share = gy[at] / areas[n];
      for (let cell = starts[n]; cell < starts[n + 1]; cell++) gx[map + places[cell]] += share;
    });
    return { sources: [gx] };
  },
  adaptive: (layer, gy, source) => BACKWARD.avgpool(layer, gy, source),

  norm(layer, gy, source) {
    const moments = momentsTogether(layer, source);
    const { labels, mean, invstd, each } = moments;
    const weight = operandsOf(layer, "weight", 1);
    const hat = Float64Array.from(source.value, (x, n) =>
      (x - mean[labels[n]]) * invstd[labels[n]]);
    const own = gy.map((value, n) => value * weight(n));
    const shift = sumTogether(moments, (n) => own[n]);
    const stretch = sumTogether(moments, (n) => own[n] * hat[n]);
    const gx = own.map((value, n) => {
      const label = labels[n];
      return invstd[label] * (value - shift[label] / each - hat[n] * stretch[label] / each);
    });
    const parameters = {};
    for (const [name, numberAt] of [["weight", (n) => gy[n] * hat[n]], ["bias", (n) => gy[n]]]) {
      const parameter = layer.parameters[name];
      if (!parameter) continue;
      parameters[name] = new Float64Array(parameter.data.length);
      spread(parameter.shape, layer.shape).forEach((place, n) => {
        parameters[name][place] += numberAt(n);
      });
    }
    return { sources: [gx], parameters };
  },

  softmax(layer, gy, source) {
    const parts = together(layer, source);
    const { labels } = parts;
    const y = FORWARD.softmax(layer, source); // layer.value may have maps that are off
    if (layer.kind === "logsoftmax") {
      const sums = sumTogether(parts, (n) => gy[n]);
      return { sources: [gy.map((value, n) => value - Math.exp(y[n]) * sums[labels[n]])] };
    }
    const sums = sumTogether(parts, (n) => gy[n] * y[n]);
    return { sources: [gy.map((value, n) => y[n] * (value - sums[labels[n]]))] };
  },
  logsoftmax: (layer, gy, source) => BACKWARD.softmax(layer, gy, source),

  sum(layer, gy, source) {
    const { labels } = together(layer, source);
    return { sources: [Float64Array.from(labels, (label) => gy[label])] };
  },
  mean(layer, gy, source) {
    const { labels, each } = together(layer, source);
    return { sources: [Float64Array.from(labels, (label) => gy[label] / each)] };
  },
  // Numbers that are equally large share, or the first one gets all.
  largest(layer, gy, source) {
    const parts = together(layer, source);
    const { labels } = parts;
    const firsts = new Map();
    const won = (n) => {
      if (source.value[n] !== layer.value[labels[n]]) return 0;
      if (layer.options.first && !firsts.has(labels[n])) firsts.set(labels[n], n);
      return Number((firsts.get(labels[n]) ?? n) === n);
    };
    const winners = sumTogether(parts, won);
    return { sources: [Float64Array.from(labels, (label, n) =>
      (won(n) * gy[label]) / (winners[label] || 1))] };
  },
  smallest: (layer, gy, source) => BACKWARD.largest(layer, gy, source),

  matmul(layer, gy, left, right) {
    const [B, I, J] = layer.shape;
    const K = left.shape[2];
    const [gleft, gright] = [zeros(left), zeros(right)];
    for (let b = 0; b < B; b++) {
      const [l, r] = [left, right].map((each) => (each.shape[0] > 1 ? b : 0));
      const own = gy.subarray(b * I * J, (b + 1) * I * J);
      rowsTimesRows(own, new Float64Array(right.value.subarray(r * K * J, (r + 1) * K * J)),
        I, K, J, gleft, l * I * K, K);
      rowsTimesRows(transposed(left.value, l * I * K, K, I, K), transposed(own, 0, J, I, J),
        K, J, I, gright, r * K * J, J);
    }
    return { sources: [gleft, gright] };
  },

  resize(layer, gy, source) {
    const [C, OH, OW] = layer.shape;
    const [, H, W] = source.shape;
    const { rows, columns } = layer.parameters;
    const rights = Array.from({ length: OW }, (_, j) => taps(columns, j));
    const gx = zeros(source);
    for (let i = 0; i < OH; i++) {
      const downs = taps(rows, i);
      for (let c = 0; c < C; c++) {
        const line = new Float64Array(W);
        for (let j = 0; j < OW; j++) {
          for (const [n, b] of rights[j]) line[n] += b * gy[(c * OH + i) * OW + j];
        }
        for (const [m, a] of downs) {
          for (let n = 0; n < W; n++) gx[(c * H + m) * W + n] += a * line[n];
        }
      }
    }
    return { sources: [gx] };
  },
};

function zeros(layer) {
  return new Float64Array(sizeOf(layer.shape));
}

function sumOfMaps(gy, { shape: [C, H, W] }) {
  return Float64Array.from({ length: C }, (_, c) =>
    gy.subarray(c * H * W, (c + 1) * H * W).reduce((a, b) => a + b, 0));
}

function backwardOf(layers, layer, gy) {
  const sources = layer.sources.map((each) => layers[each]);
  if (layer.places) return { sources: movedBack(layer, gy, sources), parameters: {} };
  if (layer.kind in CURVES) return curveBack(layer, gy, sources[0]);
  if (layer.kind in BINARY) return { sources: binaryBack(layer, gy, sources), parameters: {} };
  return { parameters: {}, ...BACKWARD[layer.kind](layer, gy, ...sources) };
}

function movedBack(layer, gy, sources) {
  const all = new Float64Array(sources.reduce((sum, each) => sum + each.value.length, 0));
  layer.places.forEach((place, n) => { if (place >= 0) all[place] += gy[n]; });
  let start = 0;
  return sources.map(({ value: { length } }) => {
    start += length;
    return all.slice(start - length, start);
  });
}

function curveBack(layer, gy, source) {
  const [, , slope] = CURVES[layer.kind];
  const area = layer.shape[1] * layer.shape[2];
  const parameters = {};
  const own = layer.parameters.slope;
  if (own) {
    parameters.slope = new Float64Array(own.data.length);
    source.value.forEach((x, n) => {
      const c = own.data.length > 1 ? Math.floor(n / area) : 0;
      if (x <= 0) parameters.slope[c] += gy[n] * x;
    });
  }
  return { parameters, sources: [gy.map((value, n) => value
    * slope(source.value[n], curveOptions(layer, Math.floor(n / area))))] };
}

function binaryBack(layer, gy, sources) {
  const slopes = BINARY[layer.kind].slice(2);
  if ("number" in layer.options) {
    const { place } = layer.options;
    const number = numberOperand(layer);
    const slope = slopes[1 - place];
    return [gy.map((value, n) => {
      const x = sources[0].value[n];
      return value * (place ? slope(x, number) : slope(number, x));
    })];
  }
  const places = sources.map((each) => spread(each.shape, layer.shape));
  const [a, b] = sources.map((each) => each.value);
  return sources.map((each, operand) => {
    const gx = zeros(each);
    gy.forEach((value, n) => {
      gx[places[operand][n]] += value * slopes[operand](a[places[0][n]], b[places[1][n]]);
    });
    return gx;
  });
}
