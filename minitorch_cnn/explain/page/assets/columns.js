// im2col: the windows as columns of a matrix, and the matrix product that computes all outputs.

const NEIGHBOURS = 2; // columns shown to the left and right of the chosen one

class Columns {
  constructor(network) {
    this.network = network;
    [this.columns, this.weights, this.result] =
      threeMatrices("matrices", ["columns_matrix", "weights_matrix", "result_matrix"]);
    this.back = new ColumnsBack(network);
    this.slider = byId("column-slider");
    this.slider.addEventListener("input", () => this.goTo(Number(this.slider.value)));
    byId("column-previous").addEventListener("click", () => this.step(-1));
    byId("column-next").addEventListener("click", () => this.step(1));
    byId("column-play").addEventListener("click", () => this.play());
    for (const view of [this.columns, this.result, this.back.columns, this.back.arriving]) {
      view.frame.addEventListener("click", (event) => {
        const box = view.frame.getBoundingClientRect();
        const share = (event.clientX - box.left) / box.width;
        this.goTo(Math.min(this.count - 1, Math.floor(share * this.count)));
      });
    }
  }

  goTo(place) {
    const { number } = convolution();
    const [, , OW] = this.network.layers[number].shape;
    update({ layer: number, map: convolution().filter, i: Math.floor(place / OW), j: place % OW });
  }

  step(by) {
    const { i, j } = convolution();
    const [, , OW] = this.network.layers[convolution().number].shape;
    this.goTo((i * OW + j + by + this.count) % this.count);
  }

  play() {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
    } else {
      this.timer = setInterval(() => this.step(1), 350);
    }
    byId("column-play").textContent = t(this.timer ? "pause" : "play");
  }

  render() {
    const { number, filter, i, j } = convolution();
    const layer = this.network.layers[number];
    const source = this.network.layers[layer.sources[0]];
    const [, OH, OW] = layer.shape;
    this.count = OH * OW;
    const place = i * OW + j;
    const key = [this.network.version, number, filter, document.documentElement.dataset.theme,
      language].join(" ");
    if (key !== this.key) this.paintMatrices(layer, source, filter);
    this.key = key;

    const backward = state.direction === "backward" && layer.gradient !== null;
    byId("columns-forward").hidden = backward;
    byId("columns-backward").hidden = !backward;
    byId("columns-lead").textContent = t(backward ? "columns_lead_backward" : "columns_lead");
    const marked = t("marked_column", { n: place });
    markMatrix(this.columns, [["column", 0, place]], marked);
    markMatrix(this.result, [["column", 0, place], ["row", filter - this.firstFilter, 0],
      ["pixel", filter - this.firstFilter, place]], marked);
    markMatrix(this.weights, [["row", filter - this.firstFilter, 0]],
      t("marked_row", { n: filter }));
    this.slider.max = this.count - 1;
    this.slider.value = place;
    const sentence = t("column_of", { n: place, count: this.count, i, j });
    byId("column-sentence").textContent = sentence;
    this.slider.setAttribute("aria-valuetext", sentence);
    byId("column-play").textContent = t(this.timer ? "pause" : "play");
    if (backward) this.back.render(this, layer, source);
    else this.renderDetail(layer, source, filter, place);
  }

  paintMatrices(layer, source, filter) {
    this.found = columnMatrix(layer, source, filter);
    const { matrix, rows, columns, channels, kernel } = this.found;
    const perGroup = layer.shape[0] / layer.options.groups;
    this.firstFilter = Math.floor(filter / perGroup) * perGroup;
    this.filters = Math.min(perGroup, layer.kept - this.firstFilter);
    const weights = layer.parameters.weight;
    const width = weights.data.length / weights.shape[0];
    paintMatrix(this.columns, rows, columns, (r, n) => matrix[r * columns + n],
      makeScale(source.value, "value"));
    paintMatrix(this.weights, this.filters, rows,
      (k, r) => weights.data[(this.firstFilter + k) * width + r],
      makeScale(weights.data, "weight"));
    paintMatrix(this.result, this.filters, columns,
      (k, n) => layer.value[(this.firstFilter + k) * columns + n],
      makeScale(layer.value, "value"));
    const pixels = channels.length * source.shape[1] * source.shape[2];
    byId("columns-count").textContent = t("columns_count", {
      rows, columns, cells: (rows * columns).toLocaleString("en"),
      times: formatNumber((rows * columns) / pixels), source: pixels.toLocaleString("en"),
    });
    byId("columns-layer").textContent =
      `${layer.name}: ${layer.shape[0]} × ${kernel.join("×")}, ${source.name}`;
  }

  // The chosen column and its neighbours as numbers, beside the weights that meet them.
  renderDetail(layer, source, filter, place) {
    const { matrix, columns, channels, kernel } = this.found;
    const area = kernel[0] * kernel[1];
    const index = Math.max(0, Math.min(state.term, channels.length - 1));
    const channel = channels[index];
    const inGroup = channelsOfFilter(layer, source, filter)[index][1];
    const first = Math.max(0, Math.min(place - NEIGHBOURS, columns - 2 * NEIGHBOURS - 1));
    const shown = [];
    for (let n = first; n < Math.min(columns, first + 2 * NEIGHBOURS + 1); n++) shown.push(n);
    const scale = makeScale(source.value, "value");
    const weightScale = makeScale(layer.parameters.weight.data, "weight");
    const cell = (value, how, extra = "") => {
      const colour = colourOf(value, how);
      const node = element("td", { className: extra }, formatNumber(value));
      node.style.background = cssColour(colour);
      node.style.color = inkOn(colour);
      return node;
    };
    const head = element("tr", {}, element("th", { scope: "col" }, "c, u, v"),
      element("th", { scope: "col" }, `w[${filter}]`), element("th", {}),
      ...shown.map((n) => element("th", { scope: "col", className: n === place ? "chosen" : "" },
        `${Math.floor(n / layer.shape[2])}, ${n % layer.shape[2]}`)));
    const rows = [];
    for (let place_ = 0; place_ < area; place_++) {
      const [u, v] = [Math.floor(place_ / kernel[1]), place_ % kernel[1]];
      rows.push(element("tr", {},
        element("th", { scope: "row" }, `${channel}, ${u}, ${v}`),
        cell(weightAt(layer, filter, inGroup, u, v), weightScale),
        element("td", { className: "operator" }, "×"),
        ...shown.map((n) => cell(matrix[(index * area + place_) * columns + n], scale,
          n === place ? "chosen" : ""))));
    }
    byId("column-detail").replaceChildren(element("table",
      { className: "detail", ariaLabel: t("detail_alt", { c: channel }) },
      element("thead", {}, head), element("tbody", {}, ...rows)));
  }
}

