// Where the truth is in a model's code: correlations, the code rotated to the factors, a scatter.
const groups = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];
const views = new Map(); // by panel: its charts and switches

// A name for each column that a head takes.
const columnNames = (factors) => factors.flatMap(({ name, values }) =>
  (values ? values.map((value) => `${name} ${short(value)}`) : [name]));

// Numbers of 8 bits as rows; -128 stands for what is undefined.
function hundredths(text, wide) {
  const whole = new Int8Array(bytesOf(text));
  return Array.from({ length: whole.length / wide }, (_, row) =>
    Array.from(whole.subarray(row * wide, (row + 1) * wide), (v) => (v === -128 ? null : v / 100)));
}

// The points of the scatter, one row each: codes, or what the head reads of them.
function pointsOf(cell, latents, rotated) {
  const whole = new Int8Array(bytesOf(cell.codes));
  const codes = Array.from({ length: whole.length / latents }, (_, row) =>
    cell.codeScale.map((scale, l) => scale * whole[row * latents + l]));
  return rotated ? codes.map((code) => head(cell.toFactors, code)) : codes;
}

function buildMatrix(run, root, draw) {
  const { factors, latents } = run.live;
  const latentNames = Array.from({ length: latents }, (_, k) => `z${k + 1}`);
  const chooser = (names) => {
    const select = make("select", {}, ...names.map((name, value) => make("option", { value, textContent: name })));
    select.addEventListener("change", draw);
    return select;
  };
  const turn = make("input", { type: "checkbox" });
  const chart = (name) => {
    const plot = make("div", { className: `plot ${name}` });
    plot.setAttribute("role", "img");
    return plot;
  };
  const view = {
    turn, names: { false: latentNames, true: columnNames(factors) },
    across: chooser(latentNames), up: chooser(latentNames), ink: chooser(factors.map(({ name }) => name)),
    matrix: chart("matrix"), scatter: chart("cloud"), last: null,
  };
  turn.addEventListener("change", draw);
  root.append(
    make("p", { className: "note", textContent: "Each true factor (rows) with each latent (columns): correlation over "
      + "test images. A code may hold a factor in a direction across several latents. The linear head finds that "
      + "direction: rotated by it, a code that holds every factor has a clear diagonal, and R² near 1, however "
      + "tangled its latents look." }),
    make("p", {}, make("label", {}, turn, " rotate to the factors")),
    view.matrix,
    make("p", { className: "axes" }, make("label", {}, "across ", view.across), make("label", {}, " up ", view.up),
      make("label", {}, " colour ", view.ink)),
    view.scatter,
  );
  return view;
}

// The two directions that vary most, where none is chosen yet for this kind of axes.
function axesOf(view, cell) {
  const rotated = view.turn.checked;
  if (view.last !== rotated) {
    const names = view.names[rotated];
    for (const select of [view.across, view.up]) {
      select.replaceChildren(...names.map((name, value) => make("option", { value, textContent: name })));
    }
    const order = rotated ? names.map((_, k) => k)
      : cell.spread.map((_, k) => k).sort((a, b) => cell.spread[b] - cell.spread[a]);
    [view.across.value, view.up.value, view.last] = [order[0], order[1] ?? order[0], rotated];
  }
  return [Number(view.across.value), Number(view.up.value)];
}

