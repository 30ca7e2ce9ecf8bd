// The whole network as a row of cards, one for each layer, with all its maps as tiles.

const STRIP_HEIGHT = 320;
const GAP = 3;

// The side of a tile on the screen.
function tileSide(layer) {
  const [, height, width] = layer.shape;
  if (layer.kept <= 3 && Math.min(height, width) >= 7) return 98; // there is room
  if (height >= 24) return 37;
  if (height >= 12) return 29;
  if (height >= 5) return 23;
  return height > 1 ? 16 : 10;
}

const LANE = 6; // pixels from one line above the cards to the next
const LANES = 16;

// The layers that are read from further on, with their readers and a free lane for the line there.
function findLanes(layers) {
  const ends = []; // of each lane, the last card that its line reaches
  return layers.flatMap((_, source) => {
    const readers = layers.map((each, number) => [each, number])
      .filter(([each, number]) => number !== source + 1 && each.sources.includes(source))
      .map(([, number]) => number);
    if (!readers.length) return [];
    let lane = ends.findIndex((end) => end <= source);
    if (lane < 0) lane = ends.length < LANES ? ends.length : source % LANES;
    ends[lane] = readers[readers.length - 1];
    return [{ source, readers, lane }];
  });
}

class Strip {
  constructor(container, network, onSelect) {
    this.container = container;
    this.network = network;
    this.onSelect = onSelect;
    this.scratch = document.createElement("canvas");
    this.waiting = new Set(); // cards that are still to be painted
    this.row = element("div", { className: "strip-row" });
    this.arcs = svgElement("svg", { class: "arcs", "aria-hidden": "true" });
    this.cards = network.layers.map((layer, number) => this.makeCard(layer, number));
    this.row.append(this.arcs, ...this.cards.map((card) => card.node));
    this.lanes = findLanes(network.layers);
    if (this.lanes.length) {
      this.arcHeight = 16 + LANE * (1 + Math.max(...this.lanes.map(({ lane }) => lane)));
      this.row.style.paddingTop = `${this.arcHeight + 4}px`;
      this.arcs.style.height = `${this.arcHeight}px`;
    }
    container.replaceChildren(this.row);
    container.addEventListener("keydown", (event) => this.onKey(event));
    container.addEventListener("scroll", () => this.paintVisible());
    window.addEventListener("resize", () => this.drawArcs());
  }

