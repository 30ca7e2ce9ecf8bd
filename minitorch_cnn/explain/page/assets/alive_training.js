// Steps of SGD on the picture, and the loss as a line.

class Training {
  constructor(alive) {
    this.alive = alive;
    this.losses = [];
    this.target = null;
    this.running = false;
    const last = alive.network.layers[alive.network.layers.length - 1];
    this.possible = last.shape[0] > 1 && last.shape[1] * last.shape[2] === 1;
    this.count = this.countLearned();
    byId("alive-step").addEventListener("click", () => this.train(1));
    byId("alive-train").addEventListener("click", () =>
      this.train(Math.max(1, Math.round(Number(byId("alive-steps").value) || 1))));
    byId("alive-stop").addEventListener("click", () => this.alive.engine.ask("stop"));
    byId("alive-target").addEventListener("change", (event) => {
      this.target = Number(event.target.value);
      this.forget();
      this.render();
    });
  }

  // How many learned numbers the engine knows; one parameter may be that of several layers.
  countLearned() {
    const sizes = new Map();
    const { layers, formulas } = this.alive.network;
    for (const { names, whole, value } of [...layers, ...formulas]) {
      for (const [name, parameter] of Object.entries(names)) {
        sizes.set(parameter, (name === "value" ? value : whole[name].data).length);
      }
    }
    return [...sizes.values()].reduce((a, b) => a + b, 0);
  }

  forget() {
    this.losses = [];
  }

  async train(steps) {
    const { alive } = this;
    const rate = Number(byId("alive-rate").value);
    if (this.running || !(rate >= 0)) return;
    this.running = true;
    this.render();
    while (alive.busy) await new Promise((resolve) => { setTimeout(resolve, 5); }); // a camera, say
    alive.busy = true;
    try {
      if (!this.losses.length) this.losses.push(lossOf(alive.network, this.target));
      const found = await alive.engine.ask("train", { target: this.target, rate, steps },
        (news) => this.hear(news));
      alive.take(found);
    } catch (error) {
      alive.say(error);
    } finally {
      this.running = alive.busy = false;
      byId("alive-progress").hidden = true;
    }
    alive.show();
    alive.flush();
  }

  hear(news) {
    this.alive.news(news);
    if (news.loss === undefined) return;
    this.losses.push(news.loss);
    this.alive.showAnswer(news.answer);
    this.renderLoss();
  }

  render() {
    byId("training").hidden = !this.possible;
    byId("training-missing").hidden = this.possible;
    if (!this.possible) return;
    const classes = this.alive.network.layers[this.alive.network.layers.length - 1].shape[0];
    this.target ??= largestOf(this.alive.network.layers[this.alive.network.layers.length - 1].value);
    const select = byId("alive-target");
    if (select.children.length !== classes) {
      select.replaceChildren(...Array.from({ length: classes }, (_, n) =>
        element("option", { value: String(n) }, className(n))));
    }
    select.value = String(this.target);
    byId("alive-loss").setAttribute("aria-busy", String(this.running)); // one word at the end
    for (const id of ["alive-step", "alive-train", "alive-target"]) byId(id).disabled = this.running;
    byId("alive-stop").hidden = !this.running;
    byId("alive-mode").textContent = t("training_mode", {
      count: this.count.toLocaleString("en"), all: pageData.learned.toLocaleString("en") });
    this.renderLoss();
  }

  renderLoss() {
    const { losses } = this;
    const values = losses.length ? { target: className(this.target), count: losses.length - 1,
      first: formatNumber(losses[0]), loss: formatNumber(losses[losses.length - 1]) } : null;
    const broken = losses.some((loss) => !Number.isFinite(loss));
    byId("alive-loss").textContent = broken ? t("loss_broken") : values ? t("loss_now", values) : "";
    byId("alive-plot").replaceChildren(...(losses.length > 1 && !broken
      ? [lossPlot(losses, t("loss_plot", values))] : []));
  }
}

function lossOf(network, target) {
  const { value } = network.layers[network.layers.length - 1];
  const largest = value[largestOf(value)];
  return Math.log(value.reduce((sum, score) => sum + Math.exp(score - largest), 0))
    + largest - value[target];
}

// A line over the steps, from 0 to the largest loss.
function lossPlot(losses, label) {
  const most = Math.max(...losses) || 1;
  const points = losses.map((loss, n) =>
    `${(100 * n) / (losses.length - 1)},${96 - (92 * loss) / most}`);
  const svg = svgElement("svg", { class: "bars loss", viewBox: "0 0 100 100",
    preserveAspectRatio: "none", role: "img", "aria-label": label });
  svg.append(svgElement("line", { x1: 0, x2: 100, y1: 96, y2: 96, class: "axis" }),
    svgElement("polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }));
  return svg;
}
