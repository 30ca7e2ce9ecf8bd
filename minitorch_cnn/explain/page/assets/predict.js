// Predict, then reveal: the chosen number is hidden, the learner types it, and if it is wrong looks
// for the product that went wrong. What is right is what the shown digits can give.

const MOST_LINES = 30; // of a longer sum, the LARGEST products are lines and the rest is given
const LARGEST = 9;

class Predict {
  constructor(network) {
    this.network = network;
    this.on = false;
    this.revealed = false;
    this.task = null;
    byId("predict-on").addEventListener("click", () => this.turn(!this.on));
    byId("predict-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.checkTotal();
    });
    byId("predict-next").addEventListener("click", () => this.showNext());
    byId("predict-all").addEventListener("click", () => this.reveal());
    byId("predict-other").addEventListener("click", () => this.another());
  }

  // Whether the number must not be seen.
  get hides() {
    return this.on && !this.revealed && this.task !== null;
  }

  turn(on) {
    this.on = on;
    this.key = null;
    update({});
    byId(on && this.task ? "predict-total" : "predict-on").focus();
  }

  // Another number of the same layer.
  another() {
    const { kept, shape: [, H, W] } = this.network.layers[state.layer];
    const any = (count) => Math.floor(Math.random() * count);
    this.key = null;
    update({ map: any(kept), i: any(H), j: any(W), term: 0 });
    byId("predict-total").focus();
  }

  // A new question, if something else is chosen. Before the page shows the number.
  ask() {
    const { layer, map, i, j, direction, term, reader } = state;
    const what = direction === "backward" ? "gradient" : "value";
    const key = [layer, map, i, j, direction, term, reader,
      known(this.network.layers[layer], map, i, j, what)].join(" ");
    if (!this.on) {
      this.key = null;
      this.task = null;
    } else if (key !== this.key) {
      this.key = key;
      this.task = makeTask(this.network);
      this.revealed = false;
      this.typed = {}; // of each field: "total", "p0", "s0", ...
      this.verdicts = {}; // of each field: true, false
      this.shown = 0; // lines that were shown
      this.said = "";
      this.open = false;
    } else if (language !== this.language) {
      this.task = makeTask(this.network); // its lines are in words
    }
    this.language = language;
    document.documentElement.dataset.predict = this.hides ? "hidden" : "";
  }

  render() {
    byId("predict-on").setAttribute("aria-pressed", String(this.on));
    byId("predict").hidden = !this.on;
    if (!this.on) return;
    const { task } = this;
    byId("predict-form").hidden = !task;
    byId("predict-lines").hidden = !task || (!this.open && !this.revealed);
    byId("predict-said").textContent = task ? this.said : t("predict_nothing");
    if (!task) return;
    if (this.hides) byId("total").textContent = "?";
    byId("predict-given").textContent = this.given();
    const total = byId("predict-total");
    if (total.value !== (this.typed.total ?? "")) total.value = this.typed.total ?? "";
    mark(total, this.verdicts.total);
    byId("predict-all").hidden = byId("predict-next").hidden = this.revealed;
    this.renderLines();
  }

  // What the sum has besides its products, in words.
  given() {
    const { lines } = this.task;
    const products = lines.filter((line) => line.product !== null).length;
    const others = lines.filter((line) => line.product === null);
    const sentence = lines[0].choose ? "predict_choose" : "predict_products";
    return [
      products ? t(sentence, { count: products }) : "",
      others.length ? `${t(products ? "predict_besides" : "predict_given")} ${
        others.map((line) => line.text).join("; ")}.` : "",
    ].join(" ").trim();
  }

  renderLines() {
    const { lines } = this.task;
    const focused = document.activeElement?.dataset?.key;
    const field = (key, label, done) => {
      const input = element("input", { type: "text", inputMode: "decimal", autocomplete: "off",
        ariaLabel: label, value: this.typed[key] ?? "", readOnly: done });
      input.dataset.key = key;
      input.addEventListener("change", () => this.checkField(key, input.value));
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        this.checkField(key, input.value);
        this.focusAfter(key);
      });
      mark(input, this.verdicts[key]);
      return element("td", {}, input);
    };
    const rows = lines.map((line, n) => {
      const done = this.revealed || n < this.shown;
      return element("tr", { className: done ? "done" : "" },
        element("th", { scope: "row" }, String(n + 1)), element("td", {}, line.text),
        line.product === null ? element("td", {})
          : field(`p${n}`, t("predict_product", { n: n + 1, text: line.text }), done),
        field(`s${n}`, t("predict_sum", { n: n + 1 }), done));
    });
    const asked = lines.some((line) => line.product !== null);
    const heads = ["", t("predict_line"), asked ? t("products") : "", t("predict_so_far")];
    byId("predict-table").replaceChildren(
      element("thead", {}, element("tr", {}, ...heads.map((text) =>
        element("th", { scope: "col" }, text)))), element("tbody", {}, ...rows));
    if (focused) document.querySelector(`#predict-table [data-key="${focused}"]`)?.focus();
  }

  focusAfter(key) {
    const all = [...document.querySelectorAll("#predict-table input")];
    const next = all.slice(all.findIndex((each) => each.dataset.key === key) + 1)
      .find((each) => !each.readOnly && each.dataset.key[0] === key[0]);
    (next ?? byId("predict-total")).focus();
  }

  // ---- what the learner does

  checkTotal() {
    const text = byId("predict-total").value;
    this.typed.total = text;
    const { total, error, guesses } = this.task;
    const verdict = compare(text, total, error, guesses);
    this.verdicts.total = verdict.right;
    if (verdict.right) {
      this.said = t("predict_right", { value: formatNumber(total) });
      this.revealed = true;
    } else {
      this.said = `${verdict.said} ${verdict.number === null ? "" : t("predict_look")}`.trim();
      this.open ||= verdict.number !== null;
    }
    render(false);
  }

  // A field of the table; an empty one says nothing.
  checkField(key, text) {
    if (this.typed[key] === text && key in this.verdicts) return;
    this.typed[key] = text;
    const n = Number(key.slice(1));
    const line = this.task.lines[n];
    if (!text.trim()) {
      delete this.verdicts[key];
    } else {
      const product = key[0] === "p";
      const verdict = compare(text, product ? line.product : line.sum,
        product ? line.error : line.sumError, product ? line.guesses : []);
      this.verdicts[key] = verdict.right;
      const what = product ? t("predict_product", { n: n + 1, text: line.text })
        : t("predict_sum", { n: n + 1 });
      this.said = `${what}: ${verdict.right ? t("predict_field_right") : verdict.said}`;
      const asked = this.task.lines.flatMap((each, m) => (each.product === null ? [] : [`p${m}`]));
      if (product && asked.length > 1 && asked.every((each) => this.verdicts[each])) {
        this.said += ` ${t("predict_adding")}`;
      }
    }
    render(false);
  }

  showLine(n) {
    const { product, sum } = this.task.lines[n];
    for (const [key, value] of [[`p${n}`, product], [`s${n}`, sum]]) {
      if (value === null) continue;
      // What was typed wrong is named before it is replaced.
      this.typed[key] = formatNumber(value);
      this.verdicts[key] = true;
    }
  }

  showNext() {
    const { lines } = this.task;
    this.open = true;
    if (this.shown >= lines.length) {
      this.reveal();
      return;
    }
    const { text, product, sum } = lines[this.shown];
    this.showLine(this.shown);
    this.shown += 1;
    this.said = t("predict_shown", { n: this.shown, count: lines.length, text,
      product: product === null ? null : formatNumber(product), sum: formatNumber(sum) });
    render(false);
  }

  reveal() {
    const { lines, total } = this.task;
    const wrong = Object.entries(this.verdicts).filter(([key, right]) => key[0] === "p" && !right)
      .map(([key]) => Number(key.slice(1)));
    this.said = [...wrong.map((n) => t("predict_was", { n: n + 1, text: lines[n].text,
      typed: this.typed[`p${n}`], product: formatNumber(lines[n].product) })),
    t("predict_revealed", { value: formatNumber(total) })].join(" ");
    lines.forEach((_, n) => this.showLine(n));
    this.shown = lines.length;
    this.revealed = true;
    render(false);
    byId("predict-other").focus();
  }
}

