// The same convolution, to change: kernel, stride, padding and dilation, computed by convolve().

const PRESETS = {
  identity: (u, v, [KH, KW]) => (u === (KH - 1) >> 1 && v === (KW - 1) >> 1 ? 1 : 0),
  blur: (u, v, [KH, KW]) => 1 / (KH * KW),
  vertical: (u, v, [, KW]) => Math.sign(v - (KW - 1) / 2),
  horizontal: (u, v, [KH]) => Math.sign(u - (KH - 1) / 2),
};

class Lab {
  constructor(network) {
    this.network = network;
    this.input = new MapView();
    this.output = new MapView((i, j) => {
      this.pixel = [i, j];
      this.renderOutput();
    });
    byId("lab-maps").append(this.input.figure,
      element("span", { className: "arrow", ariaHidden: "true" }, "→"), this.output.figure);
    for (const name of ["stride", "padding", "dilation"]) {
      byId(`lab-${name}`).addEventListener("input", (event) => {
        const { value, min, max } = event.target;
        if (value === "") return;
        const number = Math.max(Number(min), Math.min(Number(max), Math.round(Number(value))));
        const rows = name === "padding" ? 0 : 1; // of a signal, which has one row
        const both = this.axis ? [rows, number] : [number, number];
        this.options[name] = name === "padding" ? both.flatMap((each) => [each, each]) : both;
        this.renderOutput();
      });
    }
    byId("lab-apply").addEventListener("click", () => this.apply());
    for (const name of ["trained", "turned", ...Object.keys(PRESETS)]) {
      byId("lab-presets").append(element("button", {
        type: "button", id: `preset-${name}`, onclick: () => this.preset(name),
      }));
    }
  }

  // Starts again from the network's own filter when another one is chosen.
  render() {
    const { number, filter, i, j } = convolution();
    const weights = this.network.layers[number].parameters.weight.data; // others after an edit
    if (this.number !== number || this.filter !== filter || this.trained !== weights) {
      this.trained = weights;
      this.number = number;
      this.filter = filter;
      this.layer = this.network.layers[number];
      this.source = this.network.layers[this.layer.sources[0]];
      this.kernel = kernelSize(this.layer);
      this.channels = channelsOfFilter(this.layer, this.source, filter);
      this.reset();
    }
    this.pixel = [i, j];
    byId("lab-apply").hidden = Boolean(parts.alive.missing);
    for (const button of byId("lab-presets").children) {
      button.textContent = t(button.id.replace("-", "_"));
    }
    this.renderKernel();
    this.renderOutput();
  }

  reset() {
    const { stride, padding, dilation, mode } = this.layer.options;
    this.options = { stride: [...stride], padding: [...padding], dilation: [...dilation], mode };
    this.weights = this.trainedWeights();
    byId("lab-stride").value = stride[this.axis];
    byId("lab-padding").value = padding[2 * this.axis];
    byId("lab-dilation").value = dilation[this.axis];
  }

  // The axis that the numbers to change are of: rows, or the columns of a signal.
  get axis() {
    return this.source.shape[1] === 1 && this.kernel[0] === 1 ? 1 : 0;
  }

  // The weights of all channels become the network's; stride, padding and dilation cannot.
  apply() {
    const { weight } = this.layer.whole;
    const data = weight.data.slice();
    const [, C, KH, KW] = weight.shape;
    this.channels.forEach(([, c], n) => data.set(
      this.weights.subarray(n * KH * KW, (n + 1) * KH * KW), (this.filter * C + c) * KH * KW));
    parts.alive.put(this.number, "weight", data);
  }

  trainedWeights() {
    const [KH, KW] = this.kernel;
    return Float64Array.from({ length: this.channels.length * KH * KW }, (_, n) => {
      const place = n % (KH * KW);
      const [, c] = this.channels[Math.floor(n / (KH * KW))];
      return weightAt(this.layer, this.filter, c, Math.floor(place / KW), place % KW);
    });
  }

