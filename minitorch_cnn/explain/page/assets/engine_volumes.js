// Whole layers of volumes, see volumes.js. For each slice of its output a convolution of volumes is one
// of a picture, whose maps are the slices under the kernel; its weight already lies like that.

// What the products of one slice have in common. x: the larger side, that of the convolution's input,
// y: that of its output. A transposed convolution goes from y to x.
function volumeParts(layer, source) {
  const { depth, groups } = layer.options;
  const turned = layer.kind === "transposed3d";
  const [x, y] = turned ? [layer, source] : [source, layer];
  const slices = turned ? depth.output : depth.input;
  const { data, shape: [K, C, KD, KH, KW] } = layer.parameters.weight;
  const maps = C * groups * KD;
  const under = { ...depth, input: slices };
  return {
    count: turned ? depth.input : depth.output,
    shape: [maps, ...x.shape.slice(1)],
    outShape: [K, ...y.shape.slice(1)],
    kernel: [K, C * KD, KH, KW],
    data,
    // The maps of x under slice t of y, -1 where there is none; and the maps of slice t itself.
    under(t) {
      const places = new Int32Array(maps).fill(-1);
      for (const [r, z] of slicesUnder({ depth: under }, t)) {
        for (let c = 0; c < C * groups; c++) places[c * KD + r] = c * slices + z;
      }
      return places;
    },
    own(t) {
      return Int32Array.from({ length: K }, (_, k) => k * this.count + t);
    },
  };
}

function takeMaps(numbers, area, maps) {
  const taken = new Float64Array(maps.length * area);
  maps.forEach((map, n) => {
    if (map >= 0) taken.set(numbers.subarray(map * area, (map + 1) * area), n * area);
  });
  return taken;
}

function addMaps(numbers, area, maps, added) {
  maps.forEach((map, n) => {
    if (map < 0) return;
    for (let at = 0; at < area; at++) numbers[map * area + at] += added[n * area + at];
  });
}

const areaOf = ({ shape: [, H, W] }) => H * W;

// From x to y, and from y to x: what one goes forward the other goes backward.
function volumeDown(layer, parts, x, y, xArea, yArea) {
  const { shape, outShape, kernel, data } = parts;
  for (let t = 0; t < parts.count; t++) {
    addMaps(y, yArea, parts.own(t), convolutionOf(takeMaps(x, xArea, parts.under(t)), shape, data,
      kernel, layer.options, outShape, new Float64Array(sizeOf(outShape))));
  }
  return y;
}

function volumeUp(layer, parts, y, x, yArea, xArea) {
  const { shape, outShape, kernel, data } = parts;
  for (let t = 0; t < parts.count; t++) {
    addMaps(x, xArea, parts.under(t), inputGradientOf(takeMaps(y, yArea, parts.own(t)), shape, data,
      kernel, layer.options, outShape, new Float64Array(sizeOf(shape))));
  }
  return x;
}

function volumeWeightGradient(layer, parts, x, y, xArea, yArea) {
  const { shape, outShape, kernel, data } = parts;
  const gradient = new Float64Array(data.length);
  for (let t = 0; t < parts.count; t++) {
    weightGradientOf(takeMaps(x, xArea, parts.under(t)), shape, takeMaps(y, yArea, parts.own(t)),
      kernel, layer.options, outShape, gradient);
  }
  return gradient;
}

// A bias for each channel, or for each map.
function volumeBias(layer) {
  const { bias } = layer.parameters;
  const [maps] = layer.shape;
  return bias && Float64Array.from({ length: maps }, (_, map) =>
    bias.data[Math.floor((map * bias.data.length) / maps)]);
}

function volumeBiasGradient(gy, layer) {
  const { data: { length } } = layer.parameters.bias;
  const gradient = new Float64Array(length);
  sumOfMaps(gy, layer).forEach((sum, map, { length: maps }) => {
    gradient[Math.floor((map * length) / maps)] += sum;
  });
  return gradient;
}

function volumeForward(layer, source, product) {
  const y = new Float64Array(sizeOf(layer.shape));
  const bias = volumeBias(layer);
  if (bias) fillMaps(y, bias, layer);
  return product(layer, volumeParts(layer, source), source.value, y, areaOf(source), areaOf(layer));
}

function volumeBackward(layer, gy, source, product, weight) {
  const gx = product(layer, volumeParts(layer, source), gy, zeros(source), areaOf(layer),
    areaOf(source));
  return { sources: [gx], parameters: {
    weight, ...(layer.parameters.bias && { bias: volumeBiasGradient(gy, layer) }),
  } };
}

Object.assign(FORWARD, {
  conv3d: (layer, source) => volumeForward(layer, source, volumeDown),
  transposed3d: (layer, source) => volumeForward(layer, source, volumeUp),
  maxpool3d: FORWARD.maxpool,
  avgpool3d: FORWARD.avgpool,
});

Object.assign(BACKWARD, {
  conv3d: (layer, gy, source) => volumeBackward(layer, gy, source, volumeUp,
    volumeWeightGradient(layer, volumeParts(layer, source), source.value, gy, areaOf(source),
      areaOf(layer))),
  transposed3d: (layer, gy, source) => volumeBackward(layer, gy, source, volumeDown,
    volumeWeightGradient(layer, volumeParts(layer, source), gy, source.value, areaOf(layer),
      areaOf(source))),
  maxpool3d: BACKWARD.maxpool,
  avgpool3d: BACKWARD.avgpool,
});