function mark(input, right) {
  input.classList.toggle("right", right === true);
  input.classList.toggle("wrong", right === false);
  if (right === false) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

// ------------------------------------------------------------------------------------- numbers

// Half a unit of the last of the four digits that are shown.
function halfUnit(value) {
  return value === 0 ? 0 : 0.5 * 10 ** (Math.floor(Math.log10(Math.abs(value))) - 3);
}

// {right, number, said}: a typed number beside the exact one. error: what the rounding of the shown
// numbers may do to it. Who typed two digits or more, is right if these are.
function compare(text, exact, error, guesses = []) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(",", ".").replace(/^\+/, "");
  const number = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
  if (!Number.isFinite(number)) {
    return { right: false, number: null, said: t("predict_no_number", { text }) };
  }
  const [mantissa, power = "0"] = plain.toLowerCase().split("e");
  const digits = mantissa.replace(/[-.]/g, "").replace(/^0+/, "").length;
  const places = (mantissa.split(".")[1] ?? "").length;
  const unit = digits < 2 ? 0 : 0.5 * 10 ** (Number(power) - places);
  const off = Math.abs(number - exact);
  const tiny = 1e-12 * Math.abs(exact);
  if (off <= error + halfUnit(exact) + tiny || off <= Math.min(unit, 0.06 * Math.abs(exact)) + tiny) {
    return { right: true, number, said: t("predict_field_right") };
  }
  const guess = guesses.find((each) => Math.abs(each.value - exact) > 4 * (error + halfUnit(exact))
    && Math.abs(number - each.value) <= error + halfUnit(each.value) + 0.005 * Math.abs(each.value));
  return { right: false, number,
    said: [t("predict_wrong", { text: formatNumber(number) }), guess ? t(guess.why) : ""]
      .join(" ").trim() };
}

