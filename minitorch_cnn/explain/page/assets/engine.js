// The network runs: all that follows from an edit, the gradients of every number and every weight,
// steps of SGD. It lives in a worker, so that the page stays awake; nothing here touches the page.

const NEWS = 100; // milliseconds after which it says how far it is

// What a worker is told of the network: numbers that it computes itself stay behind. Formulas, which
// compute weights from parameters, are numbered after the layers.
function networkForEngine({ layers, formulas }) {
  const told = ({ kind, sources, shape, options, whole, names, computed, allPlaces }) => ({
    kind, sources, shape, options, names, computed, places: allPlaces,
    parameters: Object.fromEntries(
      Object.entries(whole).filter(([name]) => name !== "weight_gradient")),
  });
  return [
    ...layers.map((layer) => ({ ...told(layer), kept: layer.kept,
      value: layer.kept === layer.shape[0] && !layer.box ? layer.value : null })),
    ...formulas.map((formula) => ({ ...told(formula), formula: true, value: formula.value })),
  ];
}

// The numbers of what a layer reads: other layers, and formulas of its parameters.
function readBy({ sources, computed }) {
  return [...sources, ...Object.values(computed)];
}

class Engine {
  constructor(layers, tell = () => {}) {
    this.layers = layers;
    this.shown = layers.filter((layer) => !layer.formula); // the layers of the page
    this.end = this.shown[this.shown.length - 1];
    const count = this.shown.length;
    this.order = [...layers.keys()].map((n) => (n + count) % layers.length); // formulas first
    const news = new News(tell);
    this.order.forEach((number, n) => { // what a large page does not hold
      const layer = layers[number];
      layer.value ??= layer.sources.length ? forwardOf(layers, layer)
        : layers[layer.computed.value].value;
      news.at((n + 1) / layers.length);
    });
    this.formulas = new Formulas(this);
    this.told = new Map(); // "layer name": the array that the page has, if not as it came
    this.original = layers.map((layer) => layer.value);
    this.given = layers.map((layer) => layer.value); // of a picture and of parameters: to change
    this.edited = new Set(); // "layer name" of every array that is no longer as it came
    this.off = new Map(); // layer: its maps that are switched off
    // Which arrays are one parameter of the network: a module that is called twice has one weight.
    this.learned = new Map();
    layers.forEach((layer, number) => {
      for (const [name, parameter] of Object.entries(layer.names)) {
        if (!this.learned.has(parameter)) this.learned.set(parameter, []);
        this.learned.get(parameter).push({ layer: number, name });
      }
    });
  }

  // numbers: [{layer, name, data, edited}] arrays that take the place of others; the name "value" is
  // a picture's or a parameter's own. off: [[layer, maps]], all maps that are off, or null.
  // Returns the numbers of the layers that were computed again.
  change({ numbers = [], off = null }, tell = () => {}) {
    const dirty = new Set();
    for (const { layer, name, data, edited } of numbers) {
      if (name in this.layers[layer].computed) {
        this.formulas.change({ layer, name }, data, edited, dirty);
      } else {
        this.edit({ layer, name }, data, edited, dirty);
      }
    }
    if (off) {
      for (const layer of this.off.keys()) dirty.add(layer);
      this.off = new Map(off.filter(([, maps]) => maps.length));
      for (const layer of this.off.keys()) dirty.add(layer);
    }
    return this.run(dirty, tell);
  }

  // A parameter is edited, wherever it is, or as it came.
  edit(place, data, edited, dirty) {
    for (const { layer, name } of this.placesOf(place)) {
      this.put(layer, name, edited ? data : this.formulas.cameAs({ layer, name }));
      this.mark(layer, name, edited);
      dirty.add(layer);
    }
  }

  mark(layer, name, edited) {
    if (edited) this.edited.add(`${layer} ${name}`);
    else this.edited.delete(`${layer} ${name}`);
  }

