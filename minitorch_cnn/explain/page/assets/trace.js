// One number, taken apart: where the value comes from, or where the gradient comes from.

const FORMULAS = {
  conv: "y[k,i,j] = b[k] + Σ_c Σ_u Σ_v w[k,c,u,v] · x[c, i·s + u·d − p, j·s + v·d − p]",
  conv_backward: "∂x[c,m,n] = Σ_k Σ_i Σ_j ∂y[k,i,j] · w[k,c,u,v]   where   "
    + "m = i·s + u·d − p,   n = j·s + v·d − p",
  conv3d: "y[k,t,i,j] = b[k] + Σ_c Σ_r Σ_u Σ_v w[k,c,r,u,v] "
    + "· x[c, t·s + r·d − p, i·s + u·d − p, j·s + v·d − p]",
  affine: "y = (x − mean) · 1/σ · w + b",
  relu: "y = max(0, x)",
  linear: "y[k] = b[k] + Σ_c w[k,c] · x[c]",
};

class Trace {
  constructor(network, onMove) {
    this.network = network;
    this.own = new MapView(mover(() => this.network.layers[state.layer], onMove));
    this.others = [new MapView(), new MapView()];
  }

  render() {
    const { layer: number, map, i, j, direction } = state;
    const layer = this.network.layers[number];
    const backward = direction === "backward";
    const what = backward ? "gradient" : "value";
    const total = layer[what] ? at(layer, map, i, j, what) : null;
    byId("where").textContent = t(backward ? "where_backward" : "where_forward",
      { place: placeName(layer, number, map, i, j), target: answerName() });
    byId("total").textContent = formatNumber(total);
    byId("sums").replaceChildren();
    byId("products").replaceChildren();
    byId("check").textContent = "";
    byId("why").textContent = "";
    showFormula("");
    byId("readers").replaceChildren();
    const readers = this.network.layers.filter((each) => each.sources.includes(number));
    byId("arrival-title").hidden = !backward || readers.length === 0;
    byId("arrival-title").textContent = t("arrival_title",
      { layer: layer.name, readers: readers.map((each) => each.name).join(", ") });
    if (total === null) {
      byId("why").textContent = t("no_gradient");
      this.showMaps([], backward);
    } else if (Number.isNaN(total)) {
      byId("why").textContent = t("not_stored");
      this.showMaps([], backward);
    } else if (backward) {
      this.renderGradient(number, total);
    } else {
      this.renderValue(number, total);
    }
  }

  // ---- the value

  renderValue(number, total) {
    const { map, i, j } = state;
    const layer = this.network.layers[number];
    const sources = layer.sources.map((each) => this.network.layers[each]);
    const found = explainValue(this.network, number, map, i, j);
    showFormula(FORMULAS[layer.kind] ?? "");
    const { whole } = found;
    const rest = whole || found.sum === null ? null : total - found.sum;
    const views = [];
    switch (found.kind) {
      case "conv": {
        if (!found.channels.length) { // what it reads is not in the page
          this.equation([["", total, t("rest")]], total);
          break;
        }
        const { chosen, channels } = this.chooseTerm(found.channels);
        const scale = makeScale(sources[0].value, "value");
        views.push({ layer: sources[0], map: chosen.channel, cells: inside(chosen.cells),
          padding: layer.options.padding });
        if (hasSmallKernel(layer)) {
          this.products(chosen.cells, kernelSize(layer)[1], scale, ["window", "kernel"],
            (cell) => (cell.inside ? cell.x : null), found.channels);
        } else {
          this.productBars(chosen.cells.map((each) => ({ ...each, feature: `${each.u},${each.v}` })));
        }
        const unit = layer.kind === "conv3d" ? "slice" : "channel";
        this.bars(`${unit}_sums`, channels);
        this.equation(this.sumOfTerms(found, rest, unit, sources[0]), total);
        byId("why").textContent = t(`why_${layer.kind}`);
        break;
      }
      case "linear":
        views.push({ layer: sources[0], map: 0, cells: [] });
        this.productBars(found.terms);
        this.equation([["", found.sum - (found.bias ?? 0), `Σ w·x`],
          ...optional("+", found.bias, t("bias")), ...optional("+", rest, t("rest"))], total);
        byId("why").textContent = t("why_linear");
        break;
      case "affine":
        views.push({ layer: sources[0], map, cells: [{ row: i, column: j }] });
        this.equation([["(", found.x, "x"], ["−", found.mean, "mean", ")"],
          ["×", found.invstd, "1/σ"], ["×", found.weight, "w"], ["+", found.bias, "b"]], total);
        byId("why").textContent = t("why_affine");
        break;
      case "relu":
        views.push({ layer: sources[0], map, cells: [{ row: i, column: j }] });
        this.equation([["max( 0,", found.x, "x", ")"]], total);
        byId("why").textContent = t("why_relu");
        break;
      case "add":
        sources.forEach((source) =>
          views.push({ layer: source, map, cells: [{ row: i, column: j }] }));
        this.equation(found.parts.map((part, n) => [n ? "+" : "", part, sources[n].name]), total);
        byId("why").textContent = t("why_add");
        break;
      case "maxpool":
      case "average":
        views.push({ layer: sources[0], map, cells: found.cells });
        this.poolNumbers(found, sources[0], map);
        this.equation(found.kind === "maxpool" ? [["max", found.sum, "x"]]
          : [["", found.total, "Σ x"], ["÷", found.area, ""]], total);
        byId("why").textContent = t(`why_${found.kind}`, { area: found.area });
        break;
      case "copy": {
        const [, h, w] = sources[0].shape;
        const place = (map * layer.shape[1] + i) * layer.shape[2] + j;
        views.push({ layer: sources[0], map: Math.floor(place / (h * w)),
          cells: [{ row: Math.floor(place / w) % h, column: place % w }] });
        this.equation([["", found.sum, "x"]], total);
        byId("why").textContent = t("why_copy");
        break;
      }
      case "input":
        byId("why").textContent = t(this.inputPixel(total) ? "why_input" : "why_given");
        break;
      default:
        this.renderKind(found, total, views, [...found.equation ?? [],
          ...optional("+", rest, t("rest"))]);
    }
    this.showMaps(views, false);
    if (whole && found.sum !== null && found.kind !== "input") this.check(found.sum, total);
  }

