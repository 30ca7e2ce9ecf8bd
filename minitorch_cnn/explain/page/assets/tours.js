// Guided tours, step by step. A tour (guiding.py reads and checks it) is written for any network: a
// step names its layer by kind, "first strided convolution", and is left out where there is none.

// What a layer is called in tours: which layers that are.
const TOUR_KINDS = {
  layer: () => true,
  convolution: (layer) => layer.kind === "conv" && hasSmallKernel(layer),
  "strided convolution": (layer) => TOUR_KINDS.convolution(layer)
    && Math.max(...layer.options.stride) > 1 && Math.max(...kernelSize(layer)) > 1,
  "padded convolution": (layer) => TOUR_KINDS.convolution(layer)
    && Math.max(...layer.options.padding) > 0,
  "pointwise convolution": (layer) => layer.kind === "conv"
    && String(kernelSize(layer)) === "1,1",
  "grouped convolution": (layer) => TOUR_KINDS.convolution(layer) && layer.options.groups > 1,
  "transposed convolution": (layer) => layer.kind === "transposed",
  "batch norm": (layer) => layer.kind === "affine",
  normalisation: (layer) => layer.kind === "norm",
  ReLU: (layer) => layer.kind === "relu",
  activation: (layer) => layer.kind === "relu" || layer.kind in CURVES,
  "max pooling": (layer) => layer.kind === "maxpool",
  "average pooling": (layer) => ["avgpool", "adaptive"].includes(layer.kind)
    || (layer.kind === "mean" && layer.sources.length > 0),
  linear: (layer) => layer.kind === "linear",
  join: (layer, layers) => ["add", "plus"].includes(layer.kind)
    && new Set(layer.sources).size === 2
    && layer.sources.every((each) => layers[each].kind !== "parameter"),
  concatenation: (layer) => layer.kind === "cat",
  softmax: (layer) => layer.kind === "softmax",
};
const ORDINALS = { first: 0, second: 1, third: 2, last: -1 };

// What a step can point at, and where that is on the page.
const LOOKS = {
  answer: ".opening-answer", network: "#strip", number: ".statement", maps: "#maps",
  products: "#products", sums: "#sums", formula: "#formula", check: "#check",
  columns: "#columns-forward", detail: "#column-detail", col2im: "#col2im",
  lab: ".lab", arriving: "#backward-maps", input: "#backward-blocks > :nth-child(1)",
  weights: "#backward-blocks > :nth-child(2)", predict: "#predict",
};

// The number of the layer that a step names, -1 if there is none.
function tourLayer(network, named) {
  const { layers } = network;
  if (typeof named === "object") return layers.findIndex((each) => each.name === named.name);
  if (named === "input") return layers.findIndex((each) => each.kind === "input");
  if (named === "scores") return layers.length - 1;
  const [, arm, ordinal, kind] = named.match(/^(input of |fork of )?(\w+) (.+)$/);
  const found = layers.map((_, number) => number).filter((number) =>
    TOUR_KINDS[kind](layers[number], layers));
  const number = found.at(ORDINALS[ordinal]) ?? -1;
  if (!arm || number < 0) return number;
  return arm === "input of " ? layers[number].sources[0] ?? -1 : forkOf(layers, number);
}

// The layer from which on the ways to all that a layer reads part; -1 if there is none.
function forkOf(layers, number) {
  const ways = layers[number].sources.map((source) => {
    const found = new Set([source]);
    for (let n = source; n >= 0; n--) {
      if (found.has(n)) layers[n].sources.forEach((each) => found.add(each));
    }
    return found;
  });
  return Math.max(-1, ...[...ways[0] ?? []].filter((n) => ways.every((way) => way.has(n))));
}

