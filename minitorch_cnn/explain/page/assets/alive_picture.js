// The picture, to draw on: with the pointer, with the keyboard, another one from a file or a camera. Of
// a volume one slice, which can be chosen; of a signal all channels, one row each.

class PictureEditor {
  constructor(alive) {
    this.alive = alive;
    this.layer = alive.network.layers[0];
    const [maps, H, W] = this.layer.shape;
    this.slices = this.layer.options.slices ?? 1;
    this.slice = this.slices >> 1;
    [this.C, this.H, this.W] = H === 1 ? [1, maps, W] : [maps / this.slices, H, W];
    this.numbers = this.layer.value.slice();
    this.came = byId("picture").src;
    this.cursor = [this.H >> 1, this.W >> 1];
    this.last = null; // where the pointer was
    [this.black, this.white] = this.range();
    this.frame = byId("alive-frame");
    this.canvas = byId("alive-canvas");
    this.marks = svgElement("svg", { "aria-hidden": "true", preserveAspectRatio: "none",
      viewBox: `0 0 ${this.W} ${this.H}` });
    this.frame.append(this.marks);
    this.frame.style.aspectRatio = Math.max(0.5, this.W / this.H); // as in draw.js
    [this.canvas.width, this.canvas.height] = [this.W, this.H];
    this.says = ["picture_hint"];
    this.listen();
    this.paint();
  }

  // What 0 and 1 of a pixel were before mean and deviation: as `_as_picture` in subjects.py.
  range() {
    let [least, most] = [Infinity, -Infinity];
    this.layer.value.forEach((value, n) => {
      const pixel = this.pixelOf(value, Math.floor(n / (this.slices * this.H * this.W)));
      [least, most] = [Math.min(least, pixel), Math.max(most, pixel)];
    });
    return least < -0.01 || most > 1.01 ? [least, Math.max(most, least + 1e-12)] : [0, 1];
  }

  pixelOf(value, c) {
    const { mean, std } = this.statistics(c);
    return value * std + mean;
  }

  statistics(c) {
    return { mean: pageData.mean[c] ?? 0, std: pageData.std[c] ?? 1 };
  }

  // Where channel c of the slice that is shown begins among the numbers.
  start(c) {
    return (c * this.slices + this.slice) * this.H * this.W;
  }

  // Sets a pixel to a colour, three numbers from 0 to 1.
  setPixel(i, j, rgb) {
    const grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    for (let c = 0; c < this.C; c++) {
      const share = this.C === 3 ? rgb[c] : grey;
      const pixel = this.black + share * (this.white - this.black);
      const { mean, std } = this.statistics(c);
      this.numbers[this.start(c) + i * this.W + j] = (pixel - mean) / std;
    }
  }

  // The brush is a square of pixels around a place.
  draw(i, j) {
    const size = Math.max(1, Math.min(32, Math.round(Number(byId("alive-brush").value) || 1)));
    const rgb = [1, 3, 5].map((n) => parseInt(byId("alive-colour").value.slice(n, n + 2), 16) / 255);
    const before = (size - 1) >> 1;
    for (let row = i - before; row < i - before + size; row++) {
      for (let column = j - before; column < j - before + size; column++) {
        if (row >= 0 && column >= 0 && row < this.H && column < this.W) {
          this.setPixel(row, column, rgb);
        }
      }
    }
  }

  // A straight stroke, so that a fast pointer leaves no gaps.
  stroke([i0, j0], [i1, j1]) {
    const count = Math.max(Math.abs(i1 - i0), Math.abs(j1 - j0), 1);
    for (let n = 0; n <= count; n++) {
      this.draw(Math.round(i0 + ((i1 - i0) * n) / count), Math.round(j0 + ((j1 - j0) * n) / count));
    }
    this.changed();
  }

  changed() {
    this.paint();
    byId("picture").src = this.canvas.toDataURL();
    this.alive.put(0, "value", this.numbers.slice());
  }

  // The picture is as it was, without a word to the engine.
  reset() {
    this.numbers = this.alive.original[0].value.slice();
    byId("picture").src = this.came;
    this.says = ["picture_hint"];
    this.paint();
    this.render();
  }

