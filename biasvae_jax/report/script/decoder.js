// A decoder in the page: the layers of `networks/portable.py`, with weights of 8 bits.
const functions = {
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x) => (x > 0 ? x : 0.01 * x),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

// Rows times a matrix: each number of a row adds its multiple of a row of the matrix.
function product({ inputs, outputs, kernel, scale, bias }, h) {
  const found = new Float32Array((h.length / inputs) * outputs);
  for (let row = 0; row * inputs < h.length; row += 1) {
    const sums = found.subarray(row * outputs, (row + 1) * outputs);
    for (let i = 0; i < inputs; i += 1) {
      const value = h[row * inputs + i];
      if (value !== 0) for (let o = 0, k = i * outputs; o < outputs; o += 1, k += 1) sums[o] += value * kernel[k];
    }
    for (let o = 0; o < outputs; o += 1) sums[o] = sums[o] * scale[o] + bias[o];
  }
  return found;
}

// Overlapping patches of 4×4, two pixels apart, added up; a margin of 1 is cut off.
function fold({ side, channels, bias }, h) {
  const wide = 2 * side;
  const found = new Float32Array(wide * wide * channels).map((_, k) => bias[k % channels]);
  let at = 0;
  for (let place = 0; place < side * side; place += 1) {
    for (let patch = 0; patch < 16; patch += 1, at += channels) {
      const down = 2 * Math.floor(place / side) + (patch >> 2) - 1;
      const across = 2 * (place % side) + (patch & 3) - 1;
      if (down < 0 || across < 0 || down >= wide || across >= wide) continue;
      for (let c = 0, to = (down * wide + across) * channels; c < channels; c += 1) found[to + c] += h[at + c];
    }
  }
  return found;
}

// Unpacks a cell's decoder; the result maps a code to an image.
function decoderOf(layers, text) {
  const bytes = bytesOf(text);
  let at = 0;
  const take = (Kind, count) => {
    const from = at;
    at += count * Kind.BYTES_PER_ELEMENT;
    return new Kind(bytes.slice(from, at));
  };
  const steps = layers.map((layer) => {
    if (layer.do === "split") return (h) => h; // rows lie one after another already
    if (layer.do === "fold") {
      const bias = take(Float32Array, layer.channels);
      return (h) => fold({ ...layer, bias }, h);
    }
    if (layer.do !== "product") return (h) => h.map(functions[layer.do]);
    const [scale, bias] = [take(Float32Array, layer.outputs), take(Float32Array, layer.outputs)];
    const kernel = Float32Array.from(take(Int8Array, layer.inputs * layer.outputs));
    return (h) => product({ ...layer, kernel, scale, bias }, h);
  });
  return (code) => steps.reduce((h, step) => step(h), Float32Array.from(code));
}
