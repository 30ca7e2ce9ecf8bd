// Backward through the chosen layer: what arrives at its output, what it hands on to its input,
// and what its weights get. The arithmetic is in gradients.js.

const WRITTEN = 5; // a long sum is written out for so many rows and columns of outputs

class Backward {
  constructor(network) {
    this.network = network;
    this.channel = 0;
    this.weight = [0, 0];
    this.feature = null;
    this.rate = 0.1;
    this.target = null;
    this.handed = new MapView((m, n) => this.choose({ pixel: [m, n] }));
    this.arriving = new MapView(mover(() => this.layer, (i, j) => update({ i, j })));
    byId("backward-maps").append(this.handed.figure,
      element("span", { className: "arrow", ariaHidden: "true" }, "←"), this.arriving.figure);
    this.listen("backward-channel", (channel) => this.choose({ channel }));
    this.listen("backward-feature", (feature) => this.choose({ feature }));
    this.listen("backward-rate", (rate) => this.choose({ rate }), Number);
    byId("backward-target").addEventListener("change", (event) =>
      this.choose({ target: Number(event.target.value) }));
  }

  listen(id, act, convert = (text) => Math.round(Number(text))) {
    byId(id).addEventListener("input", (event) => {
      const number = convert(event.target.value);
      if (event.target.value !== "" && Number.isFinite(number)) act(number);
    });
  }

  choose(change) {
    Object.assign(this, change);
    render(false);
  }

  render() {
    const backward = state.direction === "backward";
    const layer = this.network.layers[state.layer];
    const shown = backward && layer.sources.length > 0 && layer.gradient !== null;
    byId("backward-view").hidden = !shown;
    if (!shown) return;
    this.layer = layer;
    this.source = this.network.layers[layer.sources[0]];
    this.followPixel();
    const focused = document.activeElement?.dataset?.key;
    byId("backward-title").textContent =
      t("backward_title", { layer: layer.name, kind: t("kinds")[layer.kind] ?? layer.kind });
    byId("backward-of").textContent = t("backward_of", { target: answerName() });
    for (const name of ["channel", "feature", "target", "rate"]) {
      byId(`backward-${name}`).parentElement.hidden = true;
    }
    byId("backward-blocks").replaceChildren();
    const show = { conv: "convolution", affine: "batchNorm", relu: "relu", add: "join",
      maxpool: "pooling", avgpool: "pooling", adaptive: "pooling", linear: "linear" }[layer.kind];
    this[show ?? "unchanged"]();
    const scores = state.layer === this.network.layers.length - 1
      && layer.shape[1] * layer.shape[2] === 1 && layer.kept === layer.shape[0];
    if (scores && layer.kept > 1) this.loss();
    if (focused) document.querySelector(`#backward-blocks [data-key="${focused}"]`)?.focus();
  }

  // Another output pixel is chosen: look at the middle of its window.
  followPixel() {
    const { layer: number, i, j } = state;
    const { layer, source } = this;
    const key = `${number} ${i} ${j}`;
    if (key === this.followed) return;
    this.followed = key;
    if (layer.kind === "conv") {
      this.pixel = middleOfWindow(layer, source, i, j);
    } else if (["maxpool", "avgpool", "adaptive"].includes(layer.kind)) {
      const cells = poolCells(layer, source, i, j);
      const cell = layer.kind === "maxpool" ? largestCell(source, state.map, cells) : cells[0];
      this.pixel = [cell.row, cell.column];
    } else {
      this.pixel = [i, j];
    }
    this.weight = layer.kind === "conv" ? kernelSize(layer).map((size) => (size - 1) >> 1) : [0, 0];
    this.feature = null;
  }

  // ---- what the kinds of layers do