  preset(name) {
    const [KH, KW] = this.kernel;
    const area = KH * KW;
    if (name === "trained") {
      this.reset();
    } else if (name === "turned") {
      this.weights = this.weights.map((_, n) =>
        this.weights[Math.floor(n / area) * area + area - 1 - (n % area)]);
    } else {
      // The same kernel for every channel, so that the output is that of their mean.
      this.weights = this.weights.map((_, n) => {
        const place = n % area;
        const [u, v] = [Math.floor(place / KW), place % KW];
        return PRESETS[name](u, v, this.kernel) / this.channels.length;
      });
    }
    this.renderKernel();
    this.renderOutput();
  }

  // The kernel of one channel, as fields to type into.
  renderKernel() {
    const [KH, KW] = this.kernel;
    const index = Math.max(0, Math.min(state.term, this.channels.length - 1));
    byId("lab-kernel-title").textContent =
      t("kernel_of", { k: this.filter, c: this.channels[index][0] });
    const start = index * KH * KW;
    numberFields(byId("lab-kernel"), KW, this.weights.subarray(start, start + KH * KW),
      makeScale(this.weights, "weight"),
      (place) => t("weight_label", { u: Math.floor(place / KW), v: place % KW }),
      (place, value) => {
        this.weights[start + place] = value;
        this.renderOutput();
      });
  }

  isTrained() {
    const { stride, padding, dilation } = this.layer.options;
    const trained = this.trainedWeights();
    return String([this.options.stride, this.options.padding, this.options.dilation])
      === String([stride, padding, dilation]) && this.weights.every((w, n) => w === trained[n]);
  }

  renderOutput() {
    const [, H, W] = this.source.shape;
    const index = Math.max(0, Math.min(state.term, this.channels.length - 1));
    const [channel] = this.channels[index];
    const x = new Float32Array(this.channels.length * H * W);
    this.channels.forEach(([each], c) =>
      x.set(this.source.value.subarray(each * H * W, (each + 1) * H * W), c * H * W));
    const bias = this.layer.parameters.bias?.data[this.filter] ?? 0;
    const made = convolve(x, [H, W], this.weights, this.kernel, bias, this.options);
    // What is left of products that cancel, 1e-16 of them, is a rounding error and not a value.
    const least = 1e-14 * sumOfSizes(this.weights) * x.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    if (made) made.y = made.y.map((value) => (Math.abs(value) < least ? 0 : value));
    this.renderSize(this.axis ? W : H, made);
    this.output.figure.hidden = !made;
    byId("lab-check").textContent = made ? "" : t("lab_impossible");
    const cells = [];
    if (made) {
      const [OH, OW] = made.size;
      const [i, j] = [Math.min(this.pixel[0], OH - 1), Math.min(this.pixel[1], OW - 1)];
      this.pixel = [i, j];
      eachCell([H, W], this.kernel, this.options, i, j, (u, v, row, column) => {
        if (row >= 0 && column >= 0) cells.push({ row, column });
      });
      this.showOutput(made);
      byId("lab-check").textContent = this.sentence(made, i, j);
    }
    const name = t("lab_input", { layer: this.source.name, map: channel });
    const scale = makeScale(this.source.value, "value");
    this.input.show({
      H, W, scale, cells, padding: this.options.padding,
      valueAt: (i, j) => at(this.source, channel, i, j),
      caption: [element("span", {}, name), legend(scale)],
      alt: this.alt(name, H, W, x.subarray(index * H * W, (index + 1) * H * W), null, cells.length),
    });
  }

  showOutput({ size: [OH, OW], y }) {
    const scale = makeScale(y, "value");
    const name = t("lab_output");
    this.output.show({
      H: OH, W: OW, scale, pixel: this.pixel,
      valueAt: (i, j) => y[i * OW + j],
      caption: [element("span", {}, `${name} ${OH}×${OW}`), legend(scale)],
      alt: `${this.alt(name, OH, OW, y, this.pixel, 0)} ${t("move_hint")}`,
    });
  }

