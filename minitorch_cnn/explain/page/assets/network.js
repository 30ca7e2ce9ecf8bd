// Unpacks what Python stored: see packing.py, which made it.

async function loadNetwork() {
  const manifest = JSON.parse(document.getElementById("manifest").textContent);
  const numbers = await unpack("numbers", manifest.count, Float32Array);
  const places = await unpack("places", manifest.places_count, Int32Array);
  const length = (shape) => shape.reduce((a, b) => a * b, 1);
  const take = ({ at: start, shape }) => ({
    shape, data: numbers.subarray(start, start + length(shape)),
  });
  const layers = manifest.layers.map((entry) => ({
    ...entry,
    ...parametersOf(entry, take),
    ...placesOf(entry, places),
    value: entry.value ? inItsBox(entry, take(entry.value).data) : null,
    gradient: entry.gradient ? inItsBox(entry, take(entry.gradient).data) : null,
  }));
  const formulas = manifest.formulas.map((entry) => ({
    ...entry,
    ...parametersOf(entry, take),
    allPlaces: entry.places ? summed(places, entry.places) : null,
    value: entry.value ? take(entry.value).data : null,
  }));
  const network = { ...manifest, layers, formulas };
  layers.forEach((layer) => { layer.value ??= valueByRule(network, layer); });
  for (let number = layers.length - 1; number >= 0; number--) {
    if (layers[number].has_gradient) layers[number].gradient ??= gradientByRule(network, number);
  }
  return network;
}

// base64 -> deflate -> bytes of equal rank together -> numbers of four bytes.
async function unpack(id, count, Numbers) {
  const binary = atob(document.getElementById(id).textContent.trim());
  const compressed = new Uint8Array(binary.length);
  for (let n = 0; n < binary.length; n++) compressed[n] = binary.charCodeAt(n);
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const bytes = new Uint8Array(4 * count);
  for (let rank = 0; rank < 4; rank++) {
    for (let n = 0; n < count; n++) bytes[4 * n + rank] = planes[rank * count + n];
  }
  return new Numbers(bytes.buffer);
}

// All of each parameter, and the part that belongs to the maps that the page holds.
function parametersOf({ parameters }, take) {
  const whole = Object.entries(parameters).map(([name, place]) => [name, take(place)]);
  return { whole: Object.fromEntries(whole), parameters: Object.fromEntries(
    whole.map(([name, each]) => [name, firstPart(each, parameters[name].cut)])) };
}

// The beginning of each of an array's first two axes; without a shape all of it.
function firstPart(whole, shape) {
  if (!shape || String(shape) === String(whole.shape)) return whole;
  const row = whole.shape.slice(1).reduce((a, b) => a * b, 1);
  const kept = shape.slice(1).reduce((a, b) => a * b, 1);
  const data = new Float32Array(shape[0] * kept);
  for (let n = 0; n < shape[0]; n++) {
    data.set(whole.data.subarray(n * row, n * row + kept), n * kept);
  }
  return { shape, data };
}

function placesOf(entry, places) {
  if (!entry.places) return { places: null, allPlaces: null };
  const all = summed(places, entry.places);
  const [, H, W] = entry.shape;
  return { allPlaces: all, places: all.subarray(0, entry.kept * H * W) };
}

// Places are stored as differences to the one before.
function summed(differences, { at: start, shape: [count] }) {
  const places = new Int32Array(count);
  let place = 0;
  for (let n = 0; n < count; n++) {
    place += differences[start + n];
    places[n] = place;
  }
  return places;
}

// Maps of which only the middle is stored: NaN around it.
function inItsBox({ box, kept, shape: [, H, W] }, stored) {
  if (!box) return stored;
  const [top, left, height, width] = box;
  const whole = new Float32Array(kept * H * W).fill(NaN);
  for (let map = 0; map < kept; map++) {
    for (let i = 0; i < height; i++) {
      const row = stored.subarray((map * height + i) * width, (map * height + i + 1) * width);
      whole.set(row, (map * H + top + i) * W + left);
    }
  }
  return whole;
}

// The same rules, in float32, as value_by_rule and gradient_by_rule in packing.py.

function valueByRule(network, layer) {
  const sources = layer.sources.map((each) => network.layers[each]);
  const [, H, W] = layer.shape;
  const count = layer.kept * H * W;
  if (layer.places) {
    return Float32Array.from({ length: count }, (_, n) => (layer.places[n] < 0 ? fillOf(layer)
      : known(...withSource(network, placeOf(network, layer, layer.places[n])))));
  }
  const first = sources[0].value;
  if (layer.kind in BINARY) {
    const [, f] = BINARY[layer.kind];
    if ("number" in layer.options) {
      const number = Math.fround(layer.options.number);
      return Float32Array.from({ length: count }, (_, n) =>
        (layer.options.place ? f(first[n], number) : f(number, first[n])));
    }
    return Float32Array.from({ length: count }, (_, n) => {
      const place = [Math.floor(n / (H * W)), Math.floor(n / W) % H, n % W];
      return f(...sources.map((each) => known(each, ...place)));
    });
  }
  const rules = {
    relu: (n) => Math.max(0, first[n]),
    affine: (n) => {
      const scaled = first[n] * layer.parameters.scale.data[Math.floor(n / (H * W))];
      const shift = layer.parameters.shift.data[Math.floor(n / (H * W))];
      return (layer.fused ? scaled : Math.fround(scaled)) + shift;
    },
    identity: (n) => first[n],
  };
  return Float32Array.from({ length: count }, (_, n) => rules[layer.kind](n));
}

function withSource(network, [number, ...place]) {
  return [network.layers[number], ...place];
}

function gradientByRule(network, number) {
  const layer = network.layers[number];
  const reader = network.layers.find((each) => each.sources.includes(number));
  const [, H, W] = layer.shape;
  const count = layer.kept * H * W;
  if (reader.places) {
    const gradient = new Float32Array(count);
    reader.places.forEach((place, n) => {
      if (place >= 0 && place < count) gradient[place] = reader.gradient[n];
    });
    return gradient;
  }
  const rules = {
    relu: (n) => (reader.value[n] > 0 ? reader.gradient[n] : 0 * reader.value[n]),
    affine: (n) => reader.gradient[n] * reader.parameters.scale.data[Math.floor(n / (H * W))],
    times: (n) => reader.gradient[n] * Math.fround(reader.options.number),
  };
  const rule = rules[reader.kind] ?? ((n) => reader.gradient[n]);
  return Float32Array.from({ length: count }, (_, n) => rule(n));
}
