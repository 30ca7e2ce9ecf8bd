// The network, changed: what is edited and how to undo it, and what follows from it. The engine
// answers in its own time; what was changed meanwhile is asked for together.

// The way to the engine: a worker made of the page's own script, or where there can be none the
// page itself.
class Connection {
  constructor(network, onNews, onLoad) {
    this.waiting = new Map();
    this.count = 0;
    this.open();
    this.ask("load", { layers: networkForEngine(network) }, onNews).finally(onLoad);
  }

  open() {
    const program = `${byId("engine").textContent}
      const answer = conversation((message) => postMessage(message));
      onmessage = ({ data }) => answer(data);`;
    const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
    try {
      this.worker = new Worker(address);
      this.worker.onmessage = ({ data }) => this.hear(data);
      this.worker.onerror = () => this.openHere();
      this.post = (question) => this.worker.postMessage(question);
    } catch {
      this.openHere();
    }
  }

  openHere() {
    const answer = conversation((message) => this.hear(structuredClone(message)));
    this.post = (question) => setTimeout(() => answer(structuredClone(question)));
    for (const { question } of this.waiting.values()) this.post(question);
  }

  // A promise of the answer; onNews is told what comes before it.
  ask(what, question = {}, onNews = () => {}) {
    const id = this.count;
    this.count += 1;
    return new Promise((resolve, reject) => {
      const whole = { id, what, ...question };
      this.waiting.set(id, { question: whole, resolve, reject, onNews });
      this.post(whole);
    });
  }

  hear({ id, ...answer }) {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    if (!answer.done) {
      waiting.onNews(answer);
      return;
    }
    this.waiting.delete(id);
    if (answer.error) waiting.reject(new Error(answer.error));
    else waiting.resolve(answer);
  }
}

const CHANGEABLE = ["weight", "bias", "slope"];

class Alive {
  constructor(network) {
    this.network = network;
    this.original = network.layers.map(({ value, gradient, parameters, whole }) =>
      ({ value, gradient, parameters, whole }));
    const { scores, answer, place } = pageData;
    this.answer = { scores, answer, place };
    this.off = new Map(); // layer: set of maps
    this.edited = new Set(); // "layer name" of arrays
    this.failed = null; // what went wrong, if something did
    this.pending = null; // what the engine has not been told yet
    this.stale = false; // whether the gradients are those of an earlier network
    this.busy = false;
    this.channel = 0;
    Object.assign(network, { edited: false, version: 0, off: this.off });
    this.missing = this.whyNot();
    if (this.missing) return;
    this.picture = new PictureEditor(this);
    this.training = new Training(this);
    this.view = new MapView();
    byId("alive-map").append(this.view.figure);
    for (const event of ["pointerenter", "focusin"]) { // the engine is ready at the first edit
      byId("alive-parts").addEventListener(event, () => this.engine, { once: true });
    }
    byId("alive-off").addEventListener("click", () => this.switchMap());
    byId("reset-layer").addEventListener("click", () => this.resetLayer(state.layer));
    byId("reset-all").addEventListener("click", () => this.resetAll());
    byId("alive-name").addEventListener("change", () => this.renderFields());
    byId("alive-channel").addEventListener("input", (event) => {
      if (event.target.value === "") return;
      this.channel = Math.max(0, Math.round(Number(event.target.value)));
      this.renderFields();
    });
  }

  // Why the network cannot run here: [text, values], or null.
  whyNot() {
    const { runs, bytes_to_run: bytes } = this.network;
    if (!runs) return ["alive_partial", { megabytes: Math.ceil(bytes / 990000) + 1 }];
    const unknown = this.network.layers.filter((layer) => !canRun(layer))
      .map((layer) => layer.options.operation ?? kindName(layer));
    return unknown.length ? ["alive_unknown", { names: [...new Set(unknown)].join(", ") }] : null;
  }

