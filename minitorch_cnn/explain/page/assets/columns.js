// im2col: the windows as columns of a matrix, and the matrix product that computes all outputs.

const NEIGHBOURS = 2; // columns shown to the left and right of the chosen one

class Columns {
  constructor(network) {
    this.network = network;
    this.weights = this.matrixView("weights_matrix");
    this.columns = this.matrixView("columns_matrix");
    this.result = this.matrixView("result_matrix");
    byId("matrices").append(element("div"), this.columns.node, this.weights.node,
      this.result.node);
    this.slider = byId("column-slider");
    this.slider.addEventListener("input", () => this.goTo(Number(this.slider.value)));
    byId("column-previous").addEventListener("click", () => this.step(-1));
    byId("column-next").addEventListener("click", () => this.step(1));
    byId("column-play").addEventListener("click", () => this.play());
    for (const view of [this.columns, this.result]) {
      view.frame.addEventListener("click", (event) => {
        const box = view.frame.getBoundingClientRect();
        const share = (event.clientX - box.left) / box.width;
        this.goTo(Math.min(this.count - 1, Math.floor(share * this.count)));
      });
    }
  }

  matrixView(title) {
    const canvas = element("canvas");
    const marks = svgElement("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    const frame = element("div", { className: "matrix-frame", role: "img" }, canvas, marks);
    const caption = element("figcaption", {});
    return { title, canvas, marks, frame, caption,
      node: element("figure", { className: `matrix ${title}` }, frame, caption) };
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
    const key = `${number} ${filter} ${document.documentElement.dataset.theme} ${language}`;
    if (key !== this.key) this.paintMatrices(layer, source, filter);
    this.key = key;

    const marked = t("marked_column", { n: place });
    this.mark(this.columns, this.found.rows, this.count, [["column", 0, place]], marked);
    this.mark(this.result, this.filters, this.count,
      [["column", 0, place], ["row", filter - this.firstFilter, 0],
        ["pixel", filter - this.firstFilter, place]], marked);
    this.mark(this.weights, this.filters, this.found.rows,
      [["row", filter - this.firstFilter, 0]], t("marked_row", { n: filter }));
    this.slider.max = this.count - 1;
    this.slider.value = place;
    const sentence = t("column_of", { n: place, count: this.count, i, j });
    byId("column-sentence").textContent = sentence;
    this.slider.setAttribute("aria-valuetext", sentence);
    byId("column-play").textContent = t(this.timer ? "pause" : "play");
    this.renderDetail(layer, source, filter, place);
  }

  paintMatrices(layer, source, filter) {
    this.found = columnMatrix(layer, source, filter);
    const { matrix, rows, columns, channels, kernel } = this.found;
    const perGroup = layer.shape[0] / layer.options.groups;
    this.firstFilter = Math.floor(filter / perGroup) * perGroup;
    this.filters = Math.min(perGroup, layer.kept - this.firstFilter);
    paint(this.columns.canvas, rows, columns, (r, n) => matrix[r * columns + n],
      makeScale(source.value, "value"));
    const weights = layer.parameters.weight;
    const width = weights.data.length / weights.shape[0];
    paint(this.weights.canvas, this.filters, rows,
      (k, r) => weights.data[(this.firstFilter + k) * width + r],
      makeScale(weights.data, "weight"));
    paint(this.result.canvas, this.filters, columns,
      (k, n) => layer.value[(this.firstFilter + k) * columns + n],
      makeScale(layer.value, "value"));
    const height = (count) => `${Math.max(56, Math.min(240, 2 * count))}px`;
    this.columns.frame.style.height = height(rows);
    this.weights.frame.style.height = height(this.filters);
    this.result.frame.style.height = height(this.filters);
    for (const [view, size] of [[this.columns, [rows, columns]],
      [this.weights, [this.filters, rows]], [this.result, [this.filters, columns]]]) {
      view.caption.textContent = `${t(view.title)} ${size.join(" × ")}`;
      view.size = size;
    }
    const pixels = channels.length * source.shape[1] * source.shape[2];
    byId("columns-count").textContent = t("columns_count", {
      rows, columns, cells: (rows * columns).toLocaleString("en"),
      times: formatNumber((rows * columns) / pixels), source: pixels.toLocaleString("en"),
    });
    byId("columns-layer").textContent =
      `${layer.name}: ${layer.shape[0]} × ${kernel.join("×")}, ${source.name}`;
  }

  mark(view, rows, columns, marks, sentence) {
    view.marks.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
    view.marks.replaceChildren(...marks.map(([kind, row, column]) => svgElement("rect", {
      class: kind === "pixel" ? "pixel" : "cell",
      x: column, y: row, width: kind === "row" ? columns : 1, height: kind === "column" ? rows : 1,
      "vector-effect": "non-scaling-stroke",
    })));
    view.frame.setAttribute("aria-label", t("matrix_alt", {
      what: t(view.title), rows: view.size[0], columns: view.size[1], marked: sentence,
    }));
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