  convolution() {
    const { layer, source } = this;
    const channels = channelsOfFilter(layer, source, state.map).map(([channel]) => channel);
    if (channels.length === 0) {
      this.unchanged();
      return;
    }
    this.channel = Math.max(channels[0], Math.min(channels[channels.length - 1], this.channel));
    this.field("channel", this.channel, channels[0], channels[channels.length - 1]);
    this.field("rate", this.rate);
    const key = `${this.network.version} ${state.layer} ${this.channel}`;
    if (this.spreadOf !== key) {
      this.spreadOf = key;
      this.padded = paddedInputGradient(layer, source, this.channel);
      this.folded = foldPadding(layer, source, this.padded);
    }
    const cells = turnedWindow(layer, source, state.map, this.channel, ...this.pixel);
    this.showArriving(state.map, cells.filter((cell) => !cell.zero).map((cell) => ({
      row: cell.row / layer.options.stride[0], column: cell.column / layer.options.stride[1] })));
    const [top, , left] = layer.options.padding;
    const fold = layer.options.mode !== "zeros";
    this.showHanded(this.folded, this.channel, [], layer.options.padding, (row, column) =>
      (fold ? null : this.padded.data[(row + top) * this.padded.size[1] + column + left]));
    this.inputBlock(cells);
    this.weightBlock();
  }

  // The input gradient: the turned kernel over the arriving gradient.
  inputBlock(cells) {
    const { layer, source, channel, pixel: [m, n] } = this;
    const { stride, dilation, padding, mode } = layer.options;
    const [KH, KW] = kernelSize(layer);
    const spread = new MapView();
    const [, OH, OW] = layer.shape;
    const [height, width] = [(OH - 1) * stride[0] + 1, (OW - 1) * stride[1] + 1];
    const frame = [Math.max(0, dilation[0] * (KH - 1) - padding[0]),
      Math.max(0, source.shape[1] + padding[0] - height),
      Math.max(0, dilation[1] * (KW - 1) - padding[2]),
      Math.max(0, source.shape[2] + padding[2] - width)];
    showNumbers(spread, {
      name: t("spread_caption", { map: state.map }), H: height, W: width, padding: frame,
      scale: makeScale(layer.gradient, "gradient"), cells,
      valueAt: (row, column) => (row % stride[0] || column % stride[1] ? null
        : at(layer, state.map, row / stride[0], column / stride[1], "gradient")),
    });
    const filters = filtersOfChannel(layer, source, channel);
    const windows = filters.map((k) => turnedWindow(layer, source, k, channel, m, n));
    const sums = windows.map(sumOf);
    const own = filters.indexOf(state.map);
    const all = sums.reduce((a, b) => a + b, 0);
    const folded = this.folded[m * source.shape[2] + n];
    const hints = [t("turned_text")];
    if (Math.max(...stride) > 1) hints.push(t("spread_text", { zeros: stride.map((s) => s - 1) }));
    if (Math.max(...padding) > 0) hints.push(t(mode === "zeros" ? "falls_off" : "folds_back"));
    if (layer.options.groups > 1) hints.push(t("groups_text"));
    this.block(t("handed_title", { channel, m, n }),
      element("div", { className: "backward-row" }, element("div", { className: "maps" },
        spread.figure)),
      productGrids(cells, KW,
        { title: t("gradient_window"), scale: makeScale(layer.gradient, "gradient"),
          valueOf: (cell) => (cell.zero ? null : cell.x) },
        { title: t("turned_kernel"), valueOf: (cell) => cell.w,
          scale: makeScale(windows.flat().map((cell) => cell.w), "weight") },
        makeScale(windows.flat().map((cell) => cell.product), "gradient")),
      filters.length < 2 ? "" : titledBars(t("filter_sums", { count: filters.length }), sums, own,
        makeScale(sums, "gradient"), (term) => update({ map: filters[term] })),
      ...this.handedSum([["", sums[own], t("this_filter", { c: state.map })],
        ...(filters.length > 1
          ? [["+", all - sums[own], t("other_filters", { count: filters.length - 1 })]] : []),
        ...(Math.abs(folded - all) > 0 && mode !== "zeros"
          ? [["+", folded - all, t("border_copies")]] : [])],
      folded, channel, m, n, layer.kept === layer.shape[0] && allKnown(windows.flat())),
      element("p", {}, hints.join(" ")));
  }

