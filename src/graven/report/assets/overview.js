/* The latest run against the baseline, what it rests on, and where levels changed. */

const SHOWN_ROWS = 30;

function overview(go) {
  const node = el("section", {});
  node.append(...remarks());
  if (!comparison) {
    node.append(el("h2", {}, "No comparison"), el("p", {}, `${meta.without || "nothing was compared"}.`,
      el("span", { class: "dim" }, " A baseline is set with 'graven baseline set main REV'.")));
  } else node.append(...compared(go));
  node.append(...stepsPart(go));
  return node;
}

function remarks() {
  const found = meta.notes.map((text) => el("p", { class: "note warn" }, text));
  const others = Object.entries(meta.origins).filter(([origin]) => origin !== "measured");
  if (others.length) found.push(el("p", { class: "note warn" },
    others.map(([origin, n]) => `${count(n, "run")} ${n === 1 ? "is" : "are"} ${origin}`).join(", ") + ", not measured; they are marked wherever they stand."));
  if (meta.runs_left_out) found.push(el("p", { class: "note" }, `${count(meta.runs_left_out, "older run")} left out; --runs takes more.`));
  if (meta.series_left_out) found.push(el("p", { class: "note" }, `${count(meta.series_left_out, "more series", "more series")} not shown; --max-series takes more.`));
  return found;
}

function sideText(side) {
  const parts = [shortId(side.id), side.branch, shortCommit(side.commit), minute(Date.parse(side.timestamp))];
  const node = el("span", {}, parts.filter(Boolean).join(" · "));
  if (side.origin !== "measured") node.append(" ", el("span", { class: "badge origin" }, side.origin));
  return node;
}

function compared(go) {
  const counts = comparison.counts;
  let only = null, all = false;
  const body = el("tbody");
  const more = el("p", {});
  const chips = ORDER.filter((verdict) => counts[verdict]).map((verdict) => el("button", {
    class: "chip", type: "button", "aria-pressed": "false",
    onclick: () => { only = only === verdict ? null : verdict; show(); },
  }, verdictMark(verdict), el("b", {}, counts[verdict].toLocaleString("en-US"))));
  const quiet = new Set(["no-change", "no-direction", "added", "skipped"]);
  const ranked = [...comparison.rows].sort((a, b) =>
    ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict) || Math.abs(b.change ?? Infinity) - Math.abs(a.change ?? Infinity));
  const show = () => {
    chips.forEach((chip, k) => chip.setAttribute("aria-pressed", String(ORDER.filter((v) => counts[v])[k] === only)));
    let rows = ranked.filter((row) => (only ? row.verdict === only : all || !quiet.has(row.verdict)));
    if (!rows.length && !only) rows = ranked;
    const shown = all ? rows : rows.slice(0, SHOWN_ROWS);
    body.replaceChildren(...shown.map((row) => comparedRow(row, go)));
    const hidden = (only ? rows.length : ranked.length) - shown.length;
    more.replaceChildren(...(hidden > 0 ? [el("button", { type: "button", class: "no-print", onclick: () => { all = true; show(); } }, `show ${count(hidden, "more row")}`)] : []));
  };
  const title = el("h2", {}, "Latest run against ", el("span", {}, meta.baseline_name));
  const sides = el("dl", { class: "pairs" }, el("dt", {}, "baseline"), el("dd", {}, sideText(comparison.baseline)),
    el("dt", {}, "current"), el("dd", {}, sideText(comparison.current)));
  const table = el("div", { class: "scroll cards" }, el("table", {}, el("thead", {}, el("tr", {},
    el("th", { scope: "col" }, "verdict"), el("th", { scope: "col" }, "benchmark"), el("th", { scope: "col" }, "metric"),
    el("th", { scope: "col", class: "num" }, "baseline"), el("th", { scope: "col", class: "num" }, "current"),
    el("th", { scope: "col", class: "num" }, "change"), el("th", { scope: "col", class: "hide-narrow" }, "judged by"),
    el("th", { scope: "col", class: "hide-narrow no-print" }, "history"))), body));
  document.addEventListener("numbers", show);
  show();
  return [title, sides, el("div", { class: "chips", role: "group", "aria-label": "verdicts" }, chips), basis(), table, more].filter(Boolean);
}

function basis() {
  const alarms = meta.alarms;
  if (!alarms) return null;
  const text = alarms.share === null || alarms.share === undefined
    ? `the gate's rate of alarms: ${count(alarms.comparisons, "past comparison")} ${alarms.comparisons === 1 ? "is" : "are"} too few to say`
    : `this gate would have fired on ${(alarms.share * 100).toFixed(1)}% of ${count(alarms.comparisons, "past comparison")} (${count(alarms.series, "series", "series")}, ${count(alarms.runs, "run")})`;
  return el("p", { class: "note" }, text);
}