  placesOf(place) {
    const parameter = this.layers[place.layer].names[place.name];
    return parameter ? this.learned.get(parameter) : [place];
  }

  put(number, name, data) {
    const layer = this.layers[number];
    if (name === "value") {
      this.given[number] = data;
      return;
    }
    layer.parameters[name] = { ...layer.parameters[name], data };
    if (layer.kind === "affine") foldAffine(layer);
  }

  // What follows from edits is computed; everything else is what Python has found.
  run(dirty, tell) {
    const own = new Set(this.off.keys());
    for (const key of this.edited) own.add(Number(key.split(" ")[0]));
    const touched = [];
    const follows = [];
    const count = this.layers.length;
    const news = new News(tell);
    this.order.forEach((number, n) => {
      const layer = this.layers[number];
      const reads = readBy(layer);
      touched[number] = dirty.has(number) || reads.some((each) => touched[each]);
      follows[number] = own.has(number) || reads.some((each) => follows[each]);
      if (!touched[number]) return;
      this.formulas.refresh(number, touched);
      if (!follows[number]) layer.value = this.original[number];
      else {
        layer.value = layer.sources.length ? forwardOf(this.layers, layer)
          : this.given[number].slice();
        this.switchOff(number, layer.value);
      }
      news.at((n + 1) / count);
    });
    return [...this.shown.keys()].filter((number) => touched[number]);
  }

  switchOff(number, values) {
    const [, H, W] = this.layers[number].shape;
    for (const map of this.off.get(number) ?? []) values.fill(0, map * H * W, (map + 1) * H * W);
  }

  // Gradients of the scores' sum, each times its number in `seed`. Leaves those of the layers in
  // them and returns those of all parameters: "layer name" -> array.
  gradients(seed, tell = () => {}) {
    const { layers } = this;
    const weights = new Map();
    const news = new News(tell);
    for (const layer of layers) layer.gradient = null;
    this.end.gradient = Float64Array.from(seed);
    const send = (number, gradient) => {
      const source = layers[number];
      if (!source.gradient) source.gradient = gradient;
      else gradient.forEach((value, n) => { source.gradient[n] += value; });
    };
    [...this.order].reverse().forEach((number, n) => {
      const layer = layers[number];
      if (!layer.gradient) return;
      this.switchOff(number, layer.gradient);
      const { sources, parameters } = layer.sources.length
        ? backwardOf(layers, layer, layer.gradient)
        : { sources: [], parameters: { value: layer.gradient } };
      sources.forEach((gradient, operand) => send(layer.sources[operand], gradient));
      for (const [name, gradient] of Object.entries(parameters ?? {})) {
        weights.set(`${number} ${name}`, gradient);
        if (name in layer.computed) send(layer.computed[name], gradient.slice());
      }
      news.at((n + 1) / layers.length);
    });
    return weights;
  }

  // Of the largest score, as Python does.
  gradientsOfAnswer(tell) {
    const seed = new Float64Array(this.end.value.length);
    seed[this.answer().best] = 1;
    return this.gradients(seed, tell);
  }

  // Where the largest score is, and all scores there.
  answer() {
    const { value, shape: [K, H, W] } = this.end;
    const best = value.reduce((most, score, n) => (score > value[most] ? n : most), 0);
    const place = best % (H * W);
    return { best, scores: Float64Array.from({ length: K }, (_, k) => value[k * H * W + place]) };
  }

  loss(target) {
    const scores = this.end.value;
    const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
    return largest + Math.log(total) - scores[target];
  }

  // w -= rate · gradient of the cross-entropy, for every learned parameter.
  step(target, rate, tell) {
    const seed = softmax(this.end.value);
    seed[target] -= 1;
    const gradients = this.gradients(seed, (done) => tell(2 * done / 3));
    const dirty = new Set();
    for (const places of this.learned.values()) {
      const found = places.map(({ layer, name }) => gradients.get(`${layer} ${name}`))
        .filter(Boolean);
      if (!found.length) continue;
      const data = this.array(places[0]).map((weight, n) =>
        weight - rate * found.reduce((sum, gradient) => sum + gradient[n], 0));
      this.edit(places[0], data, true, dirty);
    }
    this.run(dirty, (done) => tell((2 + done) / 3));
  }