  // The gradient of one weight: arriving gradients times the inputs that this weight met.
  weightBlock() {
    const { layer, source, channel, weight: [u, v] } = this;
    const { map: k, i, j } = state;
    const [KH, KW] = kernelSize(layer);
    const [, OH, OW] = layer.shape;
    const kernel = [];
    for (let a = 0; a < KH; a++) {
      for (let b = 0; b < KW; b++) {
        kernel.push({ u: a, v: b, sum: weightGradient(layer, source, k, channel, a, b) });
      }
    }
    const cells = weightCells(layer, source, k, channel, u, v);
    const [sum, whole] = [sumOf(cells), allKnown(cells)];
    const first = [[i, OH], [j, OW]].map(([place, length]) =>
      Math.max(0, Math.min(place - (WRITTEN >> 1), length - WRITTEN)));
    const written = cells.filter((cell) => cell.i >= first[0] && cell.i < first[0] + WRITTEN
      && cell.j >= first[1] && cell.j < first[1] + WRITTEN);
    const columns = Math.min(WRITTEN, OW);
    const rest = cells.length - written.length;
    const input = new MapView();
    showNumbers(input, {
      name: t("map_caption", { layer: source.name, map: mapName(source, channel) }),
      H: source.shape[1], W: source.shape[2], scale: makeScale(source.value, "value"),
      padding: layer.options.padding, cells: written.filter((cell) => cell.inside),
      valueAt: (row, column) => at(source, channel, row, column),
    });
    const c = channelInGroup(layer, source, channel);
    const stored = storedWeightGradient(layer, k, c, u, v);
    const scale = makeScale(kernel.map((cell) => cell.sum), "gradient");
    const grid = numberGrid(t("weight_gradients", { k, c: channel }), kernel, KW,
      (cell) => cell.sum, scale, u * KW + v, (cell) => ({
        label: t("weight_label", { u: cell.u, v: cell.v }), key: `w${cell.u},${cell.v}`,
        onclick: () => this.choose({ weight: [cell.u, cell.v] }),
      }));
    const bias = layer.parameters.bias ? cells.reduce((all, cell) => all + cell.gy, 0) : null;
    this.block(t("weight_title", { k, channel, u, v }),
      element("div", { className: "backward-row" }, grid,
        element("div", { className: "maps" }, input.figure)),
      productGrids(written, columns,
        { title: t("arriving"), scale: makeScale(layer.gradient, "gradient"),
          valueOf: (cell) => cell.gy },
        { title: t("under_them"), scale: makeScale(source.value, "value"),
          valueOf: (cell) => (cell.inside ? cell.x : null) },
        makeScale(cells.map((cell) => cell.product), "gradient")),
      equationRow([["", sumOf(written), t("written_out", { count: written.length })],
        ...(rest ? [["+", sum - sumOf(written), t("other_outputs", { count: rest })]] : []),
        ...(whole || stored === null ? [] : [["+", stored - sum, t("rest")]])],
      whole ? sum : stored ?? NaN),
      whole ? checkLine(sum, stored, "weight_not_stored") : "",
      element("p", {}, t("weight_text")
        + (bias === null ? "" : ` ${t("bias_gradient", { sum: formatNumber(bias) })}`)),
      this.step(weightAt(layer, k, c, u, v), -(whole ? sum : stored ?? NaN), t("minus_score")),
      element("p", { className: "hint" }, t("step_text", { target: answerName() })));
  }

  // weight - rate x gradient = new weight
  step(weight, gradient, label) {
    return element("div", { className: "step" },
      element("div", { className: "grid-title" }, t("step_title")),
      equationRow([["", weight, t("old_weight")], ["−", this.rate, t("learning_rate").toLowerCase()],
        ["×", gradient, label]], weight - this.rate * gradient, t("new_weight")));
  }

