"use strict";
// Links the maps, the score switch and the model panels; the charts are plotly's.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const select = document.getElementById("score");
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

  function choose(i, j, move) {
    [row, column] = chosen = [i, j];
    drawMaps();
    say();
    drawPanels();
    const heading = document.getElementById("chosen");
    const top = heading.getBoundingClientRect().top;
    if (move && (top < 0 || top > innerHeight - 80)) heading.scrollIntoView({ block: "start" });
  }

  function drawPanels() {
    document.getElementById("chosen").textContent = `The model at ${place(...chosen)}`;
    data.runs.forEach((run, k) => {
      const cell = run.cells[chosen[0]][chosen[1]];
      const panel = document.getElementById(`panel${k}`);
      panel.querySelector(".sentences").replaceChildren(...cell.sentences.map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }));
      panel.querySelector(".scores tbody").replaceChildren(...cell.rows.map(scoreRow));
      for (const figure of panel.querySelectorAll("figure[data-kind]")) {
        const source = cell.pictures[figure.dataset.kind];
        figure.hidden = !source;
        const image = figure.querySelector("img");
        if (source) image.src = source; else image.removeAttribute("src");
        image.alt = `${figure.querySelector("figcaption").textContent}; ${place(...chosen)}`;
      }
      const none = Object.keys(cell.pictures).length === 0;
      panel.querySelector(".nopictures").hidden = !none;
      panel.querySelector(".pictures").hidden = none;
      drawCurves(panel.querySelector(".curves"), run, cell);
    });
  }

  function scoreRow([name, ...values]) {
    const line = document.createElement("tr");
    line.classList.toggle("now", name === select.value);
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    head.title = data.labels[name];
    line.append(head, ...values.map((value) => {
      const item = document.createElement("td");
      item.textContent = value;
      return item;
    }));
    return line;
  }

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
    drawMaps();
    drawPanels();
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
})();
