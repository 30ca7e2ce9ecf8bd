// Colours, canvases and the map that one can walk over with the arrow keys.

// ------------------------------------------------------------------------------------ elements

function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "style") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// A text in which no line ends inside of an option or a number: --image, 1e-12.
function unbroken(text) {
  return text.split(/(--[a-z]+|−?[\d.]+e[-+]\d+)/).map((part, n) =>
    (n % 2 ? element("span", { className: "unbroken" }, part) : part));
}

function svgElement(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// ------------------------------------------------------------------------------------- colours

// The page's colours as [r, g, b]; read again when light and dark are switched.
let palette = {};
let tables = {}; // see colourTable

function readPalette() {
  tables = {};
  const style = getComputedStyle(document.documentElement);
  const names = ["neutral", "positive", "negative", "grad-positive", "grad-negative",
    "low", "high", "padding"];
  palette = Object.fromEntries(names.map((name) => {
    const code = style.getPropertyValue(`--${name}`).trim();
    return [name, [1, 3, 5].map((start) => parseInt(code.slice(start, start + 2), 16))];
  }));
}

function mix(from, to, share) {
  return from.map((value, n) => Math.round(value + (to[n] - value) * share));
}

// A scale says how numbers become colours. "signed": 0 is neutral, two hues for the signs;
// "plain": nothing is negative, from low to high; "gradient": signed, in the gradient's hues.
function makeScale(values, what) {
  let largest = 0;
  let signed = false;
  for (const value of values) {
    if (Math.abs(value) > largest) largest = Math.abs(value);
    if (value < 0) signed = true;
  }
  const kind = what === "gradient" ? "gradient" : signed || what === "weight" ? "signed" : "plain";
  return { kind, largest };
}

function colourOf(value, scale) {
  // The root lifts small numbers out of the background; the legend is drawn by the same rule.
  const share = scale.largest > 0 ? Math.min(1, Math.abs(value) / scale.largest) ** 0.7 : 0;
  if (scale.kind === "plain") return mix(palette.low, palette.high, share);
  const prefix = scale.kind === "gradient" ? "grad-" : "";
  return mix(palette.neutral, palette[prefix + (value < 0 ? "negative" : "positive")], share);
}

function cssColour(rgb) {
  return `rgb(${rgb.join(" ")})`;
}

// Black or white, whichever is easier to read on a colour.
function inkOn([r, g, b]) {
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#14181f" : "#ffffff";
}

// ------------------------------------------------------------------------------------- canvases

const SHADES = 1024;

const packed = ([r, g, b]) => 0xff000000 + (b << 16) + (g << 8) + r;

// The colours of a kind of scale as a canvas stores them: those of the numbers above zero from 0 to
// SHADES, of those below behind them. Maps are painted from it, many at every edit.
function colourTable(kind) {
  tables[kind] ??= Uint32Array.from({ length: 2 * SHADES + 2 }, (_, n) => packed(colourOf(
    n > SHADES ? -(n - SHADES - 1) : n, { kind, largest: SHADES })));
  return tables[kind];
}

// Paints H x W numbers, a pixel each; null is padding, NaN is not in this page.
function paint(canvas, H, W, valueAt, { kind, largest }) {
  if (canvas.width !== W) canvas.width = W;
  if (canvas.height !== H) canvas.height = H;
  const context = canvas.getContext("2d");
  const image = context.createImageData(W, H);
  const pixels = new Uint32Array(image.data.buffer);
  const table = colourTable(kind);
  const scale = largest > 0 ? SHADES / largest : 0;
  const nothing = packed(palette.padding);
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < W; j++) {
      const value = valueAt(i, j);
      const shade = Math.min(SHADES, Math.round(Math.abs(value) * scale));
      pixels[i * W + j] = value === null || Number.isNaN(value) ? nothing
        : table[value < 0 ? SHADES + 1 + shade : shade];
    }
  }
  context.putImageData(image, 0, 0);
}

// ------------------------------------------------------------------------------------------ maps