  // ---- the gradient

  renderGradient(number, total) {
    const { map, i, j } = state;
    const found = explainGradient(this.network, number, map, i, j);
    if (found.parts.length === 0) {
      byId("why").textContent = t("why_score");
      this.showMaps([], true);
      return;
    }
    const { whole } = found;
    const rest = whole ? null : total - found.sum;
    const index = Math.min(state.reader, found.parts.length - 1);
    if (found.parts.length > 1) this.readerButtons(found.parts, index);
    const part = found.parts[index];
    const reader = this.network.layers[part.reader];
    const names = found.parts.map((each) => this.network.layers[each.reader].name);
    const several = found.parts.length > 1
      ? found.parts.map((each, n) => [n ? "+" : "", each.sum, t("via", { name: names[n] })])
      : null;
    const pixel = [{ row: i, column: j }];
    const views = [];
    const show = (terms) => this.equation(several
      ? [...several, ...optional("+", rest, t("rest"))] : terms, total);
    switch (part.kind) {
      case "conv": {
        if (!part.channels.length) {
          show([["", part.sum, ""], ...optional("+", rest, t("rest"))]);
          break;
        }
        const { chosen, channels } = this.chooseTerm(part.channels);
        views.push({ layer: reader, map: chosen.channel,
          cells: chosen.cells.map((cell) => ({ row: cell.i, column: cell.j })) });
        const columns = new Set(chosen.cells.map((cell) => cell.j)).size;
        if (chosen.cells.length <= MOST_CELLS) {
          this.products(chosen.cells, columns, makeScale(reader.gradient, "gradient"),
            ["gradient_window", "turned_kernel"], (cell) => cell.x, part.channels, "gradient");
        }
        const volume = reader.kind === "conv3d";
        this.bars(volume ? "slice_sums_backward" : "filter_sums", channels, "gradient");
        show(this.sumOfTerms(part, rest, volume ? "slice" : "filter", reader));
        showFormula(volume ? "" : FORMULAS.conv_backward);
        byId("why").textContent = t("why_conv_backward");
        break;
      }
      case "linear":
        views.push({ layer: reader, map: 0, cells: [] });
        this.productBars(part.terms, "gradient");
        show([["", part.sum, "Σ w·∂y"], ...optional("+", rest, t("rest"))]);
        byId("why").textContent = t("why_linear_backward");
        break;
      case "affine":
        views.push({ layer: reader, map, cells: pixel });
        show([["", part.gy, "∂y"], ["×", part.scale, "w/σ"]]);
        byId("why").textContent = t("why_affine_backward");
        break;
      case "relu":
        views.push({ layer: reader, map, cells: pixel });
        show([["", part.gy, "∂y"], ["×", part.open ? 1 : 0,
          t(part.open ? "relu_open" : "relu_closed")]]);
        byId("why").textContent = t("why_relu_backward");
        break;
      case "maxpool":
      case "average":
        views.push({ layer: reader, map,
          cells: part.windows.map((each) => ({ row: each.i, column: each.j })) });
        show(part.windows.slice(0, 9).flatMap((each, n) =>
          [[n ? "+" : "", each.gy, "∂y"], ["×", each.share, ""]]));
        byId("why").textContent = t(`why_${part.kind}_backward`);
        break;
      case "copy":
        views.push({ layer: reader, map: Math.min(map, reader.kept - 1),
          cells: reader.shape[1] > i && reader.shape[2] > j ? pixel : [] });
        show([["", part.sum, "∂y"]]);
        byId("why").textContent = t(reader.kind === "add" ? "why_add" : "why_copy");
        break;
      default:
        this.renderKind(part, total, views, several ? [...several, ...optional("+", rest, t("rest"))]
          : [...part.equation ?? [], ...optional("+", rest, t("rest"))], "gradient");
    }
    this.showMaps(views, true);
    if (whole) this.check(found.sum, total);
  }

