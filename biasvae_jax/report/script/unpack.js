// Plotly's script, which lies compressed in the page; the policy lets it run by its digest.
function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let k = 0; k < letters.length; k += 1) bytes[k] = letters.charCodeAt(k);
  return bytes.buffer;
}

async function unpack(id) {
  const packed = new Blob([bytesOf(document.getElementById(id).textContent)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  const textContent = await new Response(stream).text();
  document.head.append(Object.assign(document.createElement("script"), { textContent }));
}

if (!window.DecompressionStream) {
  document.querySelector("main").prepend(Object.assign(document.createElement("p"), { className: "banner",
    textContent: "The maps and panels of this page need a browser of 2023 or later; the tables do not." }));
  return;
}
await unpack("plotly");
