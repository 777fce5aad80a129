// The heat maps, the table below them, and what the keyboard is told.
// A frame that shows on every colour: black outside, white inside.
function frame(i, j, dash) {
  const at = { type: "rect", x0: j - 0.44, x1: j + 0.44, y0: i - 0.44, y1: i + 0.44 };
  return [
    { ...at, line: { color: "#000", width: 6 } },
    { ...at, line: { color: "#fff", width: 2, dash } },
  ];
}

function drawMaps() {
  const name = select.value;
  const focused = plots.includes(document.activeElement);
  const shapes = frame(...chosen, "solid");
  if (focused && (row !== chosen[0] || column !== chosen[1])) {
    shapes.push(...frame(row, column, "dot"));
  }
  plots.forEach((plot, k) => {
    const figure = data.maps[name][k];
    const size = narrow.matches ? 9 : 11;
    const traces = figure.data.map((trace) => {
      if (trace.type === "heatmap") return { ...trace, showscale: !narrow.matches };
      return trace.mode === "text" ? { ...trace, textfont: { ...trace.textfont, size } } : trace;
    });
    Plotly.react(plot, traces, theme({ ...figure.layout, shapes }), options);
    plot.setAttribute("aria-label", `${name} over ${data.rows.symbol} and ${data.columns.symbol}. ${spoken(k)}`);
  });
  document.getElementById("meaning").textContent = data.labels[name];
  for (const table of document.querySelectorAll("#tables > [data-score]")) {
    table.hidden = table.dataset.score !== name;
  }
}

const spoken = (k) =>
  data.maps[select.value][k].data[0].hovertext[row][column].replaceAll("<br>", "; ");

function say() {
  const parts = plots.map((_, k) => spoken(k).replace(`${place(row, column)}; `, ""));
  readout.textContent = `${place(row, column)}: ${select.value} ${parts.join(" | ")}`;
}

whenChosen.push(drawMaps);
