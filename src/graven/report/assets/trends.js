/* One series over the runs, chosen from a list. */

const ITEM = 52;

function trendsPart() {
  const search = el("input", { type: "search", placeholder: "filter series", "aria-label": "filter series" });
  const list = el("div", { class: "list", role: "listbox", tabindex: 0, "aria-label": "series" });
  const byTime = el("input", { type: "checkbox" });
  const fromZero = el("input", { type: "checkbox" });
  const card = el("div", { class: "card" });
  let fitting = [], chosen = 0;
  const fit = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    fitting = series.map((_, k) => k).filter((k) => wanted.every((word) => series[k].label.toLowerCase().includes(word)));
    list.scrollTop = 0;
    drawList();
  };
  const drawList = () => {
    const from = Math.max(0, Math.floor(list.scrollTop / ITEM) - 2);
    const to = Math.min(fitting.length, from + Math.ceil((list.clientHeight || 600) / ITEM) + 4);
    const items = [el("div", { style: { height: `${fitting.length * ITEM}px` } })];
    for (let k = from; k < to; k++) items.push(item(fitting[k], k));
    if (!fitting.length) items.push(el("p", { class: "empty" }, "no series fits"));
    list.replaceChildren(...items);
  };
  const item = (at, k) => {
    const one = series[at], row = judged.get(one.key);
    return el("div", { class: "item", role: "option", "aria-selected": String(at === chosen), style: { top: `${k * ITEM}px`, height: `${ITEM}px` },
      onclick: () => choose(at) },
      el("div", { class: "top" }, el("span", { class: "path", title: one.label }, el("bdi", {}, one.path)), row ? el("span", { class: row.verdict, title: words(row.verdict) }, SIGNS[row.verdict]) : null),
      el("div", { class: "top" }, el("span", { class: "dim" }, one.metric), one.values ? sparkline(one.values, 90, 18) : null));
  };
  const choose = (at) => {
    chosen = at;
    const k = fitting.indexOf(at);
    if (k >= 0 && (k * ITEM < list.scrollTop || (k + 1) * ITEM > list.scrollTop + list.clientHeight)) list.scrollTop = k * ITEM;
    drawList();
    draw();
    history.replaceState(null, "", `#trends/${at}`);
  };
  const draw = () => {
    const one = series[chosen];
    if (!one) { card.replaceChildren(el("p", { class: "empty" }, "there is no series")); return; }
    if (!one.values) return;
    const readout = el("div", { class: "readout", "aria-live": "polite" }, el("span", { class: "dim" }, "point at the chart, or step through it with the arrow keys"));
    const width = Math.max(280, card.clientWidth - 34);
    card.replaceChildren(titleOf(one), trendChart(one, {
      width, byTime: byTime.checked, fromZero: fromZero.checked, height: width < 520 ? 260 : 340,
      onPick: (i) => readout.replaceChildren(...pointText(one, i)),
    }), legend(one), readout, figures(one));
  };
  search.addEventListener("input", fit);
  list.addEventListener("scroll", () => requestAnimationFrame(drawList), { passive: true });
  list.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, Home: -fitting.length, End: fitting.length }[event.key];
    if (move === undefined || !fitting.length) return;
    event.preventDefault();
    choose(fitting[Math.max(0, Math.min(fitting.length - 1, fitting.indexOf(chosen) + move))]);
  });
  for (const box of [byTime, fromZero]) box.addEventListener("change", draw);
  new ResizeObserver(() => draw()).observe(card);
  document.addEventListener("numbers", () => { drawList(); draw(); });
  fit();
  const node = el("section", { class: "split" },
    el("div", { class: "no-print" }, el("div", { class: "bar" }, search), list),
    el("div", {}, el("div", { class: "bar" }, el("label", {}, byTime, "spaced by time"), el("label", {}, fromZero, "from zero")), card));
  return { node, choose, draw };
}

function titleOf(one) {
  const row = judged.get(one.key);
  return el("div", { class: "top" }, el("h2", {}, one.path, " ", el("span", { class: "dim" }, one.metric)),
    el("p", { class: "dim" }, [one.unit ? `in ${one.unit}` : "no unit is known", one.direction_source === "unknown" ? "nobody said which way is better" : arrow(one.direction),
      Object.entries(one.left_out).map(([unit, n]) => `${count(n, "value")} in ${unit || "no unit"} left out`).join(", ")].filter(Boolean).join(" · "),
    row ? " · " : "", row ? verdictMark(row.verdict) : null, row && row.change !== undefined ? ` ${percent(row.change)}` : ""));
}

function pointText(one, i) {
  const row = one.rows[i];
  const bounds = one.lower && Number.isFinite(one.lower[i]) ? ` (${number(one.lower[i], one.scale)} … ${number(one.upper[i], one.scale)})` : "";
  const origin = runs.text("origin", row);
  const before = i ? one.values[i - 1] : NaN;
  const change = i && before ? percent((one.values[i] - before) / Math.abs(before)) : "";
  return [el("b", {}, withUnit(one.values[i], one.unit, one.scale)), `${bounds} ${change ? `${change} from the run before` : ""}`,
    el("br"), el("span", { class: "dim" }, [minute(runs.time[row]), runs.text("branch", row), shortCommit(runs.commit[row]), shortId(runs.id[row]), ...(runs.refs[row] || [])].filter(Boolean).join(" · ")),
    origin === "measured" ? "" : el("span", { class: "badge origin" }, origin),
    ...one.steps.filter((step) => step.row === row).map((step) => el("div", {}, `change point: ${stepText(step, one)}`))];
}

function figures(one) {
  const finite = [...one.values].filter(Number.isFinite);
  if (!finite.length) return null;
  const [low, high] = range([finite]);
  const pairs = [["runs", one.rows.length.toLocaleString("en-US")], ["newest", withUnit(one.values[one.values.length - 1], one.unit, one.scale)],
    ["median", withUnit(median(finite), one.unit, one.scale)], ["least", withUnit(low, one.unit, one.scale)], ["most", withUnit(high, one.unit, one.scale)]];
  const odd = one.values.length - finite.length;
  if (odd) pairs.push(["not a number", odd.toLocaleString("en-US")]);
  return el("dl", { class: "pairs" }, pairs.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
}
