// Two scores against each other: a point a cell, which chooses it.
function scatterOf(over, k) {
  const grids = [over, select.value].map((name) => {
    const { worst, better } = data.meanings[name];
    const beyond = better === "lower" ? Math.min : Math.max;
    const difference = k >= data.runs.length;
    return data.maps[name][k].data[0].z.map((values) => values.map((value) =>
      value === null || worst === null || difference ? value : beyond(value, worst)));
  });
  const cells = data.rows.values.flatMap((_, i) => data.columns.values.map((_, j) => [i, j]));
  const said = [over, select.value].map((name) => data.meanings[name].title);
  const point = ([i, j]) => grids.map((grid) => grid[i][j]);
  const text = ([i, j]) => [place(i, j), ...point([i, j]).map((v, n) => `${said[n]}: ${number(v)}`)]
    .join("<br>");
  const points = (some, marker) => ({
    type: "scatter", mode: "markers", customdata: some, marker,
    x: some.map((cell) => point(cell)[0]), y: some.map((cell) => point(cell)[1]),
    text: some.map(text), hoverinfo: "text",
  });
  const ring = (cell, symbol) => points([cell], {
    size: 17, symbol, color: colour("--ink"), line: { color: colour("--ink"), width: 2.5 },
  });
  const traces = [points(cells, {
    size: 9, color: cells.map(([i]) => i), colorscale: "Viridis",
    line: { color: colour("--ink"), width: 0.5 }, showscale: !narrow.matches,
    colorbar: { thickness: 12, outlinewidth: 0, title: { text: data.rows.symbol },
      ...data.ticks[0] },
  }), ring(chosen, "circle-open")];
  if (moving()) traces.push(ring([row, column], "square-open"));
  const axis = (n) => ({ title: { text: said[n], standoff: 8 }, fixedrange: true, automargin: true });
  return [traces, { showlegend: false, dragmode: false, hovermode: "closest",
    margin: { l: 60, r: 10, t: 10, b: 45 }, xaxis: axis(0), yaxis: axis(1) }];
}