  linear() {
    const { layer, source } = this;
    const [outputs, inputs] = layer.parameters.weight.shape;
    const k = state.map;
    const last = state.layer === this.network.layers.length - 1;
    this.feature = Math.max(0, Math.min(inputs - 1, this.feature ?? largestOf(source.value)));
    const f = this.feature;
    this.field("feature", f, 0, inputs - 1);
    this.showArriving(k, []);
    const columns = source.gradient ? columnsOfFeatures(source) : null;
    this.hide(columns === null);
    if (columns !== null) {
      describeMap(this.handed, { layer: source, map: f, what: "gradient", pixel: [0, 0] });
      this.handed.onMove = (row, column) =>
        this.choose({ feature: Math.min(inputs - 1, row * columns + column) });
    }
    const terms = [];
    for (let n = 0; n < outputs; n++) {
      const w = layer.parameters.weight.data[n * inputs + f];
      terms.push({ x: layer.gradient[n], w, product: layer.gradient[n] * w });
    }
    const sum = sumOf(terms);
    this.block(t("feature_title", { feature: f }),
      titledBars(t("feature_sums", { count: outputs }), terms.map((term) => term.product), k,
        makeScale(terms.map((term) => term.product), "gradient"), (map) => update({ map })),
      ...this.handedSum([["", terms[k].product, `${formatNumber(terms[k].x)} × `
        + `${formatNumber(terms[k].w)}`], ...(outputs > 1
        ? [["+", sum - terms[k].product, t("other_scores", { count: outputs - 1 })]] : [])],
      sum, f, 0, 0, layer.kept === layer.shape[0]), element("p", {}, t("linear_text")));
    if (!last) {
      const gradient = layer.gradient[k] * source.value[f];
      this.field("rate", this.rate);
      this.block(t("linear_weight_title", { k, f }),
        equationRow([["", layer.gradient[k], "∂y"], ["×", source.value[f], "x"]], gradient),
        element("p", {}, t("linear_weight_text")),
        this.step(layer.parameters.weight.data[k * inputs + f], -gradient, t("minus_score")),
        element("p", { className: "hint" }, t("step_text", { target: answerName() })));
    }
  }

  batchNorm() {
    const { layer, source } = this;
    const { map, i, j } = state;
    const scale = layer.parameters.scale.data[map];
    const gy = at(layer, map, i, j, "gradient");
    this.showArriving(map, []);
    const own = layer.gradient.subarray(map * source.shape[1] * source.shape[2],
      (map + 1) * source.shape[1] * source.shape[2]);
    this.pixel = [i, j];
    this.showHanded(Float64Array.from(own, (value) => value * scale), map);
    this.block(t("affine_title"),
      ...this.handedSum([["", gy, "∂y"], ["×", layer.parameters.weight.data[map], "w"],
        ["×", layer.parameters.invstd.data[map], "1/σ"]], gy * scale, map, i, j, true),
      element("p", {}, t("why_affine_backward")));
    if (own.length < 2 || own.some(Number.isNaN)) return;
    const found = trainingBatchNorm(layer, source, map, i, j);
    this.block(t("training_title"),
      equationRow([["(", found.gy, "∂y"], ["−", found.meanGy, t("mean_gy")],
        ["−", found.hat, "x̂"], ["×", found.meanGyHat, t("mean_gy_hat"), ")"],
        ["×", found.scale, "w/σ"]], found.sum),
      element("p", {}, ...unbroken(t("training_text", { count: found.count,
        mu: formatNumber(found.mu), sigma: formatNumber(found.sigma) }))));
  }

