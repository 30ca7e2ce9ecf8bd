// Whole layers at once, fast enough to be run again at every edit; in the page and in its worker.
// The rules of one number, which these are tested against, are in arithmetic.js and kinds.js. Sums
// are made in 64 bits and stored in 32.

const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

// ------------------------------------------------------------------------- the matrix product

// out[start + m·stride + n] += Σ_k a[m,k] · b[n,k], rows times rows. Four rows of a and two of b at
// a time: six numbers are fetched for eight products.
function rowsTimesRows(a, b, M, N, K, out, start, stride) {
  const M4 = M - (M % 4);
  const N2 = N - (N % 2);
  for (let m = 0; m < M4; m += 4) {
    const a0 = m * K;
    const a1 = a0 + K;
    const a2 = a1 + K;
    const a3 = a2 + K;
    for (let n = 0; n < N2; n += 2) {
      const b0 = n * K;
      const b1 = b0 + K;
      let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
      for (let k = 0; k < K; k++) {
        const x = b[b0 + k];
        const y = b[b1 + k];
        const p = a[a0 + k];
        const q = a[a1 + k];
        const r = a[a2 + k];
        const s = a[a3 + k];
        s00 += p * x;
        s01 += p * y;
        s10 += q * x;
        s11 += q * y;
        s20 += r * x;
        s21 += r * y;
        s30 += s * x;
        s31 += s * y;
      }
      const o = start + m * stride + n;
      out[o] += s00;
      out[o + 1] += s01;
      out[o + stride] += s10;
      out[o + stride + 1] += s11;
      out[o + 2 * stride] += s20;
      out[o + 2 * stride + 1] += s21;
      out[o + 3 * stride] += s30;
      out[o + 3 * stride + 1] += s31;
    }
  }
  const rest = (m, first) => {
    for (let n = first; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += a[m * K + k] * b[n * K + k];
      out[start + m * stride + n] += sum;
    }
  };
  for (let m = 0; m < M4; m++) if (N2 < N) rest(m, N2);
  for (let m = M4; m < M; m++) rest(m, 0);
}

// (rows, columns) of a matrix that begins at `first`, each `stride` numbers long, as (columns, rows).
function transposed(matrix, first, stride, rows, columns) {
  const turned = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = matrix[first + row * stride + column];
    }
  }
  return turned;
}

// --------------------------------------------------------- the three products of a convolution

const BLOCK = 128; // windows that are written out at a time

// Of each output row and kernel row the row of the image, or -1 for a zero; of columns the same.
function windowTables([, H, W], [, , KH, KW], options, [, OH, OW]) {
  const [top, , left] = options.padding;
  const table = (outputs, cells, axis, before, length) => Int32Array.from(
    { length: outputs * cells }, (_, n) => imageIndex(Math.floor(n / cells) * options.stride[axis]
      + (n % cells) * options.dilation[axis] - before, length, options.mode ?? "zeros"));
  return [table(OH, KH, 0, top, H), table(OW, KW, 1, left, W)];
}

// Windows first..first + count - 1 of a group's channels, one in each row, and (back) the numbers of
// such rows added to their places: im2col and col2im.
function writeWindows(x, windows, { shape: [, H, W], kernel: [, C, KH, KW], tables, OW, channel, first,
  count }) {
  const [rows, columns] = tables;
  let r = 0;
  for (let n = first; n < first + count; n++) {
    const i = Math.floor(n / OW) * KH;
    const j = (n % OW) * KW;
    for (let c = channel; c < channel + C; c++) {
      for (let u = 0; u < KH; u++) {
        const row = rows[i + u];
        const start = (c * H + row) * W;
        for (let v = 0; v < KW; v++, r++) {
          const column = columns[j + v];
          windows[r] = row < 0 || column < 0 ? 0 : x[start + column];
        }
      }
    }
  }
}

function addWindows(gx, windows, { shape: [, H, W], kernel: [, C, KH, KW], tables, OW, channel, first,
  count }) {
  const [rows, columns] = tables;
  let r = 0;
  for (let n = first; n < first + count; n++) {
    const i = Math.floor(n / OW) * KH;
    const j = (n % OW) * KW;
    for (let c = channel; c < channel + C; c++) {
      for (let u = 0; u < KH; u++) {
        const row = rows[i + u];
        const start = (c * H + row) * W;
        for (let v = 0; v < KW; v++, r++) {
          const column = columns[j + v];
          if (row >= 0 && column >= 0) gx[start + column] += windows[r];
        }
      }
    }
  }
}

