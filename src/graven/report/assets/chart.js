/* Drawings: a trend with its interval, steps and baselines; a sparkline; dots of samples. */

const COLORS = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 2"];

/* Round values between two ends, at most so many. */
function ticks(low, high, most) {
  if (!(high > low)) return [low];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

function range(lists) {
  let low = Infinity, high = -Infinity;
  for (const list of lists) for (const value of list || []) {
    if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  }
  return low === Infinity ? null : [low, high];
}

function sparkline(values, width = 110, height = 22) {
  const shown = values.length > width ? values.slice(-width) : values;
  const found = range([shown]);
  const node = svg("svg", { class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (!found) return node;
  const [low, high] = found;
  const x = (i) => 2 + (i / Math.max(1, shown.length - 1)) * (width - 4);
  const y = (value) => height - 3 - (high > low ? (value - low) / (high - low) : 0.5) * (height - 6);
  node.append(svg("path", { d: pathOf(shown, x, y), fill: "none", stroke: "var(--line-1)", "stroke-width": 1.3 }));
  const last = shown.length - 1;
  if (Number.isFinite(shown[last])) node.append(svg("circle", { cx: x(last), cy: y(shown[last]), r: 2, fill: "var(--line-2)" }));
  return node;
}

function pathOf(values, x, y) {
  let text = "", pen = false;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) { pen = false; continue; }
    text += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
    pen = true;
  }
  return text;
}

/* A trend. `onPick(run)` is called for the run that a person points at or steps to. */
function trendChart(one, { width, height = 330, byTime = false, fromZero = false, onPick }) {
  const box = { left: 76, right: 18, top: 26, bottom: 42 };
  if (width < 520) { box.left = 62; box.right = 10; }
  const node = svg("svg", {
    class: "chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: 0,
    "aria-label": `${one.label} over ${count(one.rows.length, "run")}; the arrow keys step through them`,
  });
  const finite = range([one.values, one.lower, one.upper]);
  if (!finite) {
    node.append(svg("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "no value is a number"));
    return node;
  }
  let [low, high] = finite;
  if (fromZero) { low = Math.min(0, low); high = Math.max(0, high); }
  const pad = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  if (!(fromZero && low === 0)) low -= pad;
  if (!(fromZero && high === 0)) high += pad;
  const first = one.rows[0], last = one.rows[one.rows.length - 1];
  const times = runs.time;
  const span = byTime ? times[last] - times[first] : last - first;
  const place = (row) => (span ? (byTime ? times[row] - times[first] : row - first) / span : 0.5);
  const x = (row) => box.left + place(row) * (width - box.left - box.right);
  const y = (value) => height - box.bottom - ((value - low) / (high - low)) * (height - box.top - box.bottom);
  const at = (i) => x(one.rows[i]);
  drawAxes(node, one, { box, width, height, low, high, x, y, first, last, byTime, place });
  if (one.lower) node.append(svg("path", { d: bandPath(one, at, y), fill: "var(--band)", stroke: "none" }));
  drawMarks(node, one, { box, height, x, y });
  const branches = linesOf(one);
  branches.forEach(([, members], k) => {
    const values = members.map((i) => one.values[i]);
    node.append(svg("path", {
      d: pathOf(values, (i) => at(members[i]), y), fill: "none", "stroke-width": 1.6,
      stroke: `var(${COLORS[k % COLORS.length]})`, "stroke-dasharray": DASHES[k % DASHES.length] || null,
    }));
    for (const i of members) {
      const odd = runs.text("origin", one.rows[i]) !== "measured";
      if (odd || one.rows.length <= 400) { const mark = dot(one, i, at(i), y, k); if (mark) node.append(mark); }
    }
  });
  drawCursor(node, one, { box, width, height, at, y, onPick });
  return node;
}

/* Branches in the order of how many runs they have; positions within the series. */
function linesOf(one) {
  const found = new Map();
  one.rows.forEach((row, i) => {
    const branch = runs.text("branch", row) || "no branch";
    if (!found.has(branch)) found.set(branch, []);
    found.get(branch).push(i);
  });
  const sorted = [...found].sort((a, b) => b[1].length - a[1].length);
  if (sorted.length <= COLORS.length) return sorted;
  const rest = sorted.slice(COLORS.length - 1).flatMap(([, members]) => members).sort((a, b) => a - b);
  return [...sorted.slice(0, COLORS.length - 1), [`${sorted.length - COLORS.length + 1} other branches`, rest]];
}

function dot(one, i, cx, y, k) {
  if (!Number.isFinite(one.values[i])) return null;
  const cy = y(one.values[i]);
  const color = `var(${COLORS[k % COLORS.length]})`;
  const origin = runs.text("origin", one.rows[i]);
  if (origin === "measured") return svg("circle", { cx, cy, r: one.rows.length > 150 ? 1.6 : 2.6, fill: color });
  // What nobody measured never looks measured.
  return svg("rect", { x: cx - 3, y: cy - 3, width: 6, height: 6, fill: "var(--panel)", stroke: color, "stroke-width": 1.4 });
}

function bandPath(one, at, y) {
  let text = "", start = null;
  const close = (end) => {
    if (start === null || end - start < 1) { start = null; return; }
    for (let i = start; i < end; i++) text += `${i === start ? "M" : "L"}${at(i).toFixed(1)} ${y(one.upper[i]).toFixed(1)}`;
    for (let i = end - 1; i >= start; i--) text += `L${at(i).toFixed(1)} ${y(one.lower[i]).toFixed(1)}`;
    text += "Z";
    start = null;
  };
  for (let i = 0; i < one.rows.length; i++) {
    const known = Number.isFinite(one.lower[i]) && Number.isFinite(one.upper[i]);
    if (known && start === null) start = i;
    if (!known) close(i);
  }
  close(one.rows.length);
  return text;
}

function drawAxes(node, one, { box, width, height, low, high, x, y, first, last, byTime, place }) {
  const [step] = one.scale;
  for (const value of ticks(low / step, high / step, height > 250 ? 6 : 4).map((each) => each * step)) {
    node.append(svg("line", { class: "tick", x1: box.left, x2: width - box.right, y1: y(value), y2: y(value) }));
    node.append(svg("text", { x: box.left - 8, y: y(value) + 4, "text-anchor": "end" }, tickText(value, one, high - low)));
  }
  const unit = one.scale[1] || (one.unit ? one.unit : "");
  node.append(svg("text", { x: box.left - 8, y: 14, "text-anchor": "end" }, unit));
  const bottom = height - box.bottom;
  node.append(svg("line", { class: "axis", x1: box.left, x2: width - box.right, y1: bottom, y2: bottom }));
  const most = Math.max(2, Math.floor((width - box.left - box.right) / 110));
  const shown = new Set();
  for (let i = 0; i <= most; i++) {
    let row;
    if (byTime) {
      const moment = runs.time[first] + ((runs.time[last] - runs.time[first]) * i) / most;
      row = one.rows.reduce((a, b) => (Math.abs(runs.time[b] - moment) < Math.abs(runs.time[a] - moment) ? b : a));
    } else row = one.rows[Math.round(((one.rows.length - 1) * i) / most)];
    if (shown.has(row)) continue;
    shown.add(row);
    // The labels of both ends reach inwards, so the next ones need more room.
    const room = Math.min(x(row) - x(first), x(last) - x(row));
    if (room > 0 && room < 112) continue;
    const anchor = place(row) < 0.05 ? "start" : place(row) > 0.95 ? "end" : "middle";
    node.append(svg("line", { class: "axis", x1: x(row), x2: x(row), y1: bottom, y2: bottom + 5 }));
    node.append(svg("text", { x: x(row), y: bottom + 19, "text-anchor": anchor }, day(runs.time[row])));
  }
}

function tickText(value, one, span) {
  const scaled = value / one.scale[0];
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(span / one.scale[0]))));
  return Math.abs(scaled) >= 1e7 || (scaled && Math.abs(scaled) < 1e-4) ? scaled.toExponential(1) : grouped(scaled, digits);
}

