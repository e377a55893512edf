"use strict";
/* What every part of the page uses: elements, numbers with units, the data. */

const meta = JSON.parse(document.getElementById("meta").textContent);

/* --- elements: text is always text, never markup --- */

function el(tag, facts, ...inner) {
  const node = document.createElement(tag);
  fill(node, facts, inner);
  return node;
}

function svg(tag, facts, ...inner) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(node, facts, inner);
  return node;
}

function fill(node, facts, inner) {
  for (const [key, value] of Object.entries(facts || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [name, text] of Object.entries(value)) node.style.setProperty(name, text);
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of inner.flat()) if (child !== null && child !== undefined) node.append(child);
}

/* --- numbers --- */

const SECONDS = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"], [1e-12, "ps"]];
const BYTES = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];
const LARGEST_SCALED = 1e290; // in a smaller unit what is above would be infinite
const LARGE = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

/* One scale for values that stand beside each other: that of the smallest but zero. */
function scaleFor(values, unit) {
  let size = Infinity, largest = 0;
  for (const value of values) {
    if (!Number.isFinite(value) || !value) continue;
    size = Math.min(size, Math.abs(value));
    largest = Math.max(largest, Math.abs(value));
  }
  if (size === Infinity) size = 1;
  unit = !unit || unit === "1" ? "" : unit;
  if (largest > LARGEST_SCALED) return [1, unit];
  if (unit === "s") return SECONDS.find(([step]) => size >= step * 0.9995) || SECONDS[4];
  if (unit === "B" || unit === "B/s") {
    const [step, name] = BYTES.find(([each]) => size >= each) || BYTES[4];
    return [step, name + unit.slice(1)];
  }
  if (unit.includes("/")) {
    const [step, prefix] = LARGE.find(([each]) => size >= each) || LARGE[4];
    return [step, /^[a-z]/i.test(unit) ? prefix + unit : `${prefix} ${unit}`.trim()];
  }
  return [1, unit];
}

/* Four digits that count, grouped by thousands; the unit is said by `withUnit`. */
function number(value, scale) {
  if (value === null || value === undefined) return "";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const scaled = value / scale[0];
  const size = Math.abs(scaled);
  if (scaled === 0) return "0";
  if (scale[0] === 1 && Number.isInteger(value) && size < 1e15) return grouped(scaled, 0);
  if (size >= 1e-3 && size < 1e7) {
    const rounded = Math.abs(Number(scaled.toPrecision(4)));
    return grouped(scaled, Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(rounded)))));
  }
  return scaled.toExponential(3).replace("-", "−");
}

function grouped(value, digits) {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replace("-", "−");
}

function withUnit(value, unit, scale) {
  if (value === null || value === undefined) return "";
  const used = scale || scaleFor([value], unit);
  return used[1] ? `${number(value, used)} ${used[1]}` : number(value, used);
}

function percent(change) {
  if (change === null || change === undefined || Number.isNaN(change)) return "";
  const shown = change * 100;
  const text = Math.abs(shown) >= 1000 ? grouped(shown, 0)
    : Math.abs(shown) >= 0.05 || shown === 0 ? shown.toFixed(1) : shown.toFixed(2);
  return (shown > 0 ? "+" : "") + text.replace("-", "−") + "%";
}

function count(n, one, many) {
  return `${n.toLocaleString("en-US")} ${n === 1 ? one : many || one + "s"}`;
}

const DAY = new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit" });
const MINUTE = new Intl.DateTimeFormat("sv-SE", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
});
const day = (ms) => DAY.format(new Date(ms));
const minute = (ms) => MINUTE.format(new Date(ms));
const shortId = (id) => (id.length > 16 && /^[0-9a-f]+$/.test(id) ? id.slice(0, 8) : id);
const shortCommit = (commit) => (commit ? (/^[0-9a-f]{20,}$/.test(commit) ? commit.slice(0, 8) : commit) : "");

/* --- the data: runs as columns, series over them --- */

const runs = meta.runs;
runs.count = runs.id.length;
runs.text = (column, i) => {
  const kept = runs[column];
  return kept.words[kept.at[i]];
};
const series = meta.series;
for (const each of series) {
  const tags = Object.entries(each.tags).map(([key, value]) => `${key}=${value}`).join(",");
  each.path = (each.scenario ? `${each.scenario}/` : "") + each.name + (tags ? `[${tags}]` : "");
  each.label = `${each.path} ${each.metric}`;
}
series.find_ = (row) => series.findIndex((each) => each.key === row.key);

const arrow = (direction) => ({ lower: "lower is better", higher: "higher is better" })[direction] || "no better direction";

/* Values come packed (planes of bytes, deflated, base64), since they are most of the page. */
async function unpackNumbers() {
  const text = document.getElementById("numbers").textContent;
  const packed = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let at = 0;
  const take = (length, width, Kind) => {
    const flat = new Uint8Array(length * width);
    for (let plane = 0; plane < width; plane++)
      for (let i = 0; i < length; i++) flat[i * width + plane] = bytes[at + plane * length + i];
    at += length * width;
    return new Kind(flat.buffer);
  };
  for (const each of series) {
    each.rows = each.dense ? Uint32Array.from({ length: each.n }, (_, i) => i) : take(each.n, 4, Uint32Array);
    each.values = take(each.n, 8, Float64Array);
    if (each.bounds) {
      const below = take(each.n, 4, Float32Array);
      const above = take(each.n, 4, Float32Array);
      each.lower = each.values.map((value, i) => value - below[i]);
      each.upper = each.values.map((value, i) => value + above[i]);
    }
    each.byRow = new Float64Array(runs.count).fill(NaN);
    each.rows.forEach((row, i) => { each.byRow[row] = each.values[i]; });
    each.has = new Uint8Array(runs.count);
    each.rows.forEach((row) => { each.has[row] = 1; });
    each.scale = scaleFor(each.values, each.unit);
  }
}

/* --- verdicts --- */

const SIGNS = {
  regression: "✖", failed: "☒", suspect: "◆", improvement: "✔", "no-change": "=", added: "+",
  removed: "−", skipped: "○", "not-enough-data": "?", "not-a-number": "∅", "no-direction": "·",
  incomparable: "≠",
};
const ORDER = Object.keys(SIGNS);
const words = (verdict) => verdict.replaceAll("-", " ");
const verdictMark = (verdict) =>
  el("span", { class: verdict }, el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[verdict] || "·"), words(verdict));
const comparison = meta.comparison;
const judged = new Map((comparison ? comparison.rows : []).map((row) => [row.key, row]));