// -------------------------------------------------------------------------------- what is asked

// {lines, total, error, guesses} of the chosen number, null if it is no sum that one could work out.
// A line: {text, product, error, sum, sumError, guesses, choose}; product is null where none is
// asked; choose: whether the number counts or not is for the learner to say.
function makeTask(network) {
  const { layer: number, map, i, j, direction } = state;
  const layer = network.layers[number];
  const backward = direction === "backward";
  const what = backward ? "gradient" : "value";
  if (!layer[what]) return null;
  const total = at(layer, map, i, j, what);
  const found = (backward ? explainGradient : explainValue)(network, number, map, i, j);
  const all = backward ? found.parts : [found];
  if (!all.length || all.some((part) => part.sum === null) || Number.isNaN(total)) return null;
  const chosen = all[Math.min(state.reader, all.length - 1)];
  const given = all.filter((part) => part !== chosen).map((part) =>
    ({ label: t("via", { name: network.layers[part.reader].name }), value: part.sum }));
  if (!found.whole && Math.abs(total - found.sum) > 1e-6 * Math.abs(total)) {
    given.push({ label: t("rest"), value: total - found.sum });
  }
  const source = backward ? layer : network.layers[layer.sources[0]];
  const pieces = piecesOf(network, chosen, source, map);
  if (!pieces) return null;
  return addUp({ ...pieces, given: [...pieces.given ?? [], ...given] }, total);
}

// {products: [{text, x, w, choose}], given: [{label, value}], steps: [[operator, value, label]],
// bias, turned}: what a number is made of, for the kinds of arithmetic.js and kinds.js.
function piecesOf(network, part, source, map) {
  if (part.channels) {
    const chosen = part.channels[Math.max(0, Math.min(state.term, part.channels.length - 1))];
    const name = part.bias === undefined ? "filter" : "channel";
    if (!chosen) return null;
    const others = part.sum - chosen.sum - (part.bias ?? 0);
    const inside = chosen.cells.filter((cell) => cell.inside !== false && !Number.isNaN(cell.x));
    const count = chosen.cells.length;
    const turned = chosen.cells.reduce((sum, cell, n) =>
      sum + (cell.x || 0) * chosen.cells[count - 1 - n].w, 0);
    return { ...largestOnly(inside), bias: part.bias ?? null, turned: turned - chosen.sum,
      given: [...(part.channels.length > 1 ? [{ value: others,
        label: t(`other_${name}s`, { count: part.channels.length - 1 }) }] : []),
      ...(part.bias ? [{ label: t("bias"), value: part.bias }] : [])] };
  }
  if (part.terms) {
    const sum = part.terms.reduce((all, term) => all + term.product, 0);
    const bias = part.sum - sum;
    const some = Math.abs(bias) > 1e-9 * Math.abs(part.sum);
    return { ...largestOnly(part.terms), bias: some ? bias : null,
      given: some ? [{ label: t("bias"), value: bias }] : [] };
  }
  if (part.windows) {
    return largestOnly(part.windows.map((each) =>
      ({ x: each.gy, w: each.share, product: each.gy * each.share })));
  }
  switch (part.kind) {
    case "maxpool":
      return largestOnly(part.cells.map((each) => {
        const x = at(source, map, each.row, each.column);
        return { x, w: each === part.best ? 1 : 0, choose: t("predict_if_largest"),
          product: each === part.best ? x : 0 };
      }));
    case "average":
      return largestOnly(part.cells.map((each) => {
        const x = at(source, map, each.row, each.column);
        return { x, w: 1 / part.area, product: x / part.area };
      }));
    case "relu": {
      if (part.gy === undefined) {
        return largestOnly([{ x: part.x, w: Number(part.x > 0), product: Math.max(0, part.x),
          choose: t("predict_if_positive") }]);
      }
      const y = at(network.layers[part.reader], map, state.i, state.j);
      return largestOnly([{ x: part.gy, w: Number(part.open), product: part.open ? part.gy : 0,
        choose: t("predict_if_open", { y: formatNumber(y) }) }]);
    }
    case "affine":
      if (part.gy !== undefined) {
        return largestOnly([{ x: part.gy, w: part.scale, product: part.gy * part.scale }]);
      }
      return { steps: [["", part.x, "x"], ["−", part.mean, "mean"], ["×", part.invstd, "1/σ"],
        ["×", part.weight, "w"], ["+", part.bias, "b"]] };
    case "add":
      return { given: part.parts.map((value, n) => ({ value,
        label: network.layers[network.layers[state.layer].sources[n]].name })) };
    case "copy":
      return { given: [{ label: "x", value: part.sum }] };
    default: {
      const steps = (part.equation ?? []).map(([operator, value, label]) =>
        [operator.replace("(", ""), value, label]);
      if (!steps.length) return null;
      const plain = steps.every(([operator], n) => (n ? "+−×÷".includes(operator) && operator
        : operator === ""));
      // A curve, a maximum: its formula is on the page, the number that goes in is given.
      return plain ? { steps } : { inputs: steps };
    }
  }
}