  paint() {
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.W, this.H);
    const area = this.H * this.W;
    const channels = [0, 1, 2].map((n) => (this.C === 3 ? n : 0));
    for (let n = 0; n < area; n++) {
      const shares = Array.from({ length: this.C }, (_, c) =>
        (this.pixelOf(this.numbers[this.start(c) + n], c) - this.black) / (this.white - this.black));
      const mean = shares.reduce((a, b) => a + b, 0) / this.C;
      channels.forEach((c, place) => {
        image.data[4 * n + place] = Math.round(255 * (this.C === 3 ? shares[c] : mean));
      });
      image.data[4 * n + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  // ---- pointer, keyboard, files, camera

  listen() {
    const place = (event) => {
      const box = this.frame.getBoundingClientRect();
      return [[event.clientY - box.top, box.height, this.H], [event.clientX - box.left, box.width, this.W]]
        .map(([at, length, count]) =>
          Math.max(0, Math.min(count - 1, Math.floor((at / length) * count))));
    };
    this.frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.frame.setPointerCapture(event.pointerId);
      this.last = place(event);
      this.moveTo(...this.last);
      this.stroke(this.last, this.last);
    });
    this.frame.addEventListener("pointermove", (event) => {
      if (!this.last) return;
      const here = place(event);
      this.moveTo(...here);
      this.stroke(this.last, here);
      this.last = here;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.frame.addEventListener(end, () => { this.last = null; });
    }
    this.frame.addEventListener("keydown", (event) => {
      const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (event.key in steps) {
        const [down, right] = steps[event.key];
        this.moveTo(this.cursor[0] + down, this.cursor[1] + right);
      } else if (event.key === " " || event.key === "Enter") {
        this.stroke(this.cursor, this.cursor);
      } else {
        return;
      }
      event.preventDefault();
    });
    this.frame.addEventListener("dragover", (event) => event.preventDefault());
    this.frame.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.open(event.dataTransfer.files[0]);
    });
    byId("alive-file").addEventListener("change", (event) => {
      if (event.target.files.length) this.open(event.target.files[0]);
      event.target.value = "";
    });
    const slice = byId("alive-slice");
    slice.parentElement.hidden = this.slices === 1;
    [slice.max, slice.value] = [this.slices - 1, this.slice];
    slice.addEventListener("input", () => {
      this.slice = Math.max(0, Math.min(this.slices - 1, Math.round(Number(slice.value))));
      this.paint();
      this.render();
    });
    byId("reset-picture").addEventListener("click", () => this.alive.resetPicture());
    byId("alive-camera").hidden = !navigator.mediaDevices?.getUserMedia;
    byId("alive-camera").addEventListener("click", () => this.switchCamera());
  }

  moveTo(i, j) {
    this.cursor = [Math.max(0, Math.min(this.H - 1, i)), Math.max(0, Math.min(this.W - 1, j))];
    this.render();
  }

  async open(file) {
    try {
      const bitmap = await createImageBitmap(file);
      this.setPicture(bitmap, bitmap.width, bitmap.height);
      this.says = ["picture_taken", { name: file.name, h: this.H, w: this.W }];
    } catch {
      this.says = ["picture_unreadable", { name: file.name }];
    }
    this.render();
  }

  // The middle of a picture, made as large as the network's.
  setPicture(source, width, height) {
    const canvas = element("canvas", { width: this.W, height: this.H });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    const scale = Math.min(width / this.W, height / this.H);
    const [w, h] = [this.W * scale, this.H * scale];
    context.fillStyle = "#fff"; // under what is transparent
    context.fillRect(0, 0, this.W, this.H);
    context.drawImage(source, (width - w) / 2, (height - h) / 2, w, h, 0, 0, this.W, this.H);
    const { data } = context.getImageData(0, 0, this.W, this.H);
    for (let n = 0; n < this.H * this.W; n++) {
      this.setPixel(Math.floor(n / this.W), n % this.W,
        [0, 1, 2].map((c) => data[4 * n + c] / 255));
    }
    this.changed();
  }

  async switchCamera() {
    if (this.stream) {
      this.stream.getTracks().forEach((track) => track.stop());
      this.stream = null;
      this.render();
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: true });
      const video = element("video", { muted: true, playsInline: true, srcObject: this.stream });
      await video.play();
      this.render();
      this.watch(video);
    } catch (error) {
      this.says = ["camera_refused", { error: error.message }];
      this.render();
    }
  }

  // Takes the next frame whenever the engine is done with the last one.
  watch(video) {
    if (!this.stream) return;
    if (!this.alive.busy) this.setPicture(video, video.videoWidth, video.videoHeight);
    setTimeout(() => this.watch(video), 60);
  }

  render() {
    const [i, j] = this.cursor;
    this.marks.replaceChildren(svgElement("rect", { class: "pixel", x: j, y: i, width: 1, height: 1,
      "vector-effect": "non-scaling-stroke" }));
    this.frame.setAttribute("aria-label", t("canvas_label", { h: this.H, w: this.W, i, j }));
    byId("alive-camera").textContent = t(this.stream ? "camera_off" : "camera");
    byId("alive-camera").setAttribute("aria-pressed", String(Boolean(this.stream)));
    const text = t(...this.says);
    if (byId("alive-picture-says").textContent !== text) {
      byId("alive-picture-says").textContent = text;
    }
  }
}
