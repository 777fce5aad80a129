// What the page holds, which cell is chosen, and who is called then.
const data = JSON.parse(document.getElementById("data").textContent);
const select = document.getElementById("score");
const against = document.getElementById("against");
const readout = document.getElementById("readout");
const plots = [...document.querySelectorAll(".map .plot")];
const options = { displayModeBar: false, responsive: true };
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 40rem)");
let [row, column] = data.start; // where the keyboard is
let chosen = [...data.start]; // what the panels show

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const place = (i, j) => `${data.rows.symbol} = ${data.rows.values[i]}, `
  + `${data.columns.symbol} = ${data.columns.values[j]}`;
const number = (value) => value === null || value === undefined
  ? "n/a" : String(Number(value.toPrecision(4)));

function element(name, text, properties = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...properties });
}

// Called whenever a cell is chosen, and whenever all is drawn again; each reads `chosen`.
const whenChosen = [];

function theme(layout) {
  const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line") };
  const themed = {
    ...layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: colour("--shade"),
    font: { color: colour("--ink"), size: narrow.matches ? 11 : 13, family: "system-ui" },
    hoverlabel: { font: { size: 13 } },
  };
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis/.test(name)) themed[name] = { ...axis, ...layout[name] };
  }
  return themed;
}