// What the three have in common: calls visit for each group of channels and block of windows.
function eachBlock(shape, kernel, options, outShape, visit) {
  const [K, C] = kernel;
  const tables = windowTables(shape, kernel, options, outShape);
  const [, OH, OW] = outShape;
  const perGroup = K / options.groups;
  for (let group = 0; group < options.groups; group++) {
    for (let first = 0; first < OH * OW; first += BLOCK) {
      visit({ shape, kernel, tables, OW, channel: group * C, first, k: group * perGroup, perGroup,
        count: Math.min(BLOCK, OH * OW - first), R: sizeOf(kernel.slice(1)), N: OH * OW });
    }
  }
}

// y[k,n] += Σ_r w[k,r] · window[n,r]; y (K, OH, OW) of 64 bits.
function convolutionOf(x, shape, weight, kernel, options, outShape, y) {
  const w = new Float64Array(weight);
  eachBlock(shape, kernel, options, outShape, (block) => {
    const { k, perGroup, first, count, R, N } = block;
    const windows = new Float64Array(count * R);
    writeWindows(x, windows, block);
    rowsTimesRows(w.subarray(k * R, (k + perGroup) * R), windows, perGroup, count, R,
      y, k * N + first, N);
  });
  return y;
}

// gx at each place of a window += Σ_k gy[k,n] · w[k,r].
function inputGradientOf(gy, shape, weight, kernel, options, outShape, gx) {
  eachBlock(shape, kernel, options, outShape, (block) => {
    const { k, perGroup, first, count, R, N } = block;
    const windows = new Float64Array(count * R);
    rowsTimesRows(transposed(gy, k * N + first, N, perGroup, count),
      transposed(weight, k * R, R, perGroup, R), count, R, perGroup, windows, 0, R);
    addWindows(gx, windows, block);
  });
  return gx;
}

// gw[k,r] += Σ_n gy[k,n] · window[n,r].
function weightGradientOf(x, shape, gy, kernel, options, outShape, gw) {
  eachBlock(shape, kernel, options, outShape, (block) => {
    const { k, perGroup, first, count, R, N } = block;
    const windows = new Float64Array(count * R);
    writeWindows(x, windows, block);
    const own = new Float64Array(perGroup * count);
    for (let m = 0; m < perGroup; m++) {
      for (let n = 0; n < count; n++) own[m * count + n] = gy[(k + m) * N + first + n];
    }
    rowsTimesRows(own, transposed(windows, 0, R, count, R), perGroup, R, count, gw, k * R, R);
  });
  return gw;
}

// ---------------------------------------------------------------------------- places and axes

// For each number of a layer the place of the one it reads, in a source that is repeated along its
// axes of length 1.
function spread(shape, target) {
  const [C, H, W] = shape;
  const places = new Int32Array(sizeOf(target));
  let n = 0;
  for (let c = 0; c < target[0]; c++) {
    for (let i = 0; i < target[1]; i++) {
      for (let j = 0; j < target[2]; j++, n++) {
        places[n] = (Math.min(c, C - 1) * H + Math.min(i, H - 1)) * W + Math.min(j, W - 1);
      }
    }
  }
  return places;
}

// Which of the numbers that are looked at together each number of a source belongs to.
function together(layer, source) {
  if (layer.together) return layer.together;
  const { axes, groups } = layer.options;
  const [C] = source.shape;
  const kept = source.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const labels = groups ? spread([groups, 1, 1], [groups, 1, sizeOf(source.shape) / groups])
    : spread(kept, source.shape);
  const count = groups || sizeOf(kept);
  layer.together = { labels, count, each: sizeOf(source.shape) / count, channels: C };
  return layer.together;
}

function sumTogether({ labels, count }, numberAt) {
  const sums = new Float64Array(count);
  for (let n = 0; n < labels.length; n++) sums[labels[n]] += numberAt(n);
  return sums;
}

// The cells of all pooling windows, those of window n from starts[n] to starts[n + 1]; of a volume in
// all slices of a channel.
function poolTables(layer, source) {
  if (layer.poolTables) return layer.poolTables;
  const [, OH, OW] = layer.shape;
  const [, H, W] = source.shape;
  const { depth } = layer.options;
  const starts = [0];
  const places = [];
  const areas = [];
  for (let t = 0; t < (depth?.output ?? 1); t++) {
    for (let i = 0; i < OH; i++) {
      for (let j = 0; j < OW; j++) {
        const parts = depth ? volumeCells(layer, source, t, i, j)
          : [{ map: 0, cells: poolCells(layer, source, i, j) }];
        for (const { map, cells } of parts) {
          for (const cell of cells) places.push((map * H + cell.row) * W + cell.column);
        }
        starts.push(places.length);
        if (layer.kind.startsWith("maxpool")) areas.push(1);
        else areas.push(depth ? volumeArea(layer, t, i, j) : poolArea(layer, parts[0].cells, i, j));
      }
    }
  }
  layer.poolTables = { starts, places: Int32Array.from(places), areas };
  return layer.poolTables;
}