// The same matrices backward. The columns' gradient is weights^T x arriving gradient; col2im adds
// it up at the places of the windows. The weights' gradient is arriving gradient x columns^T.
class ColumnsBack {
  constructor(network) {
    this.network = network;
    [this.columns, this.weights, this.arriving] =
      threeMatrices("matrices-input", ["gcols_matrix", "weights_matrix", "arriving_matrix"]);
    this.second =
      threeMatrices("matrices-weight", ["columns_matrix", "gweights_matrix", "arriving_matrix"]);
  }

  // forward: the Columns, whose matrix and chosen column these are.
  render(forward, layer, source) {
    const { number, filter, i, j } = convolution();
    const { found: { rows, columns, channels, kernel }, firstFilter } = forward;
    // What is chosen above, if it is chosen in this layer.
    const chosen = parts.backward.layer === layer ? parts.backward : {
      channel: channels[0], weight: kernel.map((size) => (size - 1) >> 1),
      pixel: middleOfWindow(layer, source, i, j),
    };
    const key = [this.network.version, number, firstFilter, document.documentElement.dataset.theme,
      language].join(" ");
    if (key !== this.key) this.paintMatrices(forward, layer, source);
    this.key = key;
    const place = i * layer.shape[2] + j;
    const [u, v] = chosen.weight;
    const c = channels.indexOf(chosen.channel);
    if (c < 0) return;
    const row = (c * kernel[0] + u) * kernel[1] + v;
    const k = filter - firstFilter;
    markMatrix(this.weights, [], "");
    markMatrix(this.arriving, [["column", 0, place]], t("marked_column", { n: place }));
    const [columns2, gweights, arriving2] = this.second;
    markMatrix(columns2, [["row", row, 0]], t("marked_row", { n: row }));
    markMatrix(arriving2, [["row", k, 0]], t("marked_row", { n: filter }));
    markMatrix(gweights, [["row", k, 0], ["pixel", k, row]], t("marked_row", { n: filter }));
    this.addUp(layer, source, channels, kernel, chosen, place);
    const cells = weightCells(layer, source, filter, chosen.channel, u, v);
    const stored = storedWeightGradient(layer, filter,
      channelInGroup(layer, source, chosen.channel), u, v);
    byId("columns-weight").replaceChildren(
      element("p", {}, t("columns_weight_sum", { k: filter, row, c: chosen.channel, u, v,
        columns, sum: formatNumber(sumOf(cells)) })),
      ...(allKnown(cells) ? [checkLine(sumOf(cells), stored, "weight_not_stored")] : []));
  }

