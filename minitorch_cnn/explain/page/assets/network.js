// Unpacks what Python stored: see packing.py, which made it.

async function loadNetwork() {
  const manifest = JSON.parse(document.getElementById("manifest").textContent);
  const packed = document.getElementById("numbers").textContent.trim();
  const numbers = await unpackNumbers(packed, manifest.count);
  const take = ({ at: start, shape }) => ({
    shape,
    data: numbers.subarray(start, start + shape.reduce((a, b) => a * b, 1)),
  });
  const layers = manifest.layers.map((entry) => ({
    ...entry,
    parameters: Object.fromEntries(
      Object.entries(entry.parameters).map(([name, place]) => [name, take(place)])),
    value: entry.value ? take(entry.value).data : null,
    gradient: entry.gradient ? take(entry.gradient).data : null,
  }));
  const network = { ...manifest, layers };
  layers.forEach((layer) => { layer.value ??= valueByRule(network, layer); });
  for (let number = layers.length - 1; number >= 0; number--) {
    if (layers[number].has_gradient) layers[number].gradient ??= gradientByRule(network, number);
  }
  return network;
}

// base64 -> deflate -> bytes of equal rank together -> float32.
async function unpackNumbers(text, count) {
  const binary = atob(text);
  const compressed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const bytes = new Uint8Array(4 * count);
  for (let rank = 0; rank < 4; rank++) {
    for (let n = 0; n < count; n++) bytes[4 * n + rank] = planes[rank * count + n];
  }
  return new Float32Array(bytes.buffer);
}

// The same rules, in float32, as value_by_rule and gradient_by_rule in packing.py.

function valueByRule(network, layer) {
  const [first, second] = layer.sources.map((each) => network.layers[each].value);
  const [, H, W] = layer.shape;
  const rules = {
    relu: (n) => Math.max(0, first[n]),
    add: (n) => first[n] + second[n],
    affine: (n) => {
      const c = Math.floor(n / (H * W));
      const scaled = first[n] * layer.parameters.scale.data[c];
      return (layer.fused ? scaled : Math.fround(scaled)) + layer.parameters.shift.data[c];
    },
    flatten: (n) => first[n],
    identity: (n) => first[n],
  };
  return Float32Array.from({ length: layer.kept * H * W }, (_, n) => rules[layer.kind](n));
}

function gradientByRule(network, number) {
  const layer = network.layers[number];
  const reader = network.layers.find((each) => each.sources.includes(number));
  const [, H, W] = layer.shape;
  const rules = {
    relu: (n) => (reader.value[n] > 0 ? reader.gradient[n] : 0),
    affine: (n) => reader.gradient[n] * reader.parameters.scale.data[Math.floor(n / (H * W))],
    add: (n) => reader.gradient[n],
    flatten: (n) => reader.gradient[n],
    identity: (n) => reader.gradient[n],
  };
  return Float32Array.from({ length: layer.kept * H * W }, (_, n) => rules[reader.kind](n));
}