  readerButtons(parts, index) {
    byId("readers").append(...parts.map((part, n) => element("button", {
      type: "button",
      ariaPressed: String(n === index),
      onclick: () => update({ reader: n, term: 0 }),
    }, `${t("via", { name: this.network.layers[part.reader].name })}: ${formatNumber(part.sum)}`)));
  }

  // A kind of kinds.js: its products, its equation, what it reads.
  renderKind(found, total, views, equation, what = "weight") {
    views.push(...(found.views ?? []).filter((view) => view.map < view.layer.kept));
    if (found.terms?.length > 1) this.productBars(found.terms, what);
    for (const { map, cells } of found.windows ?? []) {
      this.poolNumbers({ cells, best: found.best?.map === map ? cells.find((each) =>
        each.row === found.best.row && each.column === found.best.column) : null },
      views[0].layer, map);
    }
    if (found.sum !== null && equation.length) this.equation(equation, total);
    showFormula(found.formula ?? "");
    byId("why").textContent = t(found.why ?? "why_other", found.whyValues ?? {});
  }

  // ---- pieces

  chooseTerm(channels) {
    state.term = Math.max(0, Math.min(state.term, channels.length - 1));
    return { chosen: channels[state.term], channels };
  }

  // window x kernel = products, as three grids of numbers.
  products(cells, columns, scale, [first, second], valueOf, channels, what = "value") {
    const weights = channels.flatMap((each) => each.cells.map((cell) => cell.w));
    const products = channels.flatMap((each) => each.cells.map((cell) => cell.product));
    byId("products").append(productGrids(cells, columns, { title: t(first), valueOf, scale },
      { title: t(second), valueOf: (cell) => cell.w, scale: makeScale(weights, "weight") },
      makeScale(products, what === "gradient" ? what : "weight")));
  }

  bars(title, channels, what = "weight") {
    if (channels.length < 2) return;
    const sums = channels.map((each) => each.sum);
    const label = t(title, { count: sums.length });
    byId("sums").append(
      titledBars(label, sums, state.term, makeScale(sums, what), (term) => update({ term })));
  }

  productBars(terms, what = "weight") {
    const largest = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
      .slice(0, 24);
    const label = t("term_sums", { count: largest.length, all: terms.length });
    const products = largest.map((term) => term.product);
    const cells = largest.slice(0, 6);
    byId("sums").append(titledBars(label, products, -1, makeScale(products, what), () => {}));
    byId("sums").append(element("ul", { className: "term-list" }, ...cells.map((term) =>
      element("li", {}, `[${term.feature}] ${formatNumber(term.x)} × ${formatNumber(term.w)} = `
        + formatNumber(term.product)))));
  }

  poolNumbers(found, source, map) {
    if (found.cells.length > 81) return;
    const columns = new Set(found.cells.map((cell) => cell.column)).size;
    const best = found.best ? found.cells.indexOf(found.best) : -1;
    const grid = numberGrid(t("window"), found.cells, columns,
      (cell) => at(source, map, cell.row, cell.column), makeScale(source.value, "value"), best);
    byId("products").append(element("div", { className: "product" }, grid));
  }

  inputPixel(total) {
    const { map } = state;
    const { mean, std } = pageData;
    const c = Math.floor(map / (this.network.layers[0].options.slices ?? 1));
    const exact = 255 * (total * std[c] + mean[c]);
    const pixel = Math.round(exact);
    if (Math.abs(exact - pixel) > 0.01 || pixel < 0 || pixel > 255) return false; // not a picture
    this.equation([["(", pixel, t("kinds").input], ["÷", 255, ""], ["−", mean[c], "mean", ")"],
      ["÷", std[c], "σ"]], total);
    return true;
  }

