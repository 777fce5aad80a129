// How a cell is chosen, and the first drawing; after all others.
function choose(i, j, move) {
  [row, column] = chosen = [i, j];
  redraw();
  say();
  keepAddress();
  const heading = document.getElementById("chosen");
  const top = heading.getBoundingClientRect().top;
  if (move && (top < 0 || top > innerHeight - 80)) heading.scrollIntoView({ block: "start" });
}

function onKey(event) {
  const steps = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in steps) {
    const [up, right] = steps[event.key];
    row = Math.min(Math.max(row + up, 0), data.rows.values.length - 1);
    column = Math.min(Math.max(column + right, 0), data.columns.values.length - 1);
    drawMaps();
    say();
  } else if (event.key === "Enter" || event.key === " ") {
    choose(row, column, true);
  } else {
    return;
  }
  event.preventDefault();
}

function onClick({ points }) {
  for (const { data: trace, customdata, pointIndex } of points) {
    if (trace.type === "heatmap") {
      const parts = trace.z[0].length / data.columns.values.length;
      choose(pointIndex[0], Math.floor(pointIndex[1] / parts), true);
      return;
    }
    if (customdata) {
      choose(...customdata, true);
      return;
    }
  }
}

function redraw() {
  for (const draw of whenChosen) draw();
}

select.value = data.first;
against.value = "";
[row, column] = chosen = addressed() ?? chosen;
redraw();
// A press on a map gives it the focus. It must not be drawn again before the release: Plotly then
// forgets what is under the pointer, and a slow machine loses the click.
plots.forEach((plot) => {
  plot.addEventListener("keydown", onKey);
  plot.addEventListener("blur", ({ relatedTarget }) => {
    if (plots.includes(relatedTarget) || !elsewhere()) return;
    [row, column] = chosen;
    drawMaps();
  });
});
for (const control of [select, against]) {
  control.addEventListener("change", () => {
    redraw();
    say();
    keepAddress();
  });
}
addEventListener("hashchange", () => {
  const cell = addressed();
  if (cell) choose(...cell, true);
});
dark.addEventListener("change", redraw);
narrow.addEventListener("change", redraw);
