// The training curves of the chosen model.
function drawCurves(plot, run, cell) {
  const names = Object.keys(cell.curves);
  const columns = narrow.matches ? 1 : Math.min(names.length, 3);
  const rows = Math.ceil(names.length / columns);
  plot.style.height = `${narrow.matches ? 8.7 * rows : rows === 1 ? 15 : 11 * rows}rem`;
  const traces = [];
  const layout = {
    margin: { l: 45, r: 5, t: 25, b: 40 },
    showlegend: false,
    dragmode: false,
    grid: { rows, columns, pattern: "independent", ...(columns > 1 ? { xgap: 0.22 } : {}),
      ...(rows > 1 && columns > 1 ? { ygap: 0.4 } : {}) },
    annotations: [],
  };
  names.forEach((name, k) => {
    const [mean, low, high] = cell.curves[name];
    const axes = { xaxis: `x${k + 1}`, yaxis: `y${k + 1}`, x: run.step, mode: "lines" };
    const line = { color: colour("--accent"), width: 2 };
    if (low) {
      const edge = { ...axes, line: { width: 0 }, hoverinfo: "skip" };
      traces.push({ ...edge, y: low }, { ...edge, y: high, fill: "tonexty", opacity: 0.5 });
    }
    traces.push({ ...axes, y: mean, line, name, hovertemplate: "step %{x:.0f}: %{y:.4g}" });
    const suffix = k ? String(k + 1) : "";
    const known = mean.slice(Math.floor(mean.length / 20)).filter((v) => v !== null);
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const room = 0.08 * (most - least) || 1;
    layout[`xaxis${suffix}`] = { fixedrange: true, nticks: 4, range: [0, run.steps] };
    layout[`yaxis${suffix}`] = { fixedrange: true, nticks: 5,
      ...(known.length ? { range: [least - room, most + room] } : {}) };
    layout.annotations.push({ text: name, showarrow: false, xref: `x${suffix} domain`,
      yref: `y${suffix} domain`, x: 0, y: 1, xanchor: "left", yanchor: "bottom" });
  });
  plot.hidden = !names.some((name) => cell.curves[name][0].some((v) => v !== null));
  if (!plot.hidden) Plotly.react(plot, traces, theme(layout), options);
  plot.setAttribute("aria-label", names.map((name) => {
    const values = cell.curves[name][0].filter((v) => v !== null);
    return values.length
      ? `${name} from ${values[0]} to ${values.at(-1)} nats` : `${name}: none yet`;
  }).join("; "));
}

whenChosen.push(() => data.runs.forEach((run, k) => {
  const plot = document.querySelector(`#panel${k} .curves`);
  drawCurves(plot, run, run.cells[chosen[0]][chosen[1]]);
}));
