// The chosen model of each run: sentences, scores, pictures.
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

whenChosen.push(drawPanels);
