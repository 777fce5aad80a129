// The heat maps, the table below them, and what the keyboard is told.
// A frame that shows on every colour: black outside, white inside.
function frame(i, j, dash) {
  const at = { type: "rect", x0: j - 0.44, x1: j + 0.44, y0: i - 0.44, y1: i + 0.44 };
  return [
    { ...at, line: { color: "#000", width: 6 } },
    { ...at, line: { color: "#fff", width: 2, dash } },
  ];
}

const elsewhere = () => row !== chosen[0] || column !== chosen[1];
const moving = () => plots.includes(document.activeElement) && elsewhere();

// Type of a size that fits a cell; no digits where it would be too small to read.
function digits(plot, figure, trace) {
  const { l, r } = figure.layout.margin;
  const bar = figure.data[0].showscale === false || narrow.matches ? 0 : 70;
  const room = (plot.clientWidth - l - r - bar) / data.columns.values.length;
  const size = Math.min(12, room / (0.68 * Math.max(...trace.text.map((text) => text.length))));
  return { ...trace, visible: size > 5.5, textfont: { ...trace.textfont, size } };
}

function mapOf(plot, k) {
  const figure = data.maps[select.value][k];
  const traces = figure.data.map((trace) => {
    if (trace.type === "heatmap") {
      return { ...trace, showscale: trace.showscale !== false && !narrow.matches };
    }
    return trace.mode === "text" ? digits(plot, figure, trace) : trace;
  });
  const shapes = frame(...chosen, "solid");
  if (moving()) shapes.push(...frame(row, column, "dot"));
  return [traces, { ...figure.layout, shapes }];
}

function drawMaps() {
  const name = select.value;
  const { title, text, better } = data.meanings[name];
  against.disabled = name === "regime";
  const over = against.disabled ? "" : against.value;
  plots.forEach((plot, k) => {
    plot.parentElement.hidden = k >= data.maps[name].length;
    if (plot.parentElement.hidden) return;
    const [traces, layout] = over ? scatterOf(over, k) : mapOf(plot, k);
    const fresh = !plot.on;
    Plotly.react(plot, traces, theme(layout), options);
    if (fresh) plot.on("plotly_click", onClick);
    const axes = over ? data.meanings[over].title : `${data.rows.symbol} and ${data.columns.symbol}`;
    plot.setAttribute("aria-label", `${title} over ${axes}. ${spoken(k)}`);
  });
  const good = better ? `${better} is better${over ? "" : ", yellow is good"}`
    : name === "regime" ? "" : "neither higher nor lower is better";
  const differing = better && !over && plots.length > data.runs.length ? ", blue is for the better" : "";
  document.getElementById("meaning").replaceChildren(
    `${text}${good ? `; ${good}${differing}` : ""} (`, element("code", name), ")");
  document.getElementById("legend").hidden = name !== "regime";
  for (const table of document.querySelectorAll("#tables > [data-score]")) {
    table.hidden = table.dataset.score !== name;
  }
}

function spoken(k) {
  const texts = data.maps[select.value][k].data[0].hovertext[row];
  return texts[column * texts.length / data.columns.values.length].replaceAll("<br>", "; ");
}

function say() {
  const parts = data.maps[select.value].map(
    (_, k) => spoken(k).replace(`${place(row, column)}; `, ""));
  readout.textContent = `${place(row, column)}: ${data.meanings[select.value].title} `
    + parts.join(" | ");
}

whenChosen.push(drawMaps);
