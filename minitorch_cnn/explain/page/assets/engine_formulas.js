// Arrays of layers that follow from parameters by a formula: a weight norm, a transposed weight. They
// are computed again when the parameters change, and they can be changed by hand, too.

class Formulas {
  constructor(engine) {
    this.engine = engine;
    this.parameters = engine.layers.map(({ parameters }) => ({ ...parameters })); // as they came
    // "layer name": {data, at}, the array when the result of its formula was `at`. A change by hand is
    // kept when the parameters change: what is added to the formula's result stays.
    this.bases = new Map();
  }

  cameAs({ layer, name }) {
    return name === "value" ? this.engine.original[layer] : this.parameters[layer][name].data;
  }

  // The arrays of a layer whose formulas have been computed again.
  refresh(layer, touched) {
    const { engine } = this;
    for (const [name, formula] of Object.entries(engine.layers[layer].computed)) {
      if (!touched[formula]) continue;
      const { data, at } = this.bases.get(`${layer} ${name}`)
        ?? { data: this.cameAs({ layer, name }), at: engine.original[formula] };
      const now = engine.layers[formula].value;
      engine.put(layer, name, now === at ? data : data.map((each, n) => each + (now[n] - at[n])));
    }
  }

  // Somebody has changed a computed array, or wants it as it came, and so what it is computed from.
  change(place, data, edited, dirty) {
    const { engine } = this;
    const { layer, name } = place;
    const formula = engine.layers[layer].computed[name];
    const source = engine.layers[formula];
    dirty.add(layer);
    if (!edited) {
      this.bases.delete(`${layer} ${name}`);
      engine.put(layer, name, this.cameAs(place));
      engine.mark(layer, name, false);
      for (const parameter of this.parametersOf(formula)) {
        engine.edit(engine.learned.get(parameter)[0], null, false, dirty);
      }
    } else if (source.places && source.sources.every((each) => this.isParameter(each))) {
      this.changeParameters(source, engine.array(place), data, dirty);
    } else {
      this.bases.set(`${layer} ${name}`, { data, at: source.value });
      engine.put(layer, name, data);
      engine.mark(layer, name, true);
    }
  }

  isParameter(number) {
    return "value" in this.engine.layers[number].names;
  }

  // The array is a parameter's numbers at other places: the parameter changes, wherever it is used.
  changeParameters(source, before, data, dirty) {
    const { engine } = this;
    let start = 0;
    for (const number of source.sources) {
      const own = engine.given[number].slice();
      let changed = false;
      source.places.forEach((place, n) => {
        if (place < start || place >= start + own.length || data[n] === before[n]) return;
        own[place - start] = data[n];
        changed = true;
      });
      if (changed) engine.edit({ layer: number, name: "value" }, own, true, dirty);
      start += own.length;
    }
  }

  // The names of all parameters behind a formula.
  parametersOf(formula, found = new Set()) {
    const layer = this.engine.layers[formula];
    Object.values(layer.names).forEach((each) => found.add(each));
    readBy(layer).forEach((each) => this.parametersOf(each, found));
    return found;
  }
}