  relu() {
    const { layer, source } = this;
    const { map, i, j } = state;
    const [, H, W] = layer.shape;
    const open = Array.from(layer.value.subarray(map * H * W, (map + 1) * H * W), (y) => y > 0);
    this.showArriving(map, []);
    this.pixel = [i, j];
    this.showHanded(Float64Array.from(open, (yes, n) =>
      (yes ? layer.gradient[map * H * W + n] : 0)), map);
    const gy = at(layer, map, i, j, "gradient");
    const yes = open[i * W + j];
    this.block(t("gate_title"),
      ...this.handedSum([["", gy, "∂y"], ["×", Number(yes), t(yes ? "relu_open" : "relu_closed")]],
        yes ? gy : 0, map, i, j, true),
      element("p", {}, t("gate_text", { open: open.filter(Boolean).length, all: open.length,
        x: formatNumber(at(source, map, i, j)) })));
  }

  join() {
    const { layer } = this;
    const { map, i, j } = state;
    const gy = at(layer, map, i, j, "gradient");
    this.showArriving(map, []);
    this.pixel = [i, j];
    const [, H, W] = layer.shape;
    this.showHanded(Float64Array.from(layer.gradient.subarray(map * H * W, (map + 1) * H * W)), map);
    this.block(t("join_title"), element("p", {}, t("join_text")),
      ...layer.sources.flatMap((number) => [
        element("div", { className: "grid-title" },
          t("arm", { name: this.network.layers[number].name })),
        ...this.handedSum([["", gy, "∂y"]], gy, map, i, j, true, number),
      ]));
  }

  pooling() {
    const { layer, source, pixel: [m, n] } = this;
    const { map, i, j } = state;
    const maximum = layer.kind === "maxpool";
    const { sum, windows = [] } = poolGradientPart(layer, source, map, m, n);
    this.showArriving(map, windows.map((each) => ({ row: each.i, column: each.j })));
    const cells = poolCells(layer, source, i, j);
    this.showHanded(poolInputGradient(layer, source, map), map, cells);
    const columns = new Set(cells.map((cell) => cell.column)).size;
    const gy = at(layer, map, i, j, "gradient");
    const best = maximum ? cells.indexOf(largestCell(source, map, cells)) : -1;
    const area = maximum ? 1 : poolArea(layer, cells, i, j);
    const equal = maximum ? cells.filter((cell) => at(source, map, cell.row, cell.column)
      === at(source, map, cells[best].row, cells[best].column)).length : 1;
    if (cells.length <= 81) {
      this.block(t("routing_title", { i, j, gy: formatNumber(gy) }),
        element("div", { className: "product" },
          numberGrid(t("window"), cells, columns, (cell) => at(source, map, cell.row, cell.column),
            makeScale(source.value, "value"), best),
          numberGrid(t("gets"), cells.map((_, place) => ({ value: maximum
            ? (place === best ? gy : 0) : gy / area })), columns, (cell) => cell.value,
          makeScale([gy], "gradient"), best)),
        element("p", {}, maximum ? t("why_maxpool_backward")
          : t("spreading_text", { area })),
        equal > 1 ? element("p", {}, t("ties", { count: equal })) : "");
    }
    const terms = windows.slice(0, 9).flatMap((each, place) =>
      [[place ? "+" : "", each.gy, `(${each.i}, ${each.j})`], ["×", each.share, ""]]);
    this.block(t("pool_pixel_title", { m, n }),
      ...this.handedSum(terms.length ? terms : [["", sum, t("in_no_window")]], sum, map, m, n,
        true));
  }

