// The page's state in its address, #layer/map/row/column/view?options, so that one can link to a
// number and the browser's Back goes to the one before.

// Where a view is on the page: forward and backward, and the sections that have both.
const SECTIONS = { "": "pixel-title", columns: "columns-title", lab: "lab-title" };
const VIEWS = ["forward", "backward",
  ...["columns", "lab"].flatMap((each) => [each, `${each}-backward`])];
// The address is written when the page has rested for so many milliseconds: who walks over a map
// makes one step for Back, not a hundred, and browsers refuse addresses that change too often.
const REST = 400;

class Links {
  constructor(network) {
    this.network = network;
    this.section = ""; // the one of SECTIONS in which something was done last
    this.language = null; // if it was chosen
    this.start = { ...state };
    this.written = null; // the address of what is shown
    for (const [name, id] of Object.entries(SECTIONS)) {
      for (const event of ["pointerdown", "focusin"]) {
        byId(id).closest("section").addEventListener(event, () => { this.section = name; });
      }
    }
    window.addEventListener("hashchange", () => {
      if (location.hash !== this.written) this.follow();
    });
    for (const button of document.querySelectorAll("[data-link]")) {
      button.addEventListener("click", () => this.copy(button));
    }
    const skip = document.querySelector(".skip"); // its fragment would be read as a place
    skip.addEventListener("click", (event) => {
      event.preventDefault();
      byId("pixel-title").focus();
    });
  }

  // ---- from the page to the address

  get view() {
    const { direction } = state;
    if (!this.section) return direction;
    return direction === "backward" ? `${this.section}-backward` : this.section;
  }

  address() {
    const { layer, map, i, j } = state;
    const place = [this.network.layers[layer].name, map, i, j, this.view];
    const { tour, predict } = parts;
    const options = [
      ...(this.language ? [`lang=${this.language}`] : []),
      ...(tour.name ? [`tour=${encodeURIComponent(tour.name)}`, `step=${tour.step + 1}`] : []),
      ...(predict.on ? ["predict"] : []),
    ];
    return `#${place.map(encodeURIComponent).join("/")}`
      + (options.length ? `?${options.join("&")}` : "");
  }

  // Something changed.
  note() {
    byId("bad-address").hidden = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), REST);
  }

  write() {
    clearTimeout(this.timer);
    const address = this.address();
    if (address === this.written) return;
    this.written = address;
    location.hash = address;
  }

  chooseLanguage(name) {
    this.language = name;
    this.written = this.address();
    try {
      history.replaceState(null, "", this.written); // Back changes the place, not the language
    } catch {
      location.hash = this.written; // in a frame of a notebook
    }
  }

  async copy(button) {
    this.section = button.dataset.link;
    this.write();
    const own = location.protocol !== "about:" && location.protocol !== "blob:";
    const text = (own ? location.href.split("#")[0] : "") + this.written;
    const field = byId("link-text");
    button.after(byId("link"));
    byId("link").hidden = false;
    field.value = text;
    try {
      await navigator.clipboard.writeText(text);
      byId("link-said").textContent = t("link_copied");
    } catch {
      field.select();
      byId("link-said").textContent = t("link_by_hand");
    }
    if (location.protocol === "file:") byId("link-said").textContent += ` ${t("link_file")}`;
  }

  // ---- from the address to the page

  begin() {
    if (location.hash.length > 1) this.follow(true);
    else this.written = this.address();
  }

  follow(first = false) {
    clearTimeout(this.timer);
    const found = readAddress(this.network, location.hash, parts.tour.names);
    if (found.error) {
      byId("bad-address").textContent = t("bad_address", { text: decodeOr(location.hash) })
        + ` ${found.error} ${t("bad_address_shown")}`;
      byId("bad-address").hidden = false;
      byId("bad-address").scrollIntoView({ block: "center" });
      this.written = location.hash;
      return;
    }
    byId("bad-address").hidden = true;
    if (found.language) {
      this.language = found.language;
      if (language !== found.language) {
        language = found.language;
        renderAll();
      }
    }
    parts.predict.on = found.predict;
    parts.tour.go(found.tour, found.step);
    if (found.place || !found.tour) {
      update({ ...this.start, term: 0, ...found.place });
      this.section = found.section;
    }
    this.written = this.address();
    clearTimeout(this.timer);
    if (found.place && !found.tour) this.scroll(first);
  }

  // To the section that the address names, unless one sees it already.
  scroll(always) {
    const title = byId(SECTIONS[this.section]);
    const { top, bottom } = title.closest("section").getBoundingClientRect();
    if (always || bottom < 80 || top > window.innerHeight - 80) {
      title.scrollIntoView({ block: "start" });
    }
  }
}