  array({ layer, name }) {
    return name === "value" ? this.given[layer] : this.layers[layer].parameters[name].data;
  }

  // What is learned, or follows from it, where it is not as the page has it: [{layer, name, data,
  // edited}].
  learnedNow() {
    const places = this.shown.flatMap(({ names, computed }, layer) =>
      [...Object.keys(names), ...Object.keys(computed)].map((name) => ({ layer, name })));
    return places.flatMap((place) => {
      const key = `${place.layer} ${place.name}`;
      const data = this.array(place);
      const came = this.formulas.cameAs(place);
      if ((this.told.get(key) ?? came) === data) return [];
      this.told.set(key, data);
      return [{ ...place, data: data.slice(), edited: data !== came }];
    });
  }
}

// Batch norm in evaluation is scale · x + shift.
function foldAffine({ parameters }) {
  const { mean, invstd, weight, bias } = parameters;
  const scale = weight.data.map((value, c) => value * invstd.data[c]);
  const shift = bias.data.map((value, c) => value - Math.fround(mean.data[c] * scale[c]));
  parameters.scale = { ...parameters.scale, data: scale };
  parameters.shift = { ...parameters.shift, data: shift };
}

// Says how far something is, if it takes long.
class News {
  constructor(tell) {
    this.tell = tell;
    this.last = performance.now();
  }

  at(done) {
    const now = performance.now();
    if (now - this.last < NEWS) return;
    this.last = now;
    this.tell(done);
  }
}

// ------------------------------------------------------------------------------- the conversation

// Answers questions about one network. Each is {id, what, ...}, each answer {id, ...}; what is told
// on the way is {id, progress}.
function conversation(post) {
  let engine = null;
  let stopped = false;
  const stored = ({ kept, shape: [, H, W] }, values) => // what the page shows of a layer
    new Float32Array(values.subarray(0, kept * H * W));
  const values = (numbers) => ({ answer: engine.answer(), values: numbers.map((number) =>
    [number, stored(engine.layers[number], engine.layers[number].value)]) });
  const changed = (numbers) => ({ ...values(numbers), learned: engine.learnedNow() });
  const answers = {
    load: ({ layers }, tell) => { engine = new Engine(layers, tell); },
    change: (question, tell) => changed(engine.change(question, tell)),
    gradients: (_, tell) => {
      const weights = engine.gradientsOfAnswer(tell);
      const convolutions = engine.shown.flatMap(({ kind }, number) =>
        (kind === "conv" ? [[number, weights.get(`${number} weight`)]] : []));
      return {
        gradients: engine.shown.map((layer) => layer.gradient && stored(layer, layer.gradient)),
        weights: convolutions.map(([number, gradient]) =>
          [number, gradient && new Float32Array(gradient)]),
      };
    },
    async train({ target, rate, steps, id }, tell) {
      stopped = false;
      let [done, loss] = [0, engine.loss(target)];
      for (; done < steps && !stopped && Number.isFinite(loss); done++) {
        engine.step(target, rate, (part) => tell((done + part) / steps));
        loss = engine.loss(target);
        post({ id, loss, answer: engine.answer() });
        await new Promise((resolve) => { setTimeout(resolve); }); // to hear a "stop"
      }
      return changed([...engine.shown.keys()]);
    },
    stop: () => { stopped = true; },
  };
  return async (question) => {
    const { id, what } = question;
    try {
      post({ id, done: true, ...await answers[what](question, (progress) => post({ id, progress })) });
    } catch (error) {
      post({ id, done: true, error: String(error) });
    }
  };
}