  // Layers that move numbers or work on each by itself, and those that cannot be taken apart: what
  // explainGradient says about the same place of what they read.
  unchanged() {
    const { layer } = this;
    this.showArriving(state.map, []);
    this.hide(true);
    const place = layer.places?.[(state.map * layer.shape[1] + state.i) * layer.shape[2] + state.j];
    const moved = place >= 0 ? placeOf(this.network, layer, place) : [];
    for (const number of layer.places ? moved.slice(0, 1) : new Set(layer.sources.slice(0, 4))) {
      const source = this.network.layers[number];
      if (moved[1] >= source.kept) continue;
      const [C, H, W] = source.shape;
      const flat = layer.kind === "flatten" ? state.map : (state.map * H + state.i) * W + state.j;
      const [c, m, n] = layer.places ? moved.slice(1)
        : layer.options.depth ? underSlice(layer, source, state)
        : [Math.min(source.kept - 1, C - 1, Math.floor(flat / (H * W))),
          ...layer.kind === "flatten" ? [Math.floor(flat / W) % H, flat % W]
            : [Math.min(state.i, H - 1), Math.min(state.j, W - 1)]];
      const part = explainGradient(this.network, number, c, m, n).parts
        .find((each) => each.reader === state.layer);
      if (!part) continue;
      const copies = part.kind === "copy";
      const slices = part.kind === "conv" ? slicesHanded(layer, part) : null;
      this.block(t("handed_title", { channel: mapName(source, c), m, n }),
        ...(slices?.nodes ?? []),
        ...(part.sum === null ? [] : this.handedSum(slices?.equation ?? part.equation
          ?? [["", part.sum, "∂y"]], part.sum, c, m, n, part.whole ?? true, number)),
        element("p", {}, t(copies ? "copy_backward" : slices ? "why_conv_backward"
          : part.why ?? "why_other", part.whyValues ?? {})));
    }
  }

  // ---- where backward begins: softmax, cross-entropy, and a step of SGD that is all exact