// A feature map as a figure. With onMove it can be clicked and walked over with the arrow keys.
class MapView {
  constructor(onMove) {
    this.canvas = element("canvas");
    this.marks = svgElement("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
    this.frame = element("div", { className: "map-frame" }, this.canvas, this.marks);
    this.frame.style.minHeight = "16px"; // of a single row of tokens
    this.caption = element("figcaption");
    this.figure = element("figure", { className: "map" }, this.frame, this.caption);
    this.onMove = onMove;
    if (onMove) this.listen();
    else this.frame.setAttribute("role", "img");
  }

  listen() {
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "application");
    this.frame.addEventListener("click", (event) => {
      const box = this.frame.getBoundingClientRect();
      const { H, W, padding } = this.shown;
      const rows = H + padding[0] + padding[1];
      const columns = W + padding[2] + padding[3];
      this.move(Math.floor(((event.clientY - box.top) / box.height) * rows) - padding[0],
        Math.floor(((event.clientX - box.left) / box.width) * columns) - padding[2]);
    });
    this.frame.addEventListener("keydown", (event) => {
      const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const [down, right] = steps[event.key];
      this.move(this.shown.pixel[0] + down, this.shown.pixel[1] + right);
    });
  }

  move(i, j) {
    const { H, W } = this.shown;
    this.onMove(Math.max(0, Math.min(H - 1, i)), Math.max(0, Math.min(W - 1, j)));
  }

  // shown: {H, W, valueAt, scale, padding, cells, pixel, caption, alt}; padding: [top, bottom,
  // left, right] rows and columns around the image, empty or with the values of outside(i, j);
  // cells: what is marked; pixel: where one is.
  show(shown) {
    this.shown = { padding: [0, 0, 0, 0], cells: [], pixel: null, ...shown };
    const { H, W, valueAt, scale, padding, cells, pixel } = this.shown;
    const [top, bottom, left, right] = padding;
    paint(this.canvas, H + top + bottom, W + left + right, (i, j) => {
      const [row, column] = [i - top, j - left];
      const inside = row >= 0 && column >= 0 && row < H && column < W;
      return inside ? valueAt(row, column) : this.shown.outside?.(row, column) ?? null;
    }, scale);
    const box = `${-left} ${-top} ${W + left + right} ${H + top + bottom}`;
    this.marks.setAttribute("viewBox", box);
    // A column of tokens becomes wider than its pixels are, and not ten screens high.
    this.frame.style.aspectRatio = Math.max(0.5, (W + left + right) / (H + top + bottom));
    this.marks.replaceChildren();
    if (top + bottom + left + right > 0) this.mark("border", 0, 0, H, W);
    for (const cell of cells) this.mark("cell", cell.row, cell.column, 1, 1);
    if (cells.length > 1) {
      const rows = cells.map((cell) => cell.row);
      const columns = cells.map((cell) => cell.column);
      const [first, start] = [Math.min(...rows), Math.min(...columns)];
      this.mark("window", first, start, Math.max(...rows) - first + 1,
        Math.max(...columns) - start + 1);
    }
    if (pixel) this.mark("pixel", pixel[0], pixel[1], 1, 1);
    this.caption.replaceChildren(...[shown.caption].flat());
    this.frame.setAttribute("aria-label", shown.alt);
  }

  mark(kind, row, column, height, width) {
    this.marks.append(svgElement("rect", {
      class: kind, x: column, y: row, width, height, "vector-effect": "non-scaling-stroke",
    }));
  }
}

// The chosen number; while somebody predicts it, a question mark.
function shownNumber(value) {
  return parts.predict.hides ? "?" : formatNumber(value);
}

// Numbers as a map with caption, legend and alternative text.
function showNumbers(view, { name, pixel = null, ...shown }) {
  const { H, W, valueAt, scale, cells = [] } = shown;
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < W; j++) {
      const value = valueAt(i, j) || 0;
      [least, most] = [Math.min(least, value), Math.max(most, value)];
    }
  }
  view.show({ ...shown, cells, pixel,
    caption: [element("span", {}, name), legend(scale)],
    alt: t("map_alt", { what: name, h: H, w: W, least: formatNumber(least),
      most: formatNumber(most), pixel, marked: cells.length,
      value: pixel ? shownNumber(valueAt(...pixel)) : "" }) + (pixel ? ` ${t("move_hint")}` : ""),
  });
}

// A strip of colours with the largest number at its ends.
function legend(scale) {
  const canvas = element("canvas", { className: "legend-bar" });
  const from = scale.kind === "plain" ? 0 : -1;
  paint(canvas, 1, 64, (_, j) => scale.largest * (from + ((1 - from) * j) / 63),
    { ...scale, largest: scale.largest || 1 });
  const ends = [from * scale.largest, scale.largest].map(formatNumber);
  return element("span", { className: "legend", role: "img", ariaLabel: ends.join(" … ") },
    element("span", {}, ends[0]), canvas, element("span", {}, ends[1]));
}

// ------------------------------------------------------------------------------ grids of numbers

