// What is chosen, and what happens when something else is.

const byId = (id) => document.getElementById(id);

// The one state of the page. `term` is the chosen channel or filter of a sum, `reader` the chosen
// layer of those that bring a gradient back.
const state = { layer: 0, map: 0, i: 0, j: 0, term: 0, reader: 0, direction: "forward" };

let pageData = null; // what is known of picture and network besides the numbers
let network = null;
let parts = null; // the parts of the page that show the state
let lastConvolution = null;

// The convolution that im2col and the laboratory show: the chosen layer, or the last one chosen.
function convolution() {
  const layer = network.layers[state.layer];
  if (layer.kind === "conv" && hasSmallKernel(layer)) {
    lastConvolution = { number: state.layer, filter: state.map, i: state.i, j: state.j };
  }
  return lastConvolution;
}

function hasInputs({ number, filter }) {
  const layer = network.layers[number];
  return channelsOfFilter(layer, network.layers[layer.sources[0]], filter).length > 0;
}

function update(change) {
  const before = network.layers[state.layer];
  const moved = "layer" in change && change.layer !== state.layer;
  Object.assign(state, change);
  const layer = network.layers[state.layer];
  const [, H, W] = layer.shape;
  if (moved && !("i" in change)) {
    // Another size: stay at the same place of the picture.
    state.i = Math.floor(((state.i + 0.5) * H) / before.shape[1]);
    state.j = Math.floor(((state.j + 0.5) * W) / before.shape[2]);
    const [top, left, height, width] = layer.box ?? [0, 0, H, W]; // and where the page has numbers
    state.i = Math.max(top, Math.min(top + height - 1, state.i));
    state.j = Math.max(left, Math.min(left + width - 1, state.j));
  }
  if (moved || "map" in change) state.reader = 0;
  state.map = Math.max(0, Math.min(layer.kept - 1, state.map));
  state.i = Math.max(0, Math.min(H - 1, state.i));
  state.j = Math.max(0, Math.min(W - 1, state.j));
  render("direction" in change);
  parts.links.note();
}

function render(everything) {
  parts.predict.ask();
  if (everything) parts.strip.paintAll(state.direction === "backward" ? "gradient" : "value");
  parts.strip.mark(state.layer, state.map);
  renderControls();
  parts.trace.render();
  parts.backward.render();
  parts.alive.render();
  parts.predict.render();
  // A page that is too large may not hold the channels that a filter reads.
  const shown = convolution() && hasInputs(convolution());
  byId("convolution").hidden = !shown;
  if (shown) {
    parts.columns.render();
    parts.lab.render();
  }
  parts.tour.render();
}

function renderControls() {
  const layer = network.layers[state.layer];
  const [, H, W] = layer.shape;
  byId("layer").value = String(state.layer);
  for (const [id, value, count] of [["map", state.map, layer.kept], ["row", state.i, H],
    ["column", state.j, W]]) {
    byId(id).value = value;
    byId(id).max = count - 1;
    byId(id).parentElement.hidden = id !== "map" && H * W === 1;
  }
  byId("map").previousElementSibling.textContent = t(columnsOfFeatures(layer) === null ? "map"
    : "number");
  for (const direction of ["forward", "backward"]) {
    byId(direction).setAttribute("aria-pressed", String(state.direction === direction));
  }
  document.documentElement.dataset.direction = state.direction;
}

// Everything that depends on language, theme or the width of the window.
function renderAll() {
  readPalette();
  fillTexts();
  byId("made-by").textContent = t("made_by", pageData);
  byId("picture").alt = t("picture_alt", pageData);
  byId("note-untrained").hidden = pageData.trained;
  byId("note-builtin").hidden = !pageData.builtin;
  byId("note-partial").hidden = network.limit === null;
  byId("note-partial").textContent = network.limit === null ? "" : t("partial", network);
  byId("layer").replaceChildren(...network.layers.map((layer, number) =>
    element("option", { value: String(number) }, `${layer.name} · ${t("kinds")[layer.kind]}`)));
  byId("no-convolution").hidden = Boolean(lastConvolution);
  render(true);
}

function renderAnswer() {
  const lines = () => pageData.scores.map(({ name, probability }) => {
    const percent = `${(100 * probability).toFixed(1)}\u00a0%`;
    const bar = element("span", { className: "answer-bar", ariaHidden: "true" });
    bar.style.setProperty("--share", String(probability));
    return element("li", {}, element("span", { className: "answer-name" }, name), bar,
      element("span", { className: "answer-percent" }, percent));
  });
  byId("answer").replaceChildren(...lines());
  byId("alive-answer").replaceChildren(...lines());
}

function listen() {
  byId("forward").addEventListener("click", () => update({ direction: "forward" }));
  byId("backward").addEventListener("click", () => update({ direction: "backward" }));
  byId("layer").addEventListener("change", (event) =>
    update({ layer: Number(event.target.value) }));
  for (const [id, name] of [["map", "map"], ["row", "i"], ["column", "j"]]) {
    byId(id).addEventListener("input", (event) => {
      if (event.target.value !== "") update({ [name]: Math.round(Number(event.target.value)) });
    });
  }
  byId("language").addEventListener("click", () => {
    language = language === "en" ? "ko" : "en";
    parts.links.chooseLanguage(language);
    renderAll();
  });
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.theme = isDark() ? "light" : "dark";
    renderAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renderAll);
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

async function start() {
  if (navigator.language.startsWith("ko")) language = "ko";
  fillTexts();
  if (!("DecompressionStream" in window)) {
    byId("failed").hidden = false;
    return;
  }
  network = await loadNetwork();
  pageData = network.page;
  const first = network.layers.findIndex((layer) => layer.kind === "conv" && hasSmallKernel(layer));
  if (first >= 0) {
    Object.assign(state, { layer: first }, liveliestPlace(network, first));
    convolution();
  } else {
    const volume = network.layers.findIndex(({ kind }) => kind === "conv3d");
    if (volume >= 0) Object.assign(state, { layer: volume }, liveliestPlace(network, volume));
  }
  parts = {
    strip: new Strip(byId("strip"), network, (layer, map) => update({ layer, map })),
    trace: new Trace(network, (i, j) => update({ i, j })),
    backward: new Backward(network),
    columns: first < 0 ? null : new Columns(network),
    lab: first < 0 ? null : new Lab(network),
    alive: new Alive(network),
    links: new Links(network),
    predict: new Predict(network),
    tour: new Tours(network, pageData.tours),
  };
  listen();
  renderAnswer();
  byId("content").hidden = false;
  renderAll();
  parts.links.begin();
  document.documentElement.dataset.ready = "true";
}

start();
