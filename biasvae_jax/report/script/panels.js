// The chosen model of each run: sentences, scores, pictures.
function drawPanels() {
  document.getElementById("chosen").textContent = `The model at ${place(...chosen)}`;
  data.runs.forEach((run, k) => {
    const cell = run.cells[chosen[0]][chosen[1]];
    const panel = document.getElementById(`panel${k}`);
    panel.querySelector(".sentences").replaceChildren(
      ...cell.sentences.map((text) => element("li", text)));
    drawScores(panel.querySelector(".scores"), run);
    const seen = run.training[chosen[0]];
    for (const [n, kind] of ["clean", "noised"].entries()) {
      const image = panel.querySelector(`.seen .${kind}`);
      if (!image) continue;
      image.src = seen[n];
      image.alt = `${image.parentElement.querySelector("figcaption").textContent}, `
        + `${data.rows.symbol} = ${data.rows.values[chosen[0]]}`;
    }
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
  });
}

// A body for each group of scores; the columns are those of the table's head.
function drawScores(table, run) {
  const [i, j] = chosen;
  const bodies = Object.entries(data.groups).map(([heading, names]) => {
    const body = element("tbody", "");
    const first = element("tr", "", { className: "group" });
    first.append(element("th", heading, { scope: "rowgroup", colSpan: table.tHead.rows[0].cells.length }));
    body.append(first, ...names.filter((name) => name in run.scores).map((name) => {
      const { mean, low, high, random, theory } = run.scores[name];
      const values = [number(mean[i][j]), number(random)];
      if (run.theory) values.push(theory ? number(theory[i][j]) : "n/a");
      if (low) values.splice(1, 0, `${number(low[i][j])} to ${number(high[i][j])}`);
      return scoreRow(name, values);
    }));
    return body;
  }).filter((body) => body.rows.length > 1);
  table.replaceChildren(table.caption, table.tHead, ...bodies);
}

function scoreRow(name, values) {
  const { title, text, better } = data.meanings[name];
  const line = element("tr", "");
  line.dataset.score = name;
  line.classList.toggle("now", name === select.value);
  const arrow = { higher: " ↑", lower: " ↓" }[better] ?? "";
  const head = element("th", `${title}${arrow} `, { scope: "row", title: `${name}: ${text}` });
  head.append(element("code", name));
  line.append(head, ...values.map((value) => element("td", value)));
  return line;
}

whenChosen.push(drawPanels);