  alt(what, h, w, values, pixel, marked) {
    let [least, most] = [Infinity, -Infinity];
    for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
    const value = pixel ? formatNumber(values[pixel[0] * w + pixel[1]]) : "";
    return t("map_alt", { what, h, w, pixel, marked, value, least: formatNumber(least),
      most: formatNumber(most) });
  }

  // The sentence below: equal to Python's numbers, or what the chosen number has become.
  sentence({ size, y }, i, j) {
    const [, OH, OW] = this.layer.shape;
    if (this.channels.length < this.layer.parameters.weight.shape[1]
      || this.source.kept < this.source.shape[0]
      || this.source.box || this.layer.box) return t("lab_partial");
    const python = this.layer.value.subarray(this.filter * OH * OW, (this.filter + 1) * OH * OW);
    if (!this.isTrained()) {
      const same = this.sameWindow(i, j);
      const before = same ? formatNumber(python[same[0] * OW + same[1]]) : null;
      return t("lab_changed", { i, j, value: formatNumber(y[i * size[1] + j]), before,
        row: same?.[0], column: same?.[1] });
    }
    const largest = y.reduce((most, value, n) => Math.max(most, Math.abs(value - python[n])), 0);
    return t("lab_same", { count: y.length.toLocaleString("en"),
      difference: formatDifference(largest) });
  }

  // The network's output whose window has its middle where that of (i, j) is now, or null.
  sameWindow(i, j) {
    const middle = ({ stride, dilation, padding }, axis, place) => place * stride[axis]
      + (dilation[axis] * (this.kernel[axis] - 1)) / 2 - padding[2 * axis];
    const place = [i, j].map((here, axis) => {
      const first = middle(this.layer.options, axis, 0);
      return (middle(this.options, axis, here) - first) / this.layer.options.stride[axis];
    });
    const fits = place.every((each, axis) =>
      Number.isInteger(each) && each >= 0 && each < this.layer.shape[axis + 1]);
    return fits ? place : null;
  }

  // OH = floor((H + 2 p - d (KH - 1) - 1) / s) + 1, with the numbers in it.
  renderSize(length, made) {
    const { axis, options: { stride, padding, dilation } } = this;
    const [before, after] = padding.slice(2 * axis);
    byId("lab-size").textContent = t(axis ? "lab_size_columns" : "lab_size");
    byId("lab-formula").textContent = `⌊(${length} + ${before} + ${after} − ${dilation[axis]}`
      + `·(${this.kernel[axis]} − 1) − 1) / ${stride[axis]}⌋ + 1 = ${made ? made.size[axis] : 0}`;
  }
}

function sumOfSizes(values) {
  return values.reduce((sum, value) => sum + Math.abs(value), 0);
}

// Three digits in at most eight letters, as a field takes them: -0.0483, 2.11e-5.
function shortText(value) {
  const text = String(Number(value.toPrecision(3)));
  return text.length > 8 ? value.toExponential(2) : text;
}

// Numbers as fields to type into, in so many columns; onInput(place, value) hears of each change.
function numberFields(grid, columns, values, scale, labelOf, onInput) {
  grid.style.gridTemplateColumns = `repeat(${columns}, minmax(${columns > 5 ? 4 : 2.9}rem, 4.6rem))`;
  grid.classList.toggle("many", columns > 3);
  grid.replaceChildren(...Array.from(values, (value, place) => {
    const field = element("input", { type: "number", step: "0.1",
      value: shortText(value), ariaLabel: labelOf(place) });
    const colour = (number) => {
      const rgb = colourOf(number, scale);
      field.style.background = cssColour(rgb);
      field.style.color = inkOn(rgb);
    };
    colour(value);
    field.addEventListener("input", () => {
      const number = Number(field.value);
      if (field.value === "" || !Number.isFinite(number)) return;
      scale.largest = Math.max(scale.largest, Math.abs(number));
      colour(number);
      onInput(place, number);
    });
    return field;
  }));
}