class Tours {
  constructor(network, tours) {
    this.network = network;
    this.tours = tours;
    this.names = tours.map((each) => each.name);
    this.name = null; // of the tour that is taken
    this.step = 0;
    byId("tours").hidden = tours.length === 0;
    this.buttons = tours.map((tour) => element("button", { type: "button",
      onclick: () => this.start(tour.name) }));
    byId("tour-buttons").append(...this.buttons);
    byId("tour-next").addEventListener("click", () => this.move(1));
    byId("tour-previous").addEventListener("click", () => this.move(-1));
    byId("tour-end").addEventListener("click", () => this.end());
    byId("tour").addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      this.move(by);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.name) this.end();
    });
  }

  start(name) {
    this.go(name, 0);
    byId("tour").focus();
    parts.links.write();
  }

  move(by) {
    const target = this.step + by;
    if (target < 0) return;
    if (target >= this.plan.length) {
      this.end();
      return;
    }
    const inside = byId("tour").contains(document.activeElement);
    this.go(this.name, target);
    if (inside || document.activeElement === document.body) byId("tour").focus();
    parts.links.write();
  }

  end() {
    if (this.name === null) return;
    const button = this.buttons[this.names.indexOf(this.name)];
    this.go(null);
    button.focus();
    parts.links.write();
  }

  // Shows a step, or no tour (null).
  go(name, step = 0) {
    const changed = name !== this.name;
    this.name = name;
    byId("tour").hidden = name === null;
    document.documentElement.classList.toggle("on-tour", name !== null);
    this.looked?.classList.remove("looked-at");
    if (name === null) {
      this.step = 0;
      return;
    }
    const tour = this.tours[this.names.indexOf(name)];
    if (changed) this.plan = planOf(this.network, tour);
    this.tour = tour;
    this.step = Math.min(step, this.plan.length - 1);
    const { place, section, predict } = this.plan[this.step];
    if (predict !== undefined) {
      parts.predict.on = predict;
      parts.predict.key = null;
    }
    if (place) {
      update({ ...place, term: 0 });
      parts.links.section = section;
    } else {
      this.render();
    }
    this.look(true);
  }

  // The sentences, in the current language and with the numbers of now.
  render() {
    byId("tours").querySelector("h2").textContent = t("tours_title");
    this.buttons.forEach((button, n) => {
      button.textContent = inLanguage(this.tours[n].title);
      button.setAttribute("aria-pressed", String(this.names[n] === this.name));
    });
    if (this.name === null) return;
    const { text, place, before, after } = this.plan[this.step];
    byId("tour-title").textContent = `${inLanguage(this.tour.title)} · ${this.step + 1} / ${
      this.plan.length}`;
    // Who chooses another pixel of the step's layer reads the numbers of that one.
    const same = place && state.layer === place.layer && state.direction === place.direction;
    const values = place ? valuesAt(this.network, same ? state : place) : {};
    const pieces = (text ? inLanguage(text) : "").split(/\{(\w+)\}/);
    const sentences = (kinds) => (kinds.length
      ? [element("p", { className: "hint" }, t("tour_left_out", {
        kinds: kinds.map((named) => tourName(named)).join(", ") }))] : []);
    byId("tour-text").replaceChildren(...sentences(before),
      ...(text ? [element("p", {}, ...pieces.map((piece, n) =>
        (n % 2 ? element("b", {}, values[piece] ?? "–") : piece)))] : []), ...sentences(after));
    byId("tour-previous").disabled = this.step === 0;
    byId("tour-next").textContent = t(this.step + 1 < this.plan.length ? "tour_next" : "tour_done");
    this.look(false);
  }

  // Outlines what the step points at; the page makes some of it anew at each change.
  look(scroll) {
    this.looked?.classList.remove("looked-at");
    const { look } = this.plan[this.step];
    this.looked = look ? document.querySelector(LOOKS[look]) : null;
    if (this.looked && !this.looked.checkVisibility()) this.looked = null;
    this.looked?.classList.add("looked-at");
    const there = this.looked ?? byId(SECTIONS[parts.links.section]);
    if (scroll) there.scrollIntoView({ block: "start" });
  }
}

// The steps that this network has: {text, place, section, look, predict, before, after}; before and
// after name the layers of steps that were left out there.
function planOf(network, tour) {
  const plan = [];
  let place = { ...parts.links.start };
  let missing = [];
  let follows = true; // a step without a layer goes on from the one before, or is left out with it
  const needed = !tour.needs || tourLayer(network, tour.needs) >= 0;
  if (!needed) missing.push(tour.needs);
  for (const step of needed ? tour.steps : []) {
    if (!step.layer && !follows) continue;
    const view = step.view ?? "forward";
    const number = step.layer ? tourLayer(network, step.layer) : place.layer;
    const direction = view.endsWith("backward") ? "backward" : "forward";
    const section = view.replace(/-?(forward|backward)$/, "");
    // im2col and the laboratory show convolutions only.
    const fits = number >= 0 && (!section || TOUR_KINDS.convolution(network.layers[number]));
    const found = fits ? tourPlace(network, number, step.pixel, place, direction) : null;
    follows = Boolean(found);
    if (!found) {
      const named = step.layer ?? "first convolution";
      if (!missing.some((each) => String(each.name ?? each) === String(named.name ?? named))) {
        missing.push(named);
      }
      continue;
    }
    place = { layer: number, ...found, direction };
    plan.push({ text: step.text, place, section, look: step.look, predict: Boolean(step.predict),
      before: missing, after: [] });
    missing = [];
  }
  if (!plan.length) plan.push({ text: null, place: null, section: "", before: [], after: [] });
  plan[plan.length - 1].after = missing;
  return plan;
}

// {map, i, j} of a step in its layer: where it says, or as near as can be to the step before.
function tourPlace(network, number, pixel, before, direction) {
  const layer = network.layers[number];
  const { kept, shape: [, H, W] } = layer;
  const what = direction === "backward" ? "gradient" : "value";
  if (Array.isArray(pixel)) {
    const [map, i, j] = pixel;
    return map < kept && i < H && j < W ? { map, i, j } : null;
  }
  if (pixel === "lively" && TOUR_KINDS.convolution(layer)) return liveliestPlace(network, number);
  const map = Math.min(before.map, kept - 1);
  const places = { middle: [H >> 1, W >> 1], corner: [0, 0] };
  if (!pixel) {
    const [, height, width] = network.layers[before.layer].shape;
    places.same = [[before.i, H, height], [before.j, W, width]].map(([at1, length, all]) =>
      Math.floor(((at1 + 0.5) * length) / all));
  }
  const [i, j] = places[pixel ?? "same"] ?? [];
  // Of a very large map the page may hold the middle only.
  return i === undefined || Number.isNaN(known(layer, map, i, j, what))
    ? largestPlace(layer, what) : { map, i, j };
}

