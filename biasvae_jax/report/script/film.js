// The chosen model in the middle of its training: what it drew of the test images, beside them.
function buildFilm({ film, cells }, root) {
  const [high, wide] = film.size;
  const figure = (caption, image) => make("figure", {}, make("figcaption", { textContent: caption }), image);
  const frame = make("div", { className: "frame" }, make("img"));
  frame.style.aspectRatio = `${wide} / ${high}`;
  root.append(
    make("p", { className: "said" }),
    make("div", { className: "pair" }, figure("Test images", make("img", { src: film.truth, alt: "Test images" })),
      figure("What it drew of them", frame)),
    make("p", { className: "note", textContent: `Pictures were drawn at ${film.frames} of the ${film.measured} `
      + `measurements, the nearest to the step is shown. ${film.strips} of ${cells.flat().length} models have theirs `
      + "in this page." }),
  );
}

function drawFilm(root, run, step) {
  if (!run.film) {
    root.replaceChildren(make("p", { className: "note", textContent: run.noFilm }));
    return;
  }
  if (!root.firstChild) buildFilm(run, root);
  const strip = run.cells[chosen[0]][chosen[1]].film;
  const said = root.querySelector(".said");
  root.querySelector(".pair").hidden = !strip;
  if (!strip) {
    said.replaceChildren("This page has no pictures of this model's training. ", showNearest(run, ({ film }) => film));
    return;
  }
  const far = strip.steps.map((each) => Math.abs(each - step));
  const k = far.indexOf(Math.min(...far));
  const after = `after ${strip.steps[k].toLocaleString("en")} steps`;
  const active = strip.active[k];
  said.textContent = `The chosen model, seed 0, ${after}`
    + (active === null ? "." : `: ${active} of ${run.film.latents} latents ${active === 1 ? "is" : "are"} active.`);
  const image = root.querySelector(".frame img");
  if (image.src !== strip.images) image.src = strip.images;
  image.alt = `What the model at ${place(...chosen)} drew of the test images ${after}`;
  const [pitch, rows] = [run.film.size[0] + run.film.gap, strip.steps.length];
  image.style.transform = `translateY(${(-100 * k * pitch) / (rows * pitch - run.film.gap)}%)`;
}
