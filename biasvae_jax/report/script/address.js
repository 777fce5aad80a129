// The page's address names the chosen cell and score, so that it can be kept and passed on.
function keepAddress() {
  const named = new URLSearchParams({
    [data.rows.name]: data.rows.values[chosen[0]],
    [data.columns.name]: data.columns.values[chosen[1]],
    score: select.value,
  });
  history.replaceState(null, "", `#${named}`);
}

// The cell that the address names, or null; its score is taken over.
function addressed() {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (Object.hasOwn(data.maps, asked.get("score"))) select.value = asked.get("score");
  const i = data.rows.values.indexOf(asked.get(data.rows.name));
  const j = data.columns.values.indexOf(asked.get(data.columns.name));
  return i < 0 || j < 0 ? null : [i, j];
}
