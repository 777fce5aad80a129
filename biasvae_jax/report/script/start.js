// How a cell is chosen, and the first drawing; after all others.
function choose(i, j, move) {
  [row, column] = chosen = [i, j];
  redraw();
  say();
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

function redraw() {
  for (const draw of whenChosen) draw();
}

select.value = data.first;
redraw();
plots.forEach((plot) => {
  plot.addEventListener("keydown", onKey);
  plot.addEventListener("focus", drawMaps);
  plot.addEventListener("blur", () => {
    [row, column] = chosen;
    drawMaps();
  });
  plot.on("plotly_click", ({ points }) => {
    const point = points.find((each) => each.data.type === "heatmap");
    if (point) choose(point.pointIndex[0], point.pointIndex[1], true);
  });
});
select.addEventListener("change", () => {
  redraw();
  say();
});
dark.addEventListener("change", redraw);
narrow.addEventListener("change", redraw);