// "first strided convolution" in words of the language.
function tourName(named) {
  if (typeof named === "object") return `“${named.name}”`;
  const [, arm, ordinal, kind] = named.match(/^(?:(input|fork) of )?(\w+)(?: (.+))?$/);
  if (!kind) return named;
  const word = t("tour_kinds")[kind];
  return arm || ordinal === "first" || ordinal === "last" ? word
    : t("tour_nth", { ordinal, n: ORDINALS[ordinal] + 1, word });
}

function inLanguage(text) {
  return typeof text === "string" ? text : text[language] ?? Object.values(text)[0];
}

// ---------------------------------------------------------------------- the numbers of a sentence

// Everything in braces of a tour's text, as it is shown. What a layer does not have, is missing.
function valuesAt(network, { layer: number, map, i, j }) {
  const layer = network.layers[number];
  const sources = layer.sources.map((each) => network.layers[each]);
  const readers = network.layers.filter((each) => each.sources.includes(number));
  const [C, H, W] = layer.shape;
  const total = layer.value ? at(layer, map, i, j) : NaN;
  const best = pageData.scores.length ? pageData.scores[0].probability : NaN;
  const values = {
    network: pageData.network, answer: answerName(), layers: network.layers.length,
    probability: Number.isNaN(best) ? "–" : `${(100 * best).toFixed(1)} %`,
    layer: layer.name, kind: kindName(layer), source: sources[0]?.name,
    shape: `${C}×${H}×${W}`, input_shape: sources[0]?.shape.join("×"),
    map, row: i, column: j, maps: C,
    value: formatNumber(total),
    gradient: formatNumber(layer.gradient ? at(layer, map, i, j, "gradient") : null),
    input_value: sources.length && String(sources[0].shape) === String(layer.shape)
      ? formatNumber(at(sources[0], map, i, j)) : undefined,
    gradient_size: formatNumber(meanSize(layer.gradient)),
    parts: sources.length > 1
      ? sources.map((each) => formatNumber(known(each, map, i, j))).join(" + ") : undefined,
    arms: sources.map((each) => each.name).join(", "),
    readers: readers.map((each) => each.name).join(", "),
  };
  const own = layer.value?.subarray(map * H * W, (map + 1) * H * W) ?? [];
  values.all = H * W;
  values.open = own.reduce((count, value) => count + Number(value > 0), 0);
  if (layer.gradient) {
    const found = explainGradient(network, number, map, i, j);
    values.arriving = found.parts.map((part) => formatNumber(part.sum)).join(" + ");
  }
  if (layer.options.stride) values.stride = shortPair(layer.options.stride);
  if (layer.kind === "conv") convolutionValues(values, network, number, map, i, j, total);
  return values;
}

function convolutionValues(values, network, number, map, i, j, total) {
  const layer = network.layers[number];
  const source = network.layers[layer.sources[0]];
  const [KH, KW] = kernelSize(layer);
  const [, OH, OW] = layer.shape;
  const channels = source.shape[0] / layer.options.groups;
  const [top, , left] = layer.options.padding;
  Object.assign(values, { kernel: `${KH}×${KW}`, area: KH * KW, channels, filters: layer.shape[0],
    products: channels * KH * KW, padding: shortPair([top, left]),
    dilation: shortPair(layer.options.dilation),
    rows: channels * KH * KW, columns: OH * OW, cells: channels * KH * KW * OH * OW,
    pixels: channels * source.shape[1] * source.shape[2],
    times: formatNumber((KH * KW * OH * OW) / (source.shape[1] * source.shape[2])),
    bias: formatNumber(layer.parameters.bias ? layer.parameters.bias.data[map] : 0),
    uses: usesOfPixel(source.shape.slice(1), [OH, OW], [KH, KW], layer.options,
      ...middleOfWindow(layer, source, i, j)).length });
  const terms = convolutionTerms(layer, source, map, i, j).channels;
  const first = terms[Math.min(state.term, terms.length - 1)]; // the one whose products are shown
  if (!first) return;
  const largest = first.cells.reduce((a, b) =>
    (Math.abs(b.product) > Math.abs(a.product) ? b : a));
  Object.assign(values, { x: formatNumber(largest.x), w: formatNumber(largest.w),
    product: formatNumber(largest.product), channel_sum: formatNumber(first.sum),
    others: formatNumber(total - first.sum),
    inside: first.cells.filter((each) => each.inside).length });
}

function shortPair(numbers) {
  return new Set(numbers).size === 1 ? String(numbers[0]) : numbers.join("×");
}

function meanSize(numbers) {
  if (!numbers) return null;
  let [sum, count] = [0, 0];
  for (const value of numbers) {
    if (!Number.isNaN(value)) [sum, count] = [sum + Math.abs(value), count + 1];
  }
  return count ? sum / count : null;
}