  // What does not follow from a change, though it would in the network.
  frozen() {
    const { frozen } = pageData;
    if (frozen && !frozen.length) return null;
    const names = (frozen ?? []).map((number) => this.network.layers[number].name);
    return [frozen ? "alive_frozen" : "alive_branches",
      { names: names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "") }];
  }

  get isEdited() {
    return this.edited.size > 0 || this.off.size > 0;
  }

  // ---- changes

  // An array takes the place of another; one parameter may be that of several layers.
  put(number, name, data) {
    for (const place of this.places(number, name)) {
      const layer = this.network.layers[place.layer];
      const original = this.original[place.layer];
      const before = place.name === "value" ? original.value : original.whole[place.name].data;
      const edited = data.some((value, n) => value !== before[n]);
      const key = `${place.layer} ${place.name}`;
      if (edited) this.edited.add(key);
      else this.edited.delete(key);
      this.setParameter(layer, place.name, data);
      this.queue({ ...place, data: edited ? data : before, edited });
    }
  }

  setParameter(layer, name, data) {
    if (name === "value") return; // comes back from the engine
    layer.whole = { ...layer.whole, [name]: { ...layer.whole[name], data } };
    if (layer.kind === "affine") foldAffine({ parameters: layer.whole });
    layer.parameters = { ...layer.parameters };
    for (const each of [name, "scale", "shift"]) {
      if (!layer.whole[each]) continue;
      layer.parameters[each] = firstPart(layer.whole[each], layer.parameters[each].shape);
    }
  }

  places(number, name) {
    const parameter = this.network.layers[number].names?.[name];
    if (!parameter) return [{ layer: number, name }];
    return this.network.layers.flatMap((layer, other) => Object.entries(layer.names)
      .filter(([, each]) => each === parameter).map(([own]) => ({ layer: other, name: own })));
  }

  setWeight(number, name, place, value) {
    const data = this.network.layers[number].whole[name].data.slice();
    data[place] = value;
    this.put(number, name, data);
  }

  switchMap(number = state.layer, map = state.map) {
    const maps = this.off.get(number) ?? new Set();
    if (!maps.delete(map)) maps.add(map);
    if (maps.size) this.off.set(number, maps);
    else this.off.delete(number);
    this.queue(null);
  }

  resetPicture() {
    this.put(0, "value", this.original[0].value);
    this.picture.reset();
  }

  // Weights as they were, and all maps on.
  resetLayer(number) {
    this.off.delete(number);
    for (const name of CHANGEABLE) {
      const parameter = this.original[number].whole[name];
      if (parameter && this.edited.has(`${number} ${name}`)) this.put(number, name, parameter.data);
    }
    this.queue(null);
  }

  resetAll() {
    this.off.clear();
    for (const key of [...this.edited]) {
      const [number, name] = key.split(" ");
      const { value, whole } = this.original[number];
      this.put(Number(number), name, name === "value" ? value : whole[name].data);
    }
    if (this.training.running) this.engine.ask("stop");
    this.picture.reset();
    this.queue(null);
  }

  // ---- what follows

  queue(change) {
    this.pending ??= new Map();
    if (change) this.pending.set(`${change.layer} ${change.name}`, change);
    if (!this.training.running) this.training.forget(); // that was another network or picture
    this.renderStatus();
    this.flush();
  }

  get engine() {
    this.connection ??= new Connection(this.network, this.news, () => {
      byId("alive-progress").hidden = true;
    });
    return this.connection;
  }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.pending || (this.stale && state.direction === "backward")) {
        if (this.pending) {
          const numbers = [...this.pending.values()];
          const off = [...this.off].map(([layer, maps]) => [layer, [...maps]]);
          this.pending = null;
          this.take(await this.engine.ask("change", { numbers, off }, this.news));
        }
        if (this.stale && state.direction === "backward") await this.takeGradients();
        this.show();
      }
    } catch (error) {
      this.say(error);
    } finally {
      this.busy = false;
      byId("alive-progress").hidden = true;
    }
  }

  // Everything is as it came as soon as nothing is edited any more: to the last bit.
  take({ values, answer, learned }) {
    this.found = answer;
    for (const { layer, name, data, edited } of learned) {
      const key = `${layer} ${name}`;
      if (this.pending?.has(key)) continue; // changed or reset meanwhile
      this.setParameter(this.network.layers[layer], name, data);
      if (edited) this.edited.add(key);
      else this.edited.delete(key);
    }
    for (const [number, value] of values) this.network.layers[number].value = value;
    this.stale = true;
    if (this.isEdited || this.pending) return;
    this.network.layers.forEach((layer, number) => Object.assign(layer, this.original[number]));
    this.stale = false;
  }

  async takeGradients() {
    const { gradients, weights } = await this.engine.ask("gradients", {}, this.news);
    if (!this.isEdited) return;
    this.stale = false;
    this.network.layers.forEach((layer, number) => {
      if (layer.has_gradient) layer.gradient = gradients[number];
    });
    for (const [number, data] of weights) {
      const layer = this.network.layers[number];
      const { shape } = layer.whole.weight;
      layer.parameters = { ...layer.parameters, weight_gradient: data && { shape, data } };
    }
  }

  news = ({ progress }) => {
    if (progress === undefined) return;
    byId("alive-progress").hidden = false;
    byId("alive-progress").value = progress;
  };

  say(error) {
    this.failed = ["alive_failed", { error: error.message }];
    this.render();
  }

  show() {
    const changed = this.network.edited !== this.isEdited;
    this.network.edited = this.isEdited;
    this.network.version += 1;
    if (changed) fillTexts();
    if (this.isEdited) this.showAnswer(this.found);
    else {
      Object.assign(pageData, this.answer);
      renderAnswer();
    }
    parts.strip.repaint(state.direction === "backward" ? "gradient" : "value");
    render(false);
  }

  // ---- what is shown

  showAnswer(found) {
    const { layers } = this.network;
    Object.assign(pageData, describeAnswer(found, layers[layers.length - 1].shape));
    renderAnswer();
  }

  // Called with every rendering of the page.
  render() {
    byId("alive-parts").hidden = Boolean(this.missing);
    byId("alive-lead").hidden = Boolean(this.missing);
    const trouble = this.missing ?? this.failed ?? this.frozen();
    byId("alive-missing").hidden = !trouble;
    byId("alive-missing").replaceChildren(...(trouble ? unbroken(t(...trouble)) : []));
    if (this.missing) return;
    byId("alive-lead").textContent = t("alive_lead");
    this.renderStatus();
    this.renderFields();
    this.picture.render();
    this.training.render();
    if (this.stale && state.direction === "backward") this.flush();
  }

  renderStatus() {
    const name = (number) => this.network.layers[number].name;
    const layers = [...new Set([...this.edited].filter((key) => key !== "0 value")
      .map((key) => Number(key.split(" ")[0])))].sort((a, b) => a - b);
    const maps = [...this.off].flatMap(([number, all]) =>
      [...all].map((map) => t("one_map", { layer: name(number), map })));
    const what = [
      ...(this.edited.has("0 value") ? [t("edited_picture")] : []),
      ...(layers.length ? [t("edited_weights", { names: layers.map(name) })] : []),
      ...(maps.length ? [t("edited_off", { maps })] : []),
    ];
    byId("edited").hidden = !what.length;
    const text = what.length ? t("edited", { what: what.join(", ") }) : "";
    // A screen reader says what changes; it need not hear the same again with every stroke.
    if (byId("edited-what").textContent !== text) byId("edited-what").textContent = text;
    byId("reset-picture").disabled = !this.edited.has("0 value");
    byId("reset-layer").disabled = !this.off.has(state.layer)
      && !CHANGEABLE.some((each) => this.edited.has(`${state.layer} ${each}`));
    const isOff = this.off.get(state.layer)?.has(state.map) ?? false;
    byId("alive-off").setAttribute("aria-pressed", String(isOff));
    byId("alive-off").textContent = t(isOff ? "map_on" : "map_off");
  }

  // The weights of the chosen map, as fields to type into.
  renderFields() {
    const { layer: number, map } = state;
    const layer = this.network.layers[number];
    byId("alive-layer-title").textContent = columnsOfFeatures(layer) === null
      ? t("alive_layer", { layer: layer.name, map: mapName(layer, map) })
      : placeName(layer, number, map);
    describeMap(this.view, { layer, map, cells: [],
      what: state.direction === "backward" ? "gradient" : "value" });
    const names = CHANGEABLE.filter((each) => layer.whole[each]
      && this.fieldsOf(layer, each, 0).rows);
    byId("alive-weights").hidden = !names.length;
    byId("alive-no-weights").hidden = names.length > 0;
    if (!names.length) return;
    const select = byId("alive-name");
    const name = names.includes(select.value) ? select.value : names[0];
    select.replaceChildren(...names.map((each) => element("option", { value: each },
      t("parameter_names")[each])));
    select.value = name;
    const word = t("parameter_names")[name];
    const { channels, from } = this.fieldsOf(layer, name, 0);
    const channel = Math.min(this.channel, channels - 1);
    const { start, rows, columns } = this.fieldsOf(layer, name, channel);
    const field = byId("alive-channel");
    field.parentElement.hidden = channels < 2;
    field.max = channels - 1;
    if (document.activeElement !== field) field.value = String(channel);
    byId("alive-channel-label").textContent = t(from ?? "channel_of");
    byId("alive-grid-title").textContent = channels < 2 ? word
      : t("fields_from", { name: word, channel, from: t(from).toLowerCase() });
    const { data } = layer.whole[name];
    const grid = byId("alive-grid");
    const key = `${number} ${name} ${start} ${rows} ${columns} ${language}`;
    // While somebody types, the fields stay: only when other numbers are chosen are they made anew.
    if (this.fields === key && grid.contains(document.activeElement)) return;
    this.fields = key;
    numberFields(grid, columns, data.subarray(start, start + rows * columns),
      makeScale(data, "weight"),
      (n) => t("field_label", { name: word, u: Math.floor(n / columns), v: n % columns }),
      (n, value) => this.setWeight(number, name, start + n, value));
  }

  // Which numbers of a parameter make the chosen map: {start, rows, columns, channels, from}.
  fieldsOf(layer, name, channel) {
    const { shape } = layer.whole[name];
    const { map } = state;
    if (shape.length === 5) { // of a volume: a kernel for each slice under it
      const [K, C, KD, KH, KW] = shape;
      const { groups, depth } = layer.options;
      const own = Math.floor(map / depth.output);
      const inputs = K / groups; // of a transposed convolution
      const convolves = layer.kind === "conv3d";
      const row = convolves ? own * C * KD + channel
        : ((Math.floor(own / C) * inputs + Math.floor(channel / KD)) * C + (own % C)) * KD
          + (channel % KD);
      return { start: row * KH * KW, rows: KH * KW > MOST_CELLS ? 0 : KH, columns: KW,
        channels: (convolves ? C : inputs) * KD, from: KD > 1 ? "kernel_slice_of" : "channel_of" };
    }
    if (shape.length === 4) {
      const [, C, KH, KW] = shape;
      const { groups } = layer.options;
      const inputs = shape[0] / groups; // of a transposed convolution
      const row = layer.kind === "conv" ? map * C + channel
        : (Math.floor(map / C) * inputs + channel) * C + (map % C);
      return { start: row * KH * KW, rows: KH * KW > MOST_CELLS ? 0 : KH, columns: KW,
        channels: layer.kind === "conv" ? C : inputs, from: "channel_of" };
    }
    const one = { rows: 1, columns: 1, channels: 1 };
    if (shape.length === 2) {
      return { ...one, start: map * shape[1] + channel, channels: shape[1], from: "input_of" };
    }
    if (shape.length === 1) { // one for each map, each channel of a volume, or all
      return { ...one, start: Math.floor((map * shape[0]) / layer.shape[0]) };
    }
    const [C, H, W] = shape;
    const at3 = [Math.min(map, C - 1), Math.min(state.i, H - 1), Math.min(state.j, W - 1)];
    return { ...one, start: (at3[0] * H + at3[1]) * W + at3[2] };
  }
}

const MOST_SCORES = 5;

// As `describe` in writing.py: the answer, and the most probable classes.
function describeAnswer({ best, scores }, [K, H, W]) {
  const place = best % (H * W);
  const p = softmax(scores);
  const order = [...p.keys()].sort((a, b) => p[b] - p[a] || a - b)
    .slice(0, K > 1 ? MOST_SCORES : 0);
  return { answer: className(Math.floor(best / (H * W))),
    place: H * W > 1 ? [Math.floor(place / W), place % W] : null,
    scores: order.map((k) => ({ name: className(k), probability: p[k] })) };
}