/* Steps are dashed lines with the change above; baselines and tags are diamonds. */
function drawMarks(node, one, { box, height, x, y }) {
  let free = -Infinity;
  for (const step of one.steps) {
    const at = x(step.row);
    node.append(svg("line", { class: `mark ${step.state}`, x1: at, x2: at, y1: box.top - 6, y2: height - box.bottom },
      svg("title", {}, stepText(step, one))));
    if (at - free > 58) {
      const side = step.worse === null ? "" : step.worse ? " worse" : " better";
      node.append(svg("text", { x: at + 3, y: box.top - 9, class: side, style: { fill: "currentColor" } }, percent(step.change)));
      free = at;
    }
  }
  one.rows.forEach((row, i) => {
    const refs = runs.refs[row];
    if (!refs || !Number.isFinite(one.values[i])) return;
    const cx = x(row), cy = y(one.values[i]);
    node.append(svg("path", {
      d: `M${cx} ${cy - 7}L${cx + 7} ${cy}L${cx} ${cy + 7}L${cx - 7} ${cy}Z`,
      fill: "none", stroke: "var(--text)", "stroke-width": 1.6,
    }, svg("title", {}, refs.join(", "))));
  });
}

function stepText(step, one) {
  const scale = scaleFor([step.before, step.after], one.unit);
  const said = step.state === "new" ? "" : `, ${step.state}${step.by ? ` by ${step.by}` : ""}${step.message ? `: ${step.message}` : ""}`;
  return `${withUnit(step.before, one.unit, scale)} → ${withUnit(step.after, one.unit, scale)} (${percent(step.change)})${said}`;
}