// The place of the first of the largest numbers of window n in the map that begins at `map`.
function winner({ starts, places }, x, map, n) {
  let best = map + places[starts[n]];
  for (let at = starts[n] + 1; at < starts[n + 1]; at++) {
    if (x[map + places[at]] > x[best]) best = map + places[at];
  }
  return best;
}

function numberOperand(layer) {
  return Math.fround(layer.options.number);
}

function momentsTogether(layer, source) {
  const parts = together(layer, source);
  const x = source.value;
  const mean = sumTogether(parts, (n) => x[n]).map((sum) => sum / parts.each);
  const squares = sumTogether(parts, (n) => (x[n] - mean[parts.labels[n]]) ** 2);
  const invstd = squares.map((sum) => 1 / Math.sqrt(sum / parts.each + layer.options.eps));
  return { ...parts, mean, invstd };
}

// A normalisation's weight or bias at each number.
function operandsOf(layer, name, otherwise) {
  const parameter = layer.parameters[name];
  if (!parameter) return () => otherwise;
  const places = spread(parameter.shape, layer.shape);
  return (n) => parameter.data[places[n]];
}

// ---------------------------------------------------------------------------------- the layers

// Where the sources' numbers are, one source after the other.
function joined(sources) {
  if (sources.length === 1) return sources[0].value;
  const all = new Float32Array(sources.reduce((sum, each) => sum + each.value.length, 0));
  let start = 0;
  for (const { value } of sources) {
    all.set(value, start);
    start += value.length;
  }
  return all;
}

const FORWARD = {
  conv(layer, source) {
    const { weight, bias } = layer.parameters;
    const y = new Float64Array(sizeOf(layer.shape));
    if (bias) fillMaps(y, bias.data, layer);
    return convolutionOf(source.value, source.shape, weight.data, weight.shape, layer.options,
      layer.shape, y);
  },

  // The input gradient of the convolution with this weight.
  transposed(layer, source) {
    const { weight, bias } = layer.parameters;
    const y = new Float64Array(sizeOf(layer.shape));
    if (bias) fillMaps(y, bias.data, layer);
    return inputGradientOf(source.value, layer.shape, weight.data, weight.shape, layer.options,
      source.shape, y);
  },

  linear(layer, source) {
    const { weight: { data, shape: [K, F] }, bias } = layer.parameters;
    const y = new Float64Array(K);
    if (bias) y.set(bias.data);
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let f = 0; f < F; f++) sum += data[k * F + f] * source.value[f];
      y[k] += sum;
    }
    return y;
  },

  affine(layer, source) {
    const area = layer.shape[1] * layer.shape[2];
    const [scale, shift] = [layer.parameters.scale.data, layer.parameters.shift.data];
    return source.value.map((x, n) => {
      const c = Math.floor(n / area);
      return Math.fround(x * scale[c]) + shift[c];
    });
  },

  relu: (layer, source) => source.value.map((x) => Math.max(0, x)),
  identity: (layer, source) => source.value.slice(),

  maxpool(layer, source) {
    const tables = poolTables(layer, source);
    return eachPool(layer, source, (map, n) => source.value[winner(tables, source.value, map, n)]);
  },
  avgpool(layer, source) {
    const { starts, places, areas } = poolTables(layer, source);
    return eachPool(layer, source, (map, n) => {
      let sum = 0;
      for (let at = starts[n]; at < starts[n + 1]; at++) sum += source.value[map + places[at]];
      return sum / areas[n];
    });
  },
  adaptive: (layer, source) => FORWARD.avgpool(layer, source),

  norm(layer, source) {
    const { labels, mean, invstd } = momentsTogether(layer, source);
    const [weight, bias] = [operandsOf(layer, "weight", 1), operandsOf(layer, "bias", 0)];
    return source.value.map((x, n) =>
      (x - mean[labels[n]]) * invstd[labels[n]] * weight(n) + bias(n));
  },

  softmax(layer, source) {
    const parts = together(layer, source);
    const { labels } = parts;
    const x = source.value;
    const largest = new Float64Array(parts.count).fill(-Infinity);
    x.forEach((value, n) => { if (value > largest[labels[n]]) largest[labels[n]] = value; });
    const total = sumTogether(parts, (n) => Math.exp(x[n] - largest[labels[n]]));
    return layer.kind === "softmax"
      ? x.map((value, n) => Math.exp(value - largest[labels[n]]) / total[labels[n]])
      : x.map((value, n) => value - largest[labels[n]] - Math.log(total[labels[n]]));
  },
  logsoftmax: (layer, source) => FORWARD.softmax(layer, source),

  sum: (layer, source) => sumTogether(together(layer, source), (n) => source.value[n]),
  mean(layer, source) {
    const parts = together(layer, source);
    return sumTogether(parts, (n) => source.value[n] / parts.each);
  },
  largest(layer, source) {
    const { labels, count } = together(layer, source);
    const sign = layer.kind === "largest" ? 1 : -1;
    const best = new Float64Array(count).fill(-Infinity);
    source.value.forEach((x, n) => { best[labels[n]] = Math.max(best[labels[n]], sign * x); });
    return best.map((x) => sign * x);
  },
  smallest: (layer, source) => FORWARD.largest(layer, source),

  matmul(layer, left, right) {
    const [B, I, J] = layer.shape;
    const K = left.shape[2];
    const y = new Float64Array(B * I * J);
    for (let b = 0; b < B; b++) {
      const [l, r] = [left, right].map((each) => (each.shape[0] > 1 ? b : 0));
      const turned = transposed(right.value, r * K * J, J, K, J);
      rowsTimesRows(new Float64Array(left.value.subarray(l * I * K, (l + 1) * I * K)), turned,
        I, J, K, y, b * I * J, J);
    }
    return y;
  },

  resize(layer, source) {
    const [C, OH, OW] = layer.shape;
    const [, H, W] = source.shape;
    const { rows, columns } = layer.parameters;
    const downs = Array.from({ length: OH }, (_, i) => taps(rows, i));
    const rights = Array.from({ length: OW }, (_, j) => taps(columns, j));
    const y = new Float64Array(C * OH * OW);
    for (let c = 0; c < C; c++) {
      for (let i = 0; i < OH; i++) {
        const line = new Float64Array(W);
        for (const [m, a] of downs[i]) {
          for (let n = 0; n < W; n++) line[n] += a * source.value[(c * H + m) * W + n];
        }
        for (let j = 0; j < OW; j++) {
          for (const [n, b] of rights[j]) y[(c * OH + i) * OW + j] += b * line[n];
        }
      }
    }
    return y;
  },
};

