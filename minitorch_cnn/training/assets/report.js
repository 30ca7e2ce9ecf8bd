"use strict";

// Tables: a click on a column's name sorts by it, a second one the other way round.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? second : first;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [a.cells[column], b.cells[column]];
        return sign * ("n" in x.dataset ? x.dataset.n - y.dataset.n
          : x.textContent.localeCompare(y.textContent));
      });
      body.append(...rows);
    });
  });
}

// The confusion matrix of many classes: what is under the pointer, or where the arrow keys lead.
for (const map of document.querySelectorAll(".map")) {
  const { classes, matrix } = JSON.parse(map.querySelector("script").textContent);
  const [image, output] = [map.querySelector("img"), map.querySelector("output")];
  let [row, column] = [0, 0];
  const show = () => {
    const total = matrix[row].reduce((sum, count) => sum + count, 0);
    output.textContent = `${matrix[row][column]} of ${total} images of “${classes[row]}” were ` +
      `called “${classes[column]}”`;
  };
  const within = (value) => Math.min(Math.max(Math.floor(value), 0), classes.length - 1);
  image.addEventListener("pointermove", (event) => {
    const frame = image.getBoundingClientRect();
    row = within((event.clientY - frame.top) / frame.height * classes.length);
    column = within((event.clientX - frame.left) / frame.width * classes.length);
    show();
  });
  map.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    [row, column] = [within(row + step[0]), within(column + step[1])];
    show();
  });
}