function largestOnly(products) {
  if (products.length <= MOST_LINES) return { products };
  const sorted = [...products].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const rest = sorted.slice(LARGEST);
  return { products: sorted.slice(0, LARGEST), more: { value: sumOf(rest),
    label: t("predict_others", { count: rest.length }) } };
}

// The lines with what stands after each of them.
function addUp({ products = [], given = [], steps = [], inputs = [], more = null, bias = null,
  turned = 0 }, total) {
  const lines = [];
  let [sum, sumError] = [0, 0];
  const put = (text, product, error, guesses = [], choose = false) => {
    lines.push({ text, product, error, sum, sumError, guesses, choose });
  };
  for (const { x, w, product, choose } of products) {
    const error = (Math.abs(x) * halfUnit(w) + Math.abs(w) * halfUnit(x)) * (choose ? 0 : 1);
    sum += product;
    sumError += error + halfUnit(product);
    put(choose ? `${formatNumber(x)} ${choose}` : `${formatNumber(x)} × ${formatNumber(w)}`,
      product, error + halfUnit(product), [{ value: -product, why: "predict_sign" },
        { value: x + w, why: "predict_plus" }, { value: product * 10, why: "predict_ten" },
        { value: product / 10, why: "predict_ten" }], Boolean(choose));
  }
  const ofProducts = sum;
  for (const [operator, value, label] of steps) {
    const h = halfUnit(value);
    if (operator === "×") sumError = Math.abs(sum) * h + Math.abs(value) * sumError;
    else if (operator === "÷") sumError = (sumError + Math.abs(sum / value) * h) / Math.abs(value);
    else sumError += h;
    if (operator === "×") sum *= value;
    else if (operator === "÷") sum /= value;
    else sum += operator === "−" ? -value : value;
    sumError += halfUnit(sum);
    put(`${operator} ${label} ${formatNumber(value)}`.trim(), null, 0);
  }
  for (const { label, value } of [...(more ? [more] : []), ...given]) {
    sum += value;
    sumError += halfUnit(value);
    put(`${label}: ${formatNumber(value)}`, null, 0);
  }
  for (const [operator, value, label] of inputs) {
    [sum, sumError] = [total, halfUnit(total) + 4 * halfUnit(value)];
    put(`${operator} ${formatNumber(value)} ${label}`.trim(), null, 0);
  }
  return { lines, total, error: sumError, guesses: [
    { value: -total, why: "predict_sign" },
    ...(bias ? [{ value: total - bias, why: "predict_bias" }] : []),
    ...(lines.length > products.length && products.length
      ? [{ value: ofProducts, why: "predict_only" }] : []),
    ...(turned ? [{ value: total + turned, why: "predict_turned" }] : []),
  ] };
}