  makeCard(layer, number) {
    const side = tileSide(layer);
    const rows = Math.min(layer.kept, Math.max(1, Math.floor(STRIP_HEIGHT / (side + GAP))));
    const columns = Math.ceil(layer.kept / rows);
    const canvas = element("canvas", { className: "tiles" });
    const chosen = element("div", { className: "tile-chosen" });
    const tiles = element("div", { className: "tiles-frame" }, canvas, chosen);
    const kind = element("span", { className: "card-kind" });
    const more = layer.shape[0] - layer.kept;
    const node = element("div", { className: "card", title: `${layer.name}\n${layer.text}`.trim() },
      element("span", { className: "card-name" }, shortName(layer.name)),
      kind,
      element("span", { className: "card-shape" }, layer.shape.join("×")
        + (more > 0 ? ` (${layer.kept})` : "")),
      tiles);
    node.classList.toggle("follows", layer.sources.includes(number - 1));
    // The canvas has its size before it is painted, so that the cards behind it keep their place.
    const width = columns * (side + GAP) - GAP;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${rows * (side + GAP) - GAP}px`;
    const card = { layer, number, side, rows, columns, canvas, chosen, node, kind, width };
    tiles.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left) / (side + GAP));
      const row = Math.floor((event.clientY - box.top) / (side + GAP));
      const map = column * rows + row;
      if (map < layer.kept) this.onSelect(number, map);
    });
    return card;
  }

  // Paints all maps; needed again for the other direction, language or theme.
  paintAll(what) {
    for (const card of this.cards) card.kind.textContent = kindName(card.layer);
    this.container.setAttribute("aria-label", t("strip_label", { count: this.cards.length }));
    this.repaint(what);
    this.drawArcs();
  }

  // Other numbers: the cards in sight at once, the others when there is time.
  repaint(what) {
    this.what = what;
    this.waiting = new Set(this.cards);
    this.paintVisible();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.paintRest(), 50);
  }

  paintVisible() {
    const { scrollLeft, clientWidth } = this.container;
    const places = [...this.waiting].map((card) => [card, card.node.offsetLeft]);
    for (const [card, left] of places) {
      if (left > scrollLeft + clientWidth || left + card.width < scrollLeft) continue;
      this.paintCard(card, this.what);
      this.waiting.delete(card);
    }
  }

  paintRest() {
    const end = performance.now() + 10;
    for (const card of this.waiting) {
      this.paintCard(card, this.what);
      this.waiting.delete(card);
      if (performance.now() > end) break;
    }
    if (this.waiting.size) this.timer = setTimeout(() => this.paintRest());
  }

  paintCard({ layer, number, side, rows, columns, canvas }, what) {
    const values = layer[what];
    const [, H, W] = layer.shape;
    const density = Math.min(2, window.devicePixelRatio || 1);
    const step = side + GAP;
    canvas.width = (columns * step - GAP) * density;
    canvas.height = (rows * step - GAP) * density;
    if (!values) return;
    const scale = makeScale(values, what);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    paint(this.scratch, layer.kept * H, W, (i, j) => values[i * W + j], scale);
    for (let map = 0; map < layer.kept; map++) {
      const [x, y] = [Math.floor(map / rows) * step, (map % rows) * step];
      const box = [x, y, side, side].map((length) => length * density);
      context.drawImage(this.scratch, 0, map * H, W, H, ...box);
      if (this.network.off?.get(number)?.has(map)) crossOut(context, ...box);
    }
  }

  mark(number, map) {
    for (const card of this.cards) card.node.classList.toggle("current", card.number === number);
    const { chosen, side, rows, node } = this.cards[number];
    const step = side + GAP;
    chosen.style.cssText = `width:${side}px;height:${side}px;`
      + `left:${Math.floor(map / rows) * step}px;top:${(map % rows) * step}px`;
    this.lightArcs(number);
    const left = node.offsetLeft;
    const { scrollLeft, clientWidth } = this.container;
    if (left < scrollLeft || left + node.offsetWidth > scrollLeft + clientWidth) {
      this.container.scrollTo({ left: left - clientWidth / 2 + node.offsetWidth / 2 });
    }
  }

  // Lines from each layer to those that read it, other than to its neighbour: up, along, and down
  // at every reader, each layer's in a lane of its own.
  drawArcs() {
    const middle = (card) => card.node.offsetLeft + card.node.offsetWidth / 2;
    this.arcs.setAttribute("width", this.row.scrollWidth);
    this.arcs.replaceChildren(...this.lanes.map(({ source, readers, lane }) => {
      const [from, bottom, r] = [middle(this.cards[source]), this.arcHeight, 5];
      const top = bottom - 8 - LANE * (lane + 1);
      const d = readers.map((reader) => {
        const to = middle(this.cards[reader]);
        return `M ${from} ${bottom} V ${top + r} Q ${from} ${top} ${from + r} ${top} H ${to - r} `
          + `Q ${to} ${top} ${to} ${top + r} V ${bottom}`;
      });
      return svgElement("path", { d: d.join(" "), "data-layers": [source, ...readers].join(" ") });
    }));
    this.lightArcs(state.layer);
  }

  // The lines of the chosen layer stand out.
  lightArcs(number) {
    for (const path of this.arcs.children) {
      const own = path.dataset.layers.split(" ").includes(String(number));
      path.style.opacity = own ? 1 : 0.3;
      path.style.strokeWidth = own ? 2.5 : 1.2;
    }
  }

  onKey(event) {
    const { layer: number, map } = state;
    const { rows, layer } = this.cards[number];
    const last = this.cards.length - 1;
    const sideways = (step) => {
      const target = map + step * rows;
      if (target >= 0 && target < layer.kept) return [number, target];
      if (step > 0 && Math.floor(map / rows) < Math.floor((layer.kept - 1) / rows)) {
        return [number, layer.kept - 1];
      }
      const neighbour = Math.max(0, Math.min(last, number + step));
      return neighbour === number ? [number, map] : [neighbour, map % rows];
    };
    const moves = {
      ArrowDown: () => [number, Math.min(layer.kept - 1, map + 1)],
      ArrowUp: () => [number, Math.max(0, map - 1)],
      ArrowRight: () => sideways(1),
      ArrowLeft: () => sideways(-1),
      Home: () => [0, 0],
      End: () => [last, 0],
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [toLayer, toMap] = moves[event.key]();
    this.onSelect(toLayer, Math.min(toMap, this.cards[toLayer].layer.kept - 1));
  }
}

// A map that is switched off.
function crossOut(context, x, y, width, height) {
  context.strokeStyle = cssColour(palette.positive);
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + width, y + height);
  context.moveTo(x + width, y);
  context.lineTo(x, y + height);
  context.stroke();
}
