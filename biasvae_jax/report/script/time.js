// The grid while it trained: a score over all models at a step, to play and to scrub.
const watched = { name: "", step: Infinity, timer: 0 }; // the same in all panels

const measures = (run) => [...Object.keys(run.course), ...Object.keys(run.cells[0][0].curves)];

// The measure that is chosen, or the first of a run that does not have it.
const measureOf = (run) => (measures(run).includes(watched.name) ? watched.name : measures(run)[0]);

// The steps of the measure, and its map at one of them: from the time course, else from the curves.
function frames(run) {
  const name = measureOf(run);
  if (run.course[name]) return { steps: run.moments, at: (k) => run.course[name].map((line) => line.map((v) => v[k])) };
  const kept = run.step.map((_, k) => k).filter((k) => k % Math.ceil(run.step.length / 20) === 0);
  if (kept.at(-1) !== run.step.length - 1) kept.push(run.step.length - 1);
  return { steps: kept.map((k) => run.step[k]),
    at: (k) => run.cells.map((line) => line.map((cell) => cell.curves[name][0][kept[k]])) };
}

function buildTime(run, root) {
  const select = make("select", {}, ...measures(run).map((name) =>
    make("option", { value: name, textContent: name.replaceAll("_", " ") })));
  const play = make("button", { type: "button", className: "play" });
  const scrub = slider("step", 0, 1, 1, (k) => {
    watched.step = frames(run).steps[k];
    drawTime();
  });
  const plot = make("div", { className: "plot moment" });
  plot.setAttribute("role", "img");
  select.addEventListener("change", () => {
    watched.name = select.value;
    drawTime();
  });
  play.addEventListener("click", () => (watched.timer ? pause() : playOn(run)));
  root.append(make("p", {}, make("label", { textContent: "Show " }, select)),
    make("fieldset", { className: "scrub" }, make("legend", { textContent: "Step of training" }), play, scrub),
    make("div", { className: "film" }), plot);
}

function pause() {
  clearInterval(watched.timer);
  watched.timer = 0;
  drawTime();
}

function playOn(run) {
  const next = () => {
    const { steps } = frames(run);
    const k = steps.findIndex((step) => step > watched.step);
    if (k < 0) return pause();
    watched.step = steps[k];
    return drawTime();
  };
  const { steps } = frames(run);
  if (watched.step >= steps.at(-1)) watched.step = -1;
  watched.timer = setInterval(next, 500);
  next();
}

function drawTime() {
  data.runs.forEach((run, k) => {
    const root = document.querySelector(`#panel${k} .time`);
    if (!root.firstChild) buildTime(run, root);
    const { steps, at } = frames(run);
    const now = Math.max(0, steps.findLastIndex((step) => step <= watched.step));
    root.querySelector("select").value = measureOf(run);
    root.querySelector(".play").textContent = watched.timer ? "Pause" : "Play";
    const scrub = root.querySelector(".scrub label");
    scrub.children[1].max = steps.length - 1;
    show(scrub, now, `${Math.round(steps[now]).toLocaleString("en")}`);
    drawFilm(root.querySelector(".film"), run, steps[now]);
    drawMoment(root.querySelector(".moment"), run, at(now), steps.map((_, each) => at(each)));
  });
}

function drawMoment(plot, run, z, all) {
  const values = all.flat(2).filter((v) => v !== null);
  const axis = ({ symbol }, ticks) => ({ ...ticks, title: { text: symbol, standoff: 6 }, fixedrange: true,
    showgrid: false, zeroline: false, ticks: "" });
  const where = z.map((line, i) => line.map((v, j) => `${place(i, j)}<br>${v ?? "no value"}`));
  Plotly.react(plot, [{ type: "heatmap", z, zmin: Math.min(...values), zmax: Math.max(...values), colorscale: "Cividis",
    xgap: data.gap, ygap: data.gap, text: where, hovertemplate: "%{text}<extra></extra>", hoverongaps: false,
    colorbar: { thickness: 12, outlinewidth: 0 }, showscale: !narrow.matches }],
  theme({ margin: { l: 55, r: 5, t: 10, b: 40 }, dragmode: false, xaxis: axis(data.columns, data.ticks[1]),
    yaxis: axis(data.rows, data.ticks[0]),
    shapes: frame(...chosen, "solid") }), options);
  plot.setAttribute("aria-label", `${measureOf(run)} of all models at this step; ${place(...chosen)}: `
    + `${z[chosen[0]][chosen[1]] ?? "no value"}`);
}

whenSeen(".time", drawTime);