function fillMaps(y, bias, { shape: [C, H, W] }) {
  for (let c = 0; c < C; c++) y.fill(bias[c], c * H * W, (c + 1) * H * W);
}

// Calls numberOf(where the map that it reads begins, number of the window, place of the result) for
// all windows; the slices of a volume's channel are one map.
function eachPool(layer, source, numberOf) {
  const { output = 1, input = 1 } = layer.options.depth ?? {};
  const y = new Float64Array(sizeOf(layer.shape));
  const count = (output * y.length) / layer.shape[0];
  const area = (input * sizeOf(source.shape)) / source.shape[0];
  for (let first = 0, map = 0; first < y.length; first += count, map += area) {
    for (let n = 0; n < count; n++) y[first + n] = numberOf(map, n, first + n);
  }
  return y;
}

// Whether there is a rule for the layer.
function canRun(layer) {
  return Boolean(layer.places) || layer.kind in CURVES || layer.kind in BINARY
    || layer.kind in FORWARD || ["input", "parameter"].includes(layer.kind);
}

// A layer's numbers from those of its sources.
function forwardOf(layers, layer) {
  const sources = layer.sources.map((each) => layers[each]);
  return new Float32Array(forwardNumbers(layer, sources));
}

function forwardNumbers(layer, sources) {
  const [source] = sources;
  if (layer.places) {
    const all = joined(sources);
    const fill = fillOf(layer);
    const y = new Float32Array(layer.places.length);
    layer.places.forEach((place, n) => { y[n] = place < 0 ? fill : all[place]; });
    return y;
  }
  if (layer.kind in CURVES) {
    const [, f] = CURVES[layer.kind];
    const area = layer.shape[1] * layer.shape[2];
    return source.value.map((x, n) => f(x, curveOptions(layer, Math.floor(n / area))));
  }
  if (layer.kind in BINARY) {
    const [, f] = BINARY[layer.kind];
    if ("number" in layer.options) {
      const number = numberOperand(layer);
      return source.value.map(layer.options.place ? (x) => f(x, number) : (x) => f(number, x));
    }
    const [a, b] = sources.map((each) => each.value);
    if (a.length === b.length && a.length === sizeOf(layer.shape)) return a.map((x, n) => f(x, b[n]));
    const [left, right] = sources.map((each) => spread(each.shape, layer.shape));
    const y = new Float32Array(left.length);
    left.forEach((place, n) => { y[n] = f(a[place], b[right[n]]); });
    return y;
  }
  return FORWARD[layer.kind](layer, ...sources);
}