  loss() {
    const { layer, source } = this;
    const scores = layer.value;
    const p = softmax(scores);
    const predicted = largestOf(scores);
    this.target = Math.min(this.target ?? predicted, p.length - 1);
    const select = byId("backward-target");
    select.parentElement.hidden = false;
    select.replaceChildren(...p.map((_, n) => element("option", { value: String(n) },
      className(n))));
    select.value = String(this.target);
    const order = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, 6);
    for (const extra of [this.target, state.map]) if (!order.includes(extra)) order.push(extra);
    const y = (n) => Number(n === this.target);
    const scale = makeScale(p.map((value, n) => value - y(n)), "gradient");
    const cell = (text) => element("td", {}, text);
    const rows = order.map((n) => {
      const difference = element("td", {}, formatNumber(p[n] - y(n)));
      const colour = colourOf(p[n] - y(n), scale);
      difference.style.background = cssColour(colour);
      difference.style.color = inkOn(colour);
      return element("tr", { className: n === state.map ? "chosen" : "" },
        element("th", { scope: "row" }, className(n)), cell(formatNumber(scores[n])),
        cell(formatNumber(p[n])), cell(String(y(n))), difference);
    });
    const head = [t("class"), t("score"), "p", "y", "p − y"];
    const k = state.map;
    this.block(t("loss_title"),
      element("p", {}, t("loss_text", { target: className(this.target),
        loss: formatNumber(-Math.log(p[this.target])) })),
      element("div", { className: "wide" }, element("table", { className: "detail" },
        element("thead", {}, element("tr", {}, ...head.map((each) =>
          element("th", { scope: "col" }, each)))), element("tbody", {}, ...rows))),
      p.length > order.length ? element("p", { className: "hint" }, t("other_classes", {
        count: p.length - order.length })) : "",
      element("p", {}, t("loss_note", { target: answerName() })));
    if (layer.kind !== "linear" || source.kept < source.shape[0]) return;
    this.field("rate", this.rate);
    const inputs = layer.parameters.weight.shape[1];
    const [f, x] = [this.feature, source.value];
    const gradient = (p[k] - y(k)) * x[f];
    const length = (layer.parameters.bias ? 1 : 0) + x.reduce((sum, value) => sum + value ** 2, 0);
    const after = softmax(Float64Array.from(scores, (score, n) =>
      score - this.rate * (p[n] - y(n)) * length));
    this.block(t("last_step_title", { k: className(k), f }),
      equationRow([["", p[k] - y(k), "p − y"], ["×", x[f], t("input_number", { f })]], gradient,
        t("loss_gradient")),
      this.step(layer.parameters.weight.data[k * inputs + f], gradient, t("loss_gradient")),
      equationRow([["", -Math.log(p[this.target]), t("loss_before")]],
        -Math.log(after[this.target]), t("loss_after"), "→"),
      element("p", { className: "hint" }, t("last_step_text")));
  }

  // ---- pieces

  block(title, ...children) {
    byId("backward-blocks").append(element("div", { className: "backward-block" },
      ...(title ? [element("h4", {}, title)] : []), ...children.filter((each) => each !== "")));
  }

  field(name, value, min, max) {
    const node = byId(`backward-${name}`);
    node.parentElement.hidden = false;
    if (min !== undefined) Object.assign(node, { min, max });
    if (document.activeElement !== node) node.value = String(value);
  }

  // The sum that this layer hands to a pixel, and what other readers of the input add to it.
  handedSum(parts, sum, c, m, n, whole, number = this.layer.sources[0]) {
    const source = this.network.layers[number];
    const { parts: all } = explainGradient(this.network, number, c, m, n);
    const others = all.filter((part) => part.reader !== state.layer);
    const stored = source.gradient ? at(source, c, m, n, "gradient") : null;
    const total = Number.isNaN(stored) ? null : stored;
    const lines = [];
    if (!whole || sum === null || Number.isNaN(sum)) {
      const rest = others.length || total === null ? [] : optional("+", total - sum, t("rest"));
      return [equationRow([...parts, ...rest], rest.length ? total : sum ?? NaN)];
    }
    lines.push(equationRow(parts, sum, t("handed_to", { name: source.name })));
    const known = all.length === others.length + 1 && others.every((part) => {
      const reader = this.network.layers[part.reader];
      return part.sum !== null && (part.whole ?? reader.kept === reader.shape[0]);
    });
    const here = others.reduce((a, part) => a + part.sum, sum);
    if (others.length) {
      const rest = known || total === null ? [] : optional("+", total - here, t("rest"));
      lines.push(equationRow([["", sum, t("via", { name: this.layer.name })],
        ...others.map((part) => ["+", part.sum,
          t("via", { name: this.network.layers[part.reader].name })]), ...rest], total,
      t("together", { name: source.name })));
      lines.push(element("p", { className: "hint" }, t("adds_up", { name: source.name })));
    }
    if (known && total !== null) lines.push(checkLine(here, total));
    return lines;
  }

  showArriving(map, cells) {
    describeMap(this.arriving, { layer: this.layer, map, what: "gradient", cells,
      pixel: [state.i, state.j] });
  }

  hide(hidden) {
    this.handed.figure.hidden = hidden;
    this.handed.figure.nextSibling.hidden = hidden; // the arrow
  }

  showHanded(values, map, cells = [], padding = [0, 0, 0, 0], outside = null) {
    const [, H, W] = this.source.shape;
    this.handed.onMove = (m, n) => {
      if (["affine", "relu", "add"].includes(this.layer.kind)) update({ i: m, j: n });
      else this.choose({ pixel: [m, n] });
    };
    this.hide(H * W === 1);
    const name = t("handed_caption",
      { layer: this.source.name, map: mapName(this.source, map) });
    showNumbers(this.handed, { name, H, W,
      scale: makeScale(values, "gradient"), cells, padding, outside, pixel: this.pixel,
      valueAt: (row, column) => values[row * W + column] });
  }
}

// -------------------------------------------------------------------------------------- pieces

function largestOf(values) {
  return values.reduce((best, value, n) => (value > values[best] ? n : best), 0);
}

// The answer's class; of an answer in maps also where it is.
function answerName() {
  const { answer, place } = pageData;
  return place ? t("answer_at", { answer, row: place[0], column: place[1] }) : answer;
}

function className(n) {
  return pageData.classes?.[n] ?? `${t("class")} ${n}`;
}