// {place, section, language, tour, step, predict} of a fragment, or {error: a sentence}. Without
// a layer, place is null.
function readAddress(network, fragment, tours) {
  const found = { place: null, section: "", language: null, tour: null, step: 0, predict: false };
  const [path, options = ""] = fragment.replace(/^#/, "").split(/\?(.*)/s);
  let [layer, map, row, column, view = "forward", ...more] = [];
  try {
    [layer, map, row, column, view = "forward", ...more] = path.split("/").map(decodeURIComponent);
  } catch {
    return { error: t("address_percent") };
  }
  for (const option of options.split("&").filter(Boolean)) {
    const [name, value] = option.split(/=(.*)/s);
    const text = decodeOr(value ?? "");
    if (name === "lang" && text in TEXTS) found.language = text;
    else if (name === "tour" && tours.includes(text)) found.tour = text;
    else if (name === "step" && /^[1-9]\d{0,3}$/.test(text)) found.step = Number(text) - 1;
    else if (name === "predict" && !text) found.predict = true;
    else if (name === "lang") return { error: t("address_language", { text }) };
    else if (name === "tour") return { error: t("address_tour", { text, tours: tours.join(", ") }) };
    else return { error: t("address_option", { text: option }) };
  }
  if (!layer) return more.length || map ? { error: t("address_layer", { text: layer,
    names: someNames(network) }) } : found;
  const number = network.layers.findIndex((each) => each.name === layer);
  if (number < 0) return { error: t("address_layer", { text: layer, names: someNames(network) }) };
  const { kept, shape: [, H, W] } = network.layers[number];
  const place = { layer: number };
  for (const [key, name, text, count] of [["map", "map", map, kept], ["i", "row", row, H],
    ["j", "column", column, W]]) {
    if (text === undefined) continue;
    if (!/^\d{1,9}$/.test(text) || Number(text) >= count) {
      return { error: t("address_number", { what: t(name), text, layer, most: count - 1 }) };
    }
    place[key] = Number(text);
  }
  if (!VIEWS.includes(view) || more.length) {
    return { error: t("address_view", { text: [view, ...more].join("/"),
      views: VIEWS.join(", ") }) };
  }
  place.direction = /backward$/.test(view) ? "backward" : "forward";
  found.section = view.replace(/-?(forward|backward)$/, "");
  found.place = { map: 0, i: 0, j: 0, ...place };
  // Only a layer: somewhere in it where there is something to see.
  if (map === undefined) Object.assign(found.place, largestPlace(network.layers[number]));
  return found;
}

function decodeOr(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function someNames(network) {
  const names = network.layers.map((each) => each.name);
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} …` : `${names.join(", ")}.`;
}

// Where the layer's largest number is.
function largestPlace({ value, gradient, shape: [, H, W] }, what = "value") {
  const numbers = (what === "gradient" ? gradient : value) ?? [];
  let best = 0;
  for (let n = 1; n < numbers.length; n++) {
    if (Math.abs(numbers[n]) > (Math.abs(numbers[best]) || 0)) best = n;
  }
  return { map: Math.floor(best / (H * W)), i: Math.floor(best / W) % H, j: best % W };
}