  // [operator, value, label, closing bracket] for the chosen term, the others, bias and rest.
  sumOfTerms(found, rest, name, layer) {
    const chosen = found.channels[state.term];
    const others = found.channels.length - 1;
    const bias = found.bias ?? null;
    const parts = [["", chosen.sum, t(`this_${name}`, { c: mapName(layer, chosen.channel) })]];
    if (others) {
      const sum = found.sum - chosen.sum - (bias ?? 0);
      parts.push(["+", sum, t(`other_${name}s`, { count: others })]);
    }
    return [...parts, ...optional("+", bias, t("bias")), ...optional("+", rest, t("rest"))];
  }

  equation(parts, total) {
    byId("sums").append(equationRow(parts, total));
  }

  check(here, python) {
    byId("check").replaceChildren(...checkLine(here, python).childNodes);
  }

  // The other maps and this one, in the order of the network; an arrow shows the way.
  showMaps(views, backward) {
    const { layer: number, map, i, j } = state;
    const what = backward ? "gradient" : "value";
    const layer = this.network.layers[number];
    describeMap(this.own, { layer, map, what, pixel: [i, j], cells: [] });
    const shown = views.slice(0, 2).map((view, n) => {
      describeMap(this.others[n], { what, ...view });
      return this.others[n].figure;
    });
    const arrow = element("span", { className: "arrow", ariaHidden: "true" },
      backward ? "←" : "→");
    const order = [...shown, ...(shown.length ? [arrow] : []), this.own.figure];
    const wanted = backward ? order.reverse() : order;
    const container = byId("maps");
    // Moving the focused map would take the focus away, so the others move around it.
    for (const node of [...container.childNodes]) {
      if (node !== this.own.figure) node.remove();
    }
    if (!container.contains(this.own.figure)) container.append(this.own.figure);
    const middle = wanted.indexOf(this.own.figure);
    this.own.figure.before(...wanted.slice(0, middle));
    this.own.figure.after(...wanted.slice(middle + 1));
  }
}

// A formula; Σ_c is shown with its index below.
function showFormula(formula) {
  byId("formula").replaceChildren(...formula.split(/_(\w)/).map((piece, n) =>
    (n % 2 ? element("sub", {}, piece) : piece)));
}

function optional(operator, value, label) {
  return value === null || value === undefined ? [] : [[operator, value, label]];
}

function inside(cells) {
  return cells.filter((cell) => cell.inside);
}

// A number's place in words: a pixel of a map, one of a row of features, or a class's score.
function placeName(layer, number, map, row, column) {
  if (columnsOfFeatures(layer) === null) {
    return t("place_map", { layer: layer.name, map: mapName(layer, map), row, column });
  }
  return number === network.layers.length - 1
    ? t("place_class", { layer: layer.name, name: className(map) })
    : t("place_feature", { layer: layer.name, map });
}

// Maps of one number each are features: they are drawn as one picture, in rows of so many.
function columnsOfFeatures({ shape: [, H, W], kept }) {
  if (H * W > 1 || kept < 2) return null;
  return kept <= 16 ? kept : Math.ceil(Math.sqrt(kept));
}

// What a click or an arrow key in a layer's MapView chooses: a pixel, or a feature.
function mover(layerOf, onMove) {
  return (i, j) => {
    const columns = columnsOfFeatures(layerOf());
    if (columns === null) onMove(i, j);
    else update({ map: Math.min(layerOf().kept - 1, i * columns + j) });
  };
}

// Shows one map of a layer in a MapView, with its caption and its alternative text; of features
// all of them.
function describeMap(view, { layer, map, what, cells, padding = [0, 0, 0, 0], pixel = null }) {
  const [, H, W] = layer.shape;
  const values = layer[what] ?? new Float32Array(layer.kept * H * W);
  const scale = makeScale(values, what);
  const columns = columnsOfFeatures(layer);
  if (columns !== null) {
    showNumbers(view, {
      name: t(what === "gradient" ? "features_gradient" : "features_caption",
        { layer: layer.name, count: layer.kept }),
      H: Math.ceil(layer.kept / columns), W: columns, scale,
      pixel: pixel ? [Math.floor(map / columns), map % columns] : null,
      valueAt: (i, j) => values[i * columns + j] ?? null,
    });
    return;
  }
  const own = values.subarray(map * H * W, (map + 1) * H * W);
  const name = t(what === "gradient" ? "gradient_caption" : "map_caption",
    { layer: layer.name, map: mapName(layer, map) });
  showNumbers(view, { name, H, W, scale, cells, padding, pixel,
    valueAt: (i, j) => own[i * W + j] });
}