function drawCorrelations(view, run, cell) {
  const rotated = view.turn.checked;
  const rows = columnNames(run.live.factors);
  const columns = rotated ? rows.map((name) => `read: ${name}`) : view.names.false;
  const z = hundredths(rotated ? cell.turned : cell.correlation, columns.length);
  const few = columns.length <= 12 && !narrow.matches;
  const ticks = (names) => ({ tickvals: names.map((_, k) => k), ticktext: names, fixedrange: true, showgrid: false,
    zeroline: false, ticks: "", automargin: true });
  view.matrix.style.height = `${Math.min(34, 8 + 1.5 * rows.length)}rem`;
  Plotly.react(view.matrix, [{ type: "heatmap", z, zmin: -1, zmax: 1, colorscale: "RdBu", xgap: 1, ygap: 1,
    hoverongaps: false, colorbar: { thickness: 12, outlinewidth: 0 }, showscale: !narrow.matches,
    texttemplate: few ? "%{z:.2f}" : "", hovertemplate: "%{text}<extra></extra>",
    text: z.map((line, i) => line.map((v, j) => `${plain(rows[i])}, ${plain(columns[j])}: ${v}`)) }],
  theme({ margin: { l: 40, r: 5, t: 10, b: 40 }, dragmode: false, xaxis: { ...ticks(columns.map(plain)),
    tickangle: columns.length > 12 || rotated ? -90 : 0 }, yaxis: { ...ticks(rows.map(plain)), autorange: "reversed" } }), options);
  view.matrix.setAttribute("aria-label", `Correlation of true factors with ${rotated ? "what the head reads"
    : "latents"}. ${z.map((line, i) => best(rows[i], line, columns)).join("; ")}`);
}

// Plotly takes some HTML in names; what a run brings is text.
const plain = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function best(name, line, columns) {
  const sizes = line.map((v) => Math.abs(v ?? 0));
  const at = sizes.indexOf(Math.max(...sizes));
  return `${name} most with ${columns[at]}, ${line[at] ?? "undefined"}`;
}

function drawScatter(view, run, cell) {
  const { factors, latents, points } = run.live;
  const [across, up] = axesOf(view, cell);
  const found = pointsOf(cell, latents, view.turn.checked);
  const k = Number(view.ink.value);
  const { name, kind } = factors[k];
  const truth = points.map((u) => u[k]);
  const of = (kept, marker, label) => ({ type: "scatter", mode: "markers", name: label,
    x: kept.map((p) => found[p][across]), y: kept.map((p) => found[p][up]),
    text: kept.map((p) => `${plain(name)} = ${short(truth[p])}`), hovertemplate: "%{text}<extra></extra>",
    marker: { size: 7, line: { width: 0.7, color: colour("--faint") }, ...marker } });
  const all = [...truth.keys()];
  const classes = [...new Set(truth)].sort((a, b) => a - b);
  const traces = kind === "continuous"
    ? [of(all, { color: truth, colorscale: "Cividis", showscale: true, colorbar: { thickness: 12, outlinewidth: 0 } })]
    : classes.map((value, c) => of(all.filter((p) => truth[p] === value),
      { color: groups[c % groups.length], symbol: Math.floor(c / groups.length) }, `${plain(name)} = ${short(value)}`));
  const names = view.names[view.turn.checked].map((each) => (view.turn.checked ? `read: ${plain(each)}` : each));
  const axis = (at) => ({ title: { text: names[at], standoff: 6 }, fixedrange: true, zeroline: false });
  Plotly.react(view.scatter, traces, theme({ margin: { l: 50, r: 5, t: 10, b: 40 }, dragmode: false,
    showlegend: kind !== "continuous", legend: { orientation: "h", y: 1.1 }, xaxis: axis(across), yaxis: axis(up) }), options);
  view.scatter.setAttribute("aria-label", `${found.length} test images by ${names[across]} and ${names[up]}, `
    + `coloured by ${name}`);
}

function drawMatrix() {
  data.runs.forEach((run, k) => {
    const root = document.querySelector(`#panel${k} .codes`);
    const cell = cellOf(run);
    if (!cell) return;
    if (!views.has(k)) views.set(k, buildMatrix(run, root, drawMatrix));
    drawCorrelations(views.get(k), run, cell);
    drawScatter(views.get(k), run, cell);
  });
}

whenChosen.push(() => data.runs.forEach((run, k) => {
  const root = document.querySelector(`#panel${k} .codes`);
  root.hidden = root.previousElementSibling.hidden = !cellOf(run);
}));
whenSeen(".codes", drawMatrix);