function drawCursor(node, one, { box, width, height, at, y, onPick }) {
  const line = svg("line", { class: "cursor", y1: box.top, y2: height - box.bottom, visibility: "hidden" });
  const ring = svg("circle", { r: 5, fill: "none", stroke: "var(--text)", "stroke-width": 1.6, visibility: "hidden" });
  node.append(line, ring);
  let current = -1;
  const move = (i) => {
    if (i < 0 || i >= one.rows.length || i === current) return;
    current = i;
    line.setAttribute("x1", at(i));
    line.setAttribute("x2", at(i));
    line.setAttribute("visibility", "visible");
    if (Number.isFinite(one.values[i])) {
      ring.setAttribute("cx", at(i));
      ring.setAttribute("cy", y(one.values[i]));
      ring.setAttribute("visibility", "visible");
    } else ring.setAttribute("visibility", "hidden");
    onPick && onPick(i);
  };
  const nearest = (event) => {
    const place = (event.clientX - node.getBoundingClientRect().left) * (width / node.getBoundingClientRect().width);
    let low = 0, high = one.rows.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (at(middle) < place) low = middle + 1; else high = middle; }
    return low > 0 && place - at(low - 1) < at(low) - place ? low - 1 : low;
  };
  node.addEventListener("pointermove", (event) => move(nearest(event)));
  node.addEventListener("pointerdown", (event) => move(nearest(event)));
  node.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: one.rows.length - 1,
      PageUp: Math.max(0, current - 20), PageDown: Math.min(one.rows.length - 1, current + 20) };
    if (!(event.key in steps)) return;
    event.preventDefault();
    move(current < 0 ? one.rows.length - 1 : steps[event.key]);
  });
}

function legend(one) {
  const key = (shape, text) => el("span", {}, svg("svg", { width: 22, height: 12, "aria-hidden": "true" }, shape), text);
  const branches = linesOf(one);
  const parts = branches.map(([branch], k) => key(
    svg("line", { x1: 1, x2: 21, y1: 6, y2: 6, "stroke-width": 2, stroke: `var(${COLORS[k % COLORS.length]})`,
      "stroke-dasharray": DASHES[k % DASHES.length] || null }), branch));
  if (one.lower) parts.push(key(svg("rect", { x: 1, y: 1, width: 20, height: 10, fill: "var(--band)" }),
    "the run's own interval, or the middle half of its samples"));
  if (one.steps.length) parts.push(key(svg("line", { class: "mark", x1: 11, x2: 11, y1: 0, y2: 12, stroke: "var(--text)", "stroke-dasharray": "4 3" }), "change point"));
  if ([...one.rows].some((row) => runs.refs[row])) parts.push(key(
    svg("path", { d: "M11 0L17 6L11 12L5 6Z", fill: "none", stroke: "var(--text)", "stroke-width": 1.6 }), "baseline or tag"));
  if ([...one.rows].some((row) => runs.text("origin", row) !== "measured")) parts.push(key(
    svg("rect", { x: 7, y: 2, width: 8, height: 8, fill: "none", stroke: "var(--line-1)", "stroke-width": 1.4 }), "not measured (simulated or imported)"));
  return el("div", { class: "legend" }, parts);
}

/* Every sample of two runs as a dot, with the medians. */
function samplesChart(one, sides, width, height = 150) {
  const found = range(sides.map((side) => side.values));
  const node = svg("svg", { class: "chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": sides.map((side) => `${side.name}: ${count(side.values.length, "sample")}, median ${withUnit(median(side.values), one.unit)}`).join("; ") });
  if (!found) return node;
  let [low, high] = found;
  const pad = (high - low) * 0.04 || Math.abs(high) * 0.02 || 1;
  low -= pad; high += pad;
  const left = Math.min(110, width * 0.25);
  const x = (value) => left + ((value - low) / (high - low)) * (width - left - 16);
  const scale = scaleFor([found[0], found[1]], one.unit);
  for (const value of ticks(low / scale[0], high / scale[0], Math.max(2, Math.floor(width / 150))).map((each) => each * scale[0])) {
    node.append(svg("line", { class: "tick", x1: x(value), x2: x(value), y1: 4, y2: height - 26 }));
    node.append(svg("text", { x: x(value), y: height - 9, "text-anchor": "middle" }, tickText(value, { scale }, high - low) + (scale[1] ? ` ${scale[1]}` : "")));
  }
  const lane = (height - 30) / sides.length;
  sides.forEach((side, k) => {
    const middle = 4 + lane * (k + 0.5);
    node.append(svg("text", { x: left - 10, y: middle + 4, "text-anchor": "end" }, side.name));
    side.values.forEach((value, i) => node.append(svg("circle", {
      cx: x(value), cy: middle + (((i * 0.618034) % 1) - 0.5) * lane * 0.55, r: 2.4, "fill-opacity": 0.55,
      fill: `var(${COLORS[k]})` })));
    const mid = x(median(side.values));
    node.append(svg("line", { x1: mid, x2: mid, y1: middle - lane * 0.38, y2: middle + lane * 0.38, stroke: "var(--text)", "stroke-width": 2 }));
  });
  return node;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