// cells as a table of numbers on their colours; `valueOf` picks the number, null for a zero that
// is not stored, such as padding. With `buttonOf` each is a button: {label, key, onclick}.
function numberGrid(title, cells, columns, valueOf, scale, selected, buttonOf, hintOf = String) {
  const grid = element("div", { className: "numbers", role: "group", ariaLabel: title });
  grid.style.gridTemplateColumns = `repeat(${columns}, auto)`;
  cells.forEach((cell, n) => {
    const value = valueOf(cell);
    const nothing = value === null || Number.isNaN(value);
    const colour = nothing ? palette.padding : colourOf(value, scale);
    const node = element(buttonOf ? "button" : "span", {
      className: "number" + (value === null ? " outside" : "") + (n === selected ? " chosen" : ""),
      title: value === null ? t(`zero_${cell.zero ?? "padding"}`) : hintOf(value, cell),
    }, value === null ? "0" : formatNumber(value));
    if (buttonOf) {
      const { label, key, onclick } = buttonOf(cell);
      node.setAttribute("aria-label", `${label}: ${node.textContent}`);
      node.setAttribute("aria-pressed", String(n === selected));
      node.dataset.key = key;
      node.addEventListener("click", onclick);
    }
    node.style.backgroundColor = cssColour(colour); // CSS hatches what is no stored number
    node.style.color = inkOn(colour);
    grid.append(node);
  });
  return element("div", { className: "grid-with-title" },
    element("div", { className: "grid-title" }, title), grid);
}

// first x second = products, three grids of the same cells. Each operator keeps to its grid, so
// that it never stands alone at the end of a line. first and second: {title, valueOf, scale}.
function productGrids(cells, columns, first, second, productScale) {
  const products = { title: t("products"), valueOf: (cell) => cell.product, scale: productScale };
  return element("div", { className: columns > 5 ? "product large" : "product" },
    ...[["", first], ["×", second], ["=", products]].map(([operator, grid]) =>
      element("div", { className: "factor" }, element("span", { className: "operator" }, operator),
        numberGrid(grid.title, cells, columns, grid.valueOf, grid.scale))));
}

// A sum as an equation. parts: [operator, value, label, closing bracket].
function equationRow(parts, total, label = "", sign = "=") {
  const row = element("div", { className: "equation" });
  for (const [operator, value, name, closing] of [...parts, [sign, total, label]]) {
    // An operator stays on one line with the number behind it.
    const term = element("span", { className: "term" });
    if (operator) term.append(element("span", { className: "operator" }, operator));
    term.append(element("span", { className: operator === sign ? "part result" : "part" },
      element("b", {}, formatNumber(value)), element("small", {}, name)));
    if (closing) term.append(element("span", { className: "operator" }, closing));
    row.append(term);
  }
  return row;
}

function manyDigits(value) {
  return value.toPrecision(8).replace(/^-/, "−");
}

// What was added up here beside what Python found; null if that is not in the page.
function checkLine(here, python, missing = "") {
  const isOff = network.off?.size && Math.abs(here - python) > 1e-4 * Math.abs(here);
  const text = python === null ? t(missing) : t(isOff ? "check_off" : "check", {
    here: manyDigits(here), python: manyDigits(python),
    difference: formatDifference(Math.abs(here - python)),
  });
  return element("p", { className: "check" }, ...unbroken(text));
}

function titledBars(label, sums, chosen, scale, onChoose) {
  return element("div", { className: "bars-with-title" },
    element("div", { className: "grid-title" }, label),
    barChart(label, sums, chosen, scale, onChoose));
}

// Bars up and down from a middle line, one for each term; a click chooses one.
function barChart(label, sums, chosen, scale, onChoose) {
  const width = 100 / Math.max(sums.length, 1);
  const svg = svgElement("svg", {
    class: "bars", viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img",
    "aria-label": label,
  });
  const largest = Math.max(...sums.map(Math.abs)) || 1;
  svg.append(svgElement("line", { x1: 0, x2: 100, y1: 50, y2: 50, class: "axis" }));
  sums.forEach((sum, n) => {
    const height = (48 * Math.abs(sum)) / largest;
    const bar = svgElement("g", { class: n === chosen ? "bar chosen" : "bar" });
    bar.append(
      svgElement("rect", { class: "hit", x: n * width, y: 0, width, height: 100 }),
      svgElement("rect", {
        x: (n + 0.12) * width, width: 0.76 * width, height,
        y: sum < 0 ? 50 : 50 - height,
        fill: cssColour(colourOf(sum, { ...scale, largest })),
      }));
    bar.addEventListener("click", () => onChoose(n));
    svg.append(bar);
  });
  return svg;
}
