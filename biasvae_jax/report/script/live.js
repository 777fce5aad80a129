// The chosen model at work: sliders for the true factors and the latents, and what it draws.
const held = new Map(); // by factors and latents: which sliders were moved last, and their values
const decoders = new Map(); // those unpacked so far

function make(tag, properties = {}, ...children) {
  const { data: dataset = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

const short = (value) => String(Number(value.toPrecision(3)));
const keyOf = ({ live }) => JSON.stringify([live.factors, live.latents]);
const cellOf = (run) => run.cells[chosen[0]][chosen[1]].live;

// Factors as the columns that a head takes, and back: a label is a column for each of its values.
const columnsOf = (factors, u) => factors.flatMap(({ values }, k) =>
  (values ? values.map((value) => Number(value === u[k])) : [u[k]]));
function factorsOf(factors, columns) {
  let at = 0;
  return factors.map(({ values }) => {
    if (!values) return columns[at++];
    const part = columns.slice(at, at += values.length);
    return values[part.indexOf(Math.max(...part))];
  });
}

// x·W + b; the matrix's last row is b.
function head(text, x) {
  const matrix = new Float32Array(bytesOf(text));
  const outputs = matrix.length / (x.length + 1);
  return Array.from({ length: outputs }, (_, o) =>
    [...x, 1].reduce((sum, value, i) => sum + value * matrix[i * outputs + o], 0));
}

// What the sliders say to this cell: those moved last are kept, the others follow by its heads.
function said(run, cell) {
  const { by, values } = held.get(keyOf(run));
  const { factors } = run.live;
  return by === "factors"
    ? { factors: values, latents: head(cell.toCode, columnsOf(factors, values)) }
    : { factors: factorsOf(factors, head(cell.toFactors, values)), latents: values };
}

function image(run, cell, code) {
  if (cell.constant) return new Uint8Array(bytesOf(cell.constant));
  if (!decoders.has(cell)) decoders.set(cell, decoderOf(run.live.layers, cell.weights));
  return Uint8ClampedArray.from(decoders.get(cell)(code), (v) => 255 * v);
}

function drawImage(canvas, [high, wide, channels], values) {
  Object.assign(canvas, { height: high, width: wide });
  const pixels = new ImageData(wide, high);
  for (let k = 0; k < high * wide; k += 1) {
    for (let c = 0; c < 3; c += 1) pixels.data[4 * k + c] = values[k * channels + (channels === 3 ? c : 0)];
    pixels.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

// Sliders ------------------------------------------------------------------------------------

function slider(name, low, high, step, moved) {
  const input = make("input", { type: "range", min: low, max: high, step });
  const output = make("output");
  input.addEventListener("input", () => moved(input.valueAsNumber));
  return make("label", {}, make("span", { textContent: name }), input, output);
}

function show(label, value, text) {
  const [, input, output] = label.children;
  input.value = value;
  input.setAttribute("aria-valuetext", text);
  output.textContent = text;
}

function moved(run, group, k, value) {
  const values = [...said(run, cellOf(run))[group]];
  values[k] = value;
  held.set(keyOf(run), { by: group, values });
  drawLive();
}

let waiting = 0;
function walk(axis, value) { // over the grid; maps and panels follow when the slider rests
  chosen[axis] = value;
  drawLive();
  clearTimeout(waiting);
  waiting = setTimeout(() => choose(...chosen), 150);
}

function build(run, root) {
  const { factors, latents, starts } = run.live;
  const group = (kind, title, sliders) =>
    make("fieldset", { data: { group: kind } }, make("legend", { textContent: title }), ...sliders);
  const start = make("select", {}, ...starts.map((_, k) =>
    make("option", { value: k, textContent: `test image ${k + 1}` })),
  make("option", { value: -1, textContent: "the code 0" }));
  start.addEventListener("change", () => {
    held.set(keyOf(run), start.value < 0 ? { by: "latents", values: Array(latents).fill(0) }
      : { by: "factors", values: starts[start.value] });
    drawLive();
  });
  const ofFactor = ({ name, kind, values, low, high }, k) => {
    const whole = values ? [0, values.length - 1, 1] : [low, high, kind === "binary" ? 1 : (high - low) / 100];
    const label = slider(name, ...whole, (v) => moved(run, "factors", k, values ? values[v] : v));
    label.hidden = whole[0] === whole[1];
    return label;
  };
  const axes = [data.rows, data.columns].map(({ symbol, values }, axis) =>
    slider(symbol, 0, values.length - 1, 1, (v) => walk(axis, v)));
  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  root.append(
    make("p", { className: "note rooms", textContent: rooms(run) }),
    make("div", { className: "stage" },
      make("div", { className: "screen" }, canvas, make("p", { className: "note" })),
      make("div", { className: "sliders" },
        group("axes", "The model", axes),
        make("p", {}, make("label", { textContent: "Start from " }, start)),
        group("factors", "True factors, through the linear head", factors.map(ofFactor)),
        group("latents", "Latents", Array.from({ length: latents }, (_, k) =>
          slider(`z${k + 1}`, -3, 3, 0.05, (v) => moved(run, "latents", k, v)))))),
  );
}

function rooms(run) {
  const all = run.cells.flat().length;
  const { decoders: count, constants } = run.live;
  const one = constants ? ` ${constants} more draw one image, whatever the code.` : "";
  return `${count} of ${all} decoders are in this page, the best spread that it has room for.${one}`;
}

// What is known of the chosen cell ------------------------------------------------------------

function nearest(run, has) {
  const far = ([i, j]) => Math.hypot(i - chosen[0], j - chosen[1]);
  const places = run.cells.flatMap((line, i) => line.map((cell, j) => [cell, [i, j]]));
  return places.filter(([cell]) => has(cell)).map(([, at]) => at)
    .reduce((best, at) => (far(at) < far(best) ? at : best), [Infinity, Infinity]);
}

function remark(run, cell) {
  if (cell?.weights) {
    const [most, usual] = cell.error;
    return [`Seed 0, its weights rounded to 8 bits. That moves a pixel by ${usual} as a rule and by ${most} `
      + "at most, over 256 codes; black is 0, white 1."];
  }
  if (cell?.constant) return ["This decoder does not answer: it draws the same image whatever the code."];
  return ["The page has no room for this model's decoder. ", showNearest(run, ({ live }) => live?.weights)];
}

function showNearest(run, has) {
  const at = nearest(run, has);
  const button = make("button", { type: "button", textContent: `Show ${place(...at)}` });
  button.addEventListener("click", () => choose(...at));
  return button;
}

function drawLive() {
  data.runs.forEach((run, k) => {
    const root = document.querySelector(`#panel${k} .live`);
    if (!run.live?.layers.length || !(run.live.decoders + run.live.constants)) {
      root.textContent = run.live ? "Live models are not available for this run's network: it does not "
        + "list its decoder's layers." : "";
      return;
    }
    if (!held.has(keyOf(run))) held.set(keyOf(run), { by: "factors", values: run.live.starts[0] });
    if (!root.firstChild) build(run, root);
    const cell = cellOf(run);
    const canvas = root.querySelector("canvas");
    canvas.hidden = !(cell?.weights || cell?.constant);
    root.querySelector(".screen p").replaceChildren(...remark(run, cell));
    [data.rows, data.columns].forEach(({ values }, axis) =>
      show(root.querySelectorAll("[data-group=axes] label")[axis], chosen[axis], values[chosen[axis]]));
    for (const kind of ["factors", "latents"]) root.querySelector(`[data-group=${kind}]`).disabled = !cell;
    if (!cell) return;
    const { factors, latents } = said(run, cell);
    run.live.factors.forEach(({ values }, f) => show(
      root.querySelectorAll("[data-group=factors] label")[f],
      values ? values.indexOf(factors[f]) : factors[f], short(factors[f]),
    ));
    root.querySelectorAll("[data-group=latents] label").forEach((label, l) => {
      const [name, input] = label.children;
      [input.min, input.max] = [-cell.reach[l], cell.reach[l]];
      name.textContent = cell.spread[l] ** 2 > 0.01 ? `z${l + 1}` : `z${l + 1}, inactive`;
      show(label, latents[l], short(latents[l]));
    });
    if (canvas.hidden) return;
    drawImage(canvas, run.live.image, image(run, cell, latents));
    canvas.setAttribute("aria-label", `Image decoded by the model at ${place(...chosen)}`);
  });
}

whenChosen.push(drawLive);