function comparedRow(row, go) {
  const at = row.metric ? series.find_(row) : -1;
  const scale = scaleFor([row.baseline, row.current].filter((v) => v !== undefined), row.unit);
  const quiet = row.verdict === "no-change" || row.verdict === "not-enough-data";
  const side = quiet ? "" : row.worse === true ? "worse" : row.worse === false ? "better" : "";
  const change = el("td", { class: `num ${side}` }, changeText(row));
  if (row.effect && row.effect.lower !== undefined) change.append(el("div", { class: "dim" },
    `${percent(row.effect.lower - 1)} … ${percent(row.effect.upper - 1)}`));
  const history = el("td", { class: "hide-narrow no-print" });
  if (at >= 0 && series[at].values) history.append(sparkline(series[at].values));
  const open = () => at >= 0 && go("trends", at);
  return el("tr", at >= 0 ? { tabindex: 0, onclick: open, onkeydown: (event) => event.key === "Enter" && open() } : {},
    el("td", {}, verdictMark(row.verdict)),
    el("td", { class: "name" }, pathText(row), row.note ? el("div", { class: "dim" }, row.note) : null),
    el("td", {}, row.metric || "", row.direction ? el("div", { class: "dim hide-narrow" }, arrow(row.direction)) : null),
    el("td", { class: "num" }, withUnit(row.baseline, row.unit, scale)),
    el("td", { class: "num now" }, withUnit(row.current, row.unit, scale)), change,
    el("td", { class: "hide-narrow" }, judgedText(row)), history);
}

function pathText(row) {
  const tags = Object.entries(row.tags).map(([key, value]) => `${key}=${value}`).join(",");
  return (row.scenario ? `${row.scenario}/` : "") + row.name + (tags ? `[${tags}]` : "") + (row.occurrence ? ` #${row.occurrence}` : "");
}

function changeText(row) {
  if (row.change === undefined || row.change === null) return "";
  const sign = row.change > 0 ? "↑ " : row.change < 0 ? "↓ " : "";
  return sign + percent(row.change);
}

function judgedText(row) {
  if (!row.judged_by) return "";
  if (row.judged_by === "history" && row.history) return `history of ${row.history.count ?? row.history.runs ?? ""}`.trim();
  if (row.judged_by === "samples" && row.effect) return `samples (${row.effect.samples.join(" and ")})`;
  return row.judged_by;
}

function stepsPart(go) {
  const found = [];
  series.forEach((one, at) => one.steps.forEach((step) => { if (step.state !== "rejected") found.push({ step, one, at }); }));
  found.sort((a, b) => runs.time[b.step.row] - runs.time[a.step.row] || Math.abs(b.step.change ?? Infinity) - Math.abs(a.step.change ?? Infinity));
  if (!found.length) return [];
  const shown = found.slice(0, SHOWN_ROWS);
  const rows = shown.map(({ step, one, at }) => {
    const scale = scaleFor([step.before, step.after], one.unit);
    const side = step.worse === true ? "worse" : step.worse === false ? "better" : "";
    const open = () => go("trends", at);
    return el("tr", { tabindex: 0, onclick: open, onkeydown: (event) => event.key === "Enter" && open() },
      el("td", { class: "num" }, day(runs.time[step.row])), el("td", { class: "name" }, one.path), el("td", {}, one.metric),
      el("td", { class: "num" }, `${withUnit(step.before, one.unit, scale)} → ${withUnit(step.after, one.unit, scale)}`),
      el("td", { class: `num ${side}` }, percent(step.change), side ? ` ${side}` : ""),
      el("td", { class: "hide-narrow" }, step.state === "new" ? "" : step.state),
      el("td", { class: "mono hide-narrow" }, shortCommit(runs.commit[step.row]) || shortId(runs.id[step.row])));
  });
  const head = ["since", "benchmark", "metric", "level", "change", "state", "commit"].map((text, k) =>
    el("th", { scope: "col", class: [0, 3, 4].includes(k) ? "num" : k > 4 ? "hide-narrow" : null }, text));
  return [el("h2", {}, "Change points"),
    found.length > shown.length ? el("p", { class: "dim" }, `the newest ${shown.length} of ${found.length}`) : null,
    el("div", { class: "scroll cards" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows)))].filter(Boolean);
}