  paintMatrices({ found, firstFilter, filters }, layer, source) {
    const { matrix, rows, columns } = found;
    const weights = layer.parameters.weight;
    const width = weights.data.length / weights.shape[0];
    const [gcols, gweights] = [new Float64Array(rows * columns), new Float64Array(filters * rows)];
    for (let k = 0; k < filters; k++) {
      for (let r = 0; r < rows; r++) {
        const w = weights.data[(firstFilter + k) * width + r];
        let sum = 0;
        for (let n = 0; n < columns; n++) {
          const gy = layer.gradient[(firstFilter + k) * columns + n] || 0;
          gcols[r * columns + n] += w * gy;
          sum += gy * matrix[r * columns + n] || 0;
        }
        gweights[k * rows + r] = sum;
      }
    }
    this.gcols = gcols;
    this.whole = layer.kept === layer.shape[0] && !layer.gradient.some(Number.isNaN);
    const gradientAt = (k, n) => layer.gradient[(firstFilter + k) * columns + n];
    const scale = makeScale(layer.gradient, "gradient");
    paintMatrix(this.columns, rows, columns, (r, n) => gcols[r * columns + n],
      makeScale(gcols, "gradient"));
    paintMatrix(this.weights, filters, rows, (k, r) => weights.data[(firstFilter + k) * width + r],
      makeScale(weights.data, "weight"));
    const [columns2, gweights2, arriving2] = this.second;
    for (const view of [this.arriving, arriving2]) {
      paintMatrix(view, filters, columns, gradientAt, scale);
    }
    paintMatrix(columns2, rows, columns, (r, n) => matrix[r * columns + n],
      makeScale(source.value, "value"));
    paintMatrix(gweights2, filters, rows, (k, r) => gweights[k * rows + r],
      makeScale(gweights, "gradient"));
  }

  // The numbers of the columns' gradient that col2im adds up in the chosen pixel.
  addUp(layer, source, channels, kernel, { channel, pixel: [m, n] }, place) {
    const [, OH, OW] = layer.shape;
    const columns = OH * OW;
    const uses = usesOfPixel(source.shape.slice(1), [OH, OW], kernel, layer.options, m, n);
    const cells = uses.map((use) => {
      const row = (channels.indexOf(channel) * kernel[0] + use.u) * kernel[1] + use.v;
      const column = use.i * OW + use.j;
      return { ...use, row, column, product: this.gcols[row * columns + column] };
    });
    markMatrix(this.columns, [["column", 0, place],
      ...cells.map((cell) => ["pixel", cell.row, cell.column])],
    t("marked_column", { n: place }));
    const sum = sumOf(cells);
    const width = new Set(cells.map((cell) => cell.j)).size || 1;
    const grid = numberGrid(t("col2im_cells", { channel, m, n }), cells, width,
      (cell) => cell.product, makeScale(this.gcols, "gradient"), -1, null,
      (_, cell) => t("col2im_cell", cell));
    const only = this.network.layers.filter((each) =>
      each.sources.includes(this.network.layers.indexOf(source))).length === 1;
    const known = only && this.whole && source.gradient;
    byId("col2im").replaceChildren(element("div", { className: "product" }, grid),
      equationRow([["", sum, t("col2im_sum", { count: cells.length })]],
        sum, t("handed_to", { name: source.name })),
      ...(known ? [checkLine(sum, at(source, channel, m, n, "gradient"))] : []));
  }
}

// --------------------------------------------------------------------------- matrices as pictures

// Three matrices as they are multiplied: the second factor above the result, the first beside it.
function threeMatrices(id, titles) {
  const [above, beside, result] = titles.map((title) => {
    const canvas = element("canvas");
    const marks = svgElement("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    const frame = element("div", { className: "matrix-frame", role: "img" }, canvas, marks);
    const caption = element("figcaption", {});
    return { title, canvas, marks, frame, caption,
      node: element("figure", { className: `matrix ${title}` }, frame, caption) };
  });
  byId(id).append(element("div"), above.node, beside.node, result.node);
  return [above, beside, result];
}

function paintMatrix(view, rows, columns, valueAt, scale) {
  paint(view.canvas, rows, columns, valueAt, scale);
  view.frame.style.height = `${Math.max(56, Math.min(240, 2 * rows))}px`;
  view.caption.textContent = `${t(view.title)} ${rows}\u00a0×\u00a0${columns}`;
  view.size = [rows, columns];
}

function markMatrix(view, marks, sentence) {
  const [rows, columns] = view.size;
  view.marks.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
  view.marks.replaceChildren(...marks.map(([kind, row, column]) => svgElement("rect", {
    class: kind === "pixel" ? "pixel" : "cell",
    x: column, y: row, width: kind === "row" ? columns : 1, height: kind === "column" ? rows : 1,
    "vector-effect": "non-scaling-stroke",
  })));
  view.frame.setAttribute("aria-label", t("matrix_alt", {
    what: t(view.title), rows, columns, marked: sentence,
  }));
}
