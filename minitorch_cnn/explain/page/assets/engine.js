// The network runs: all that follows from an edit, the gradients of every number and every weight,
// steps of SGD. It lives in a worker, so that the page stays awake; nothing here touches the page.

const NEWS = 100; // milliseconds after which it says how far it is

// What a worker is told of the network: numbers that it computes itself stay behind.
function networkForEngine({ layers }) {
  return layers.map(({ kind, sources, shape, options, whole, names, allPlaces, value, kept, box }) => ({
    kind, sources, shape, options, kept, names, places: allPlaces,
    value: kept === shape[0] && !box ? value : null,
    parameters: Object.fromEntries(
      Object.entries(whole).filter(([name]) => name !== "weight_gradient")),
  }));
}

class Engine {
  constructor(layers, tell = () => {}) {
    this.layers = layers;
    const news = new News(tell);
    layers.forEach((layer, number) => { // what a large page does not hold
      layer.value ??= forwardOf(layers, layer);
      news.at((number + 1) / layers.length);
    });
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
      this.put(layer, name, data);
      const key = `${layer} ${name}`;
      if (edited) this.edited.add(key);
      else this.edited.delete(key);
      dirty.add(layer);
    }
    if (off) {
      for (const layer of this.off.keys()) dirty.add(layer);
      this.off = new Map(off.filter(([, maps]) => maps.length));
      for (const layer of this.off.keys()) dirty.add(layer);
    }
    return this.run(dirty, tell);
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
    this.layers.forEach((layer, number) => {
      touched.push(dirty.has(number) || layer.sources.some((each) => touched[each]));
      follows.push(own.has(number) || layer.sources.some((each) => follows[each]));
      if (!touched[number]) return;
      if (!follows[number]) layer.value = this.original[number];
      else {
        layer.value = layer.sources.length ? forwardOf(this.layers, layer)
          : this.given[number].slice();
        this.switchOff(number, layer.value);
      }
      news.at((number + 1) / count);
    });
    return [...touched.keys()].filter((number) => touched[number]);
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
    layers[layers.length - 1].gradient = Float64Array.from(seed);
    for (let number = layers.length - 1; number >= 0; number--) {
      const layer = layers[number];
      if (!layer.gradient) continue;
      this.switchOff(number, layer.gradient);
      if (!layer.sources.length) {
        weights.set(`${number} value`, layer.gradient);
        continue;
      }
      const { sources, parameters } = backwardOf(layers, layer, layer.gradient);
      sources.forEach((gradient, operand) => {
        const source = layers[layer.sources[operand]];
        if (!source.gradient) source.gradient = gradient;
        else gradient.forEach((value, n) => { source.gradient[n] += value; });
      });
      for (const [name, gradient] of Object.entries(parameters ?? {})) {
        weights.set(`${number} ${name}`, gradient);
      }
      news.at(1 - number / layers.length);
    }
    return weights;
  }

  // Of the largest score, as Python does.
  gradientsOfAnswer(tell) {
    const seed = new Float64Array(this.layers[this.layers.length - 1].value.length);
    seed[this.answer().best] = 1;
    return this.gradients(seed, tell);
  }

  // Where the largest score is, and all scores there.
  answer() {
    const { value, shape: [K, H, W] } = this.layers[this.layers.length - 1];
    const best = value.reduce((most, score, n) => (score > value[most] ? n : most), 0);
    const place = best % (H * W);
    return { best, scores: Float64Array.from({ length: K }, (_, k) => value[k * H * W + place]) };
  }

  loss(target) {
    const scores = this.layers[this.layers.length - 1].value;
    const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
    return largest + Math.log(total) - scores[target];
  }

  // w -= rate · gradient of the cross-entropy, for every learned parameter.
  step(target, rate, tell) {
    const scores = this.layers[this.layers.length - 1].value;
    const seed = softmax(scores);
    seed[target] -= 1;
    const gradients = this.gradients(seed, (done) => tell(2 * done / 3));
    const dirty = new Set();
    for (const places of this.learned.values()) {
      const found = places.map(({ layer, name }) => gradients.get(`${layer} ${name}`))
        .filter(Boolean);
      if (!found.length) continue;
      const [first] = places;
      const before = first.name === "value" ? this.given[first.layer]
        : this.layers[first.layer].parameters[first.name].data;
      const data = before.map((weight, n) =>
        weight - rate * found.reduce((sum, gradient) => sum + gradient[n], 0));
      for (const { layer, name } of places) {
        this.put(layer, name, data);
        this.edited.add(`${layer} ${name}`);
        dirty.add(layer);
      }
    }
    this.run(dirty, (done) => tell((2 + done) / 3));
  }

  // The learned arrays as they are now: [{layer, name, data}].
  learnedNow() {
    return [...this.learned.values()].flat().map(({ layer, name }) => ({ layer, name,
      data: (name === "value" ? this.given[layer] : this.layers[layer].parameters[name].data)
        .slice() }));
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
  const answers = {
    load: ({ layers }, tell) => { engine = new Engine(layers, tell); },
    change: (question, tell) => values(engine.change(question, tell)),
    gradients: (_, tell) => {
      const weights = engine.gradientsOfAnswer(tell);
      const convolutions = engine.layers.flatMap(({ kind }, number) =>
        (kind === "conv" ? [[number, weights.get(`${number} weight`)]] : []));
      return {
        gradients: engine.layers.map((layer) => layer.gradient && stored(layer, layer.gradient)),
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
      return { ...values([...engine.layers.keys()]), learned: engine.learnedNow() };
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
