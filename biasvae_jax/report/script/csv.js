// Every number of the page as a file: a line a cell of each run.
function asCsv() {
  const quoted = (value) => /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  const kinds = ["mean", "low", "high"];
  const columns = Object.entries(data.runs[0].scores).flatMap(([name, score]) =>
    kinds.filter((kind) => kind in score).map((kind) => [name, kind]));
  const head = ["run", data.rows.name, data.columns.name, "seeds",
    ...columns.map(([name, kind]) => kind === "mean" ? name : `${name}_${kind}`)];
  const lines = data.runs.flatMap((run) => data.rows.values.flatMap((bias, i) =>
    data.columns.values.map((strength, j) => [run.name, bias, strength, run.seeds,
      ...columns.map(([name, kind]) => run.scores[name][kind]?.[i][j] ?? "")])));
  return [head, ...lines].map((line) => `${line.map(String).map(quoted).join(",")}\n`).join("");
}

document.getElementById("csv").addEventListener("click", () => {
  const address = URL.createObjectURL(new Blob([asCsv()], { type: "text/csv" }));
  const name = `${data.runs.map((run) => run.name).join("-").replace(/[^\p{L}\p{N}._-]+/gu, "_")}.csv`;
  element("a", "", { href: address, download: name.slice(-120) }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
});
