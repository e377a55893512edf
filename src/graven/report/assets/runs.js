/* Every run with every series, sortable and filterable. */

function runsPart(go) {
  const search = el("input", { type: "search", id: "filter", placeholder: "filter runs: branch, commit, date …", "aria-label": "filter runs" });
  const columnsSearch = el("input", { type: "search", placeholder: "series: part of a name", "aria-label": "which series are shown" });
  const limits = el("input", { type: "search", placeholder: "value: > 1.5 ms", "aria-label": "only runs where the sorted series is above or below", class: "hide-narrow" });
  const shown = el("span", { class: "dim", role: "status" });
  const labels = labelColumns();
  const all = series.map(seriesColumn);
  const grid = new Grid("runs", [...labels, ...all], (row) => go("compare", row));
  const haystack = Array.from({ length: runs.count }, (_, i) => [
    runs.id[i], runs.commit[i], runs.text("branch", i), runs.text("experiment", i), runs.text("status", i),
    runs.text("origin", i), day(runs.time[i]), ...(runs.refs[i] || [])].join(" ").toLowerCase());
  const filter = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const limit = readLimit(limits.value, grid.by);
    limits.setAttribute("aria-invalid", String(limit === undefined));
    const rows = [];
    for (let i = runs.count - 1; i >= 0; i--)
      if (wanted.every((word) => haystack[i].includes(word)) && (!limit || limit(grid.by.value(i)))) rows.push(i);
    grid.setRows(rows);
    shown.textContent = rows.length === runs.count ? count(rows.length, "run") : `${rows.length.toLocaleString("en-US")} of ${count(runs.count, "run")}`;
  };
  search.addEventListener("input", filter);
  limits.addEventListener("input", filter);
  columnsSearch.addEventListener("input", () => {
    const wanted = columnsSearch.value.toLowerCase().split(/\s+/).filter(Boolean);
    grid.setColumns([...labels, ...all.filter((column) => wanted.every((word) => column.title.toLowerCase().includes(word)))]);
  });
  document.addEventListener("numbers", () => { all.forEach((column) => column.ready()); grid.draw(); });
  filter();
  return el("section", {}, el("div", { class: "bar" }, search, columnsSearch, limits, shown), grid.node,
    el("p", { class: "dim" }, "Newest first; a column's head sorts, and again turns the order. Enter or a click compares a run with the baseline."));
}

/* "> 1.5 ms" for the column that is sorted by: a test of values; null for none, undefined if unreadable. */
function readLimit(text, column) {
  if (!text.trim()) return null;
  const found = /^\s*([<>]=?|=)\s*(-?[\d.]+(?:e[-+]?\d+)?)\s*(\S*)\s*$/i.exec(text);
  if (!found || !column || !column.one) return undefined;
  const known = [...SECONDS, ...BYTES].find(([, name]) => name === found[3]);
  if (found[3] && !known && found[3] !== column.one.unit) return undefined;
  const limit = Number(found[2]) * (found[3] ? (known ? known[0] : 1) : column.one.scale[0]);
  return { "<": (v) => v < limit, "<=": (v) => v <= limit, ">": (v) => v > limit, ">=": (v) => v >= limit, "=": (v) => v === limit }[found[1]];
}

function labelColumns() {
  const column = (title, width, value, text) => ({ title, width, value, text: text || ((i) => String(value(i) ?? "")) });
  const found = [
    column("run", 150, (i) => runs.id[i], (i) => shortId(runs.id[i]) + (runs.refs[i] ? ` ◇ ${runs.refs[i].map((ref) => ref.split("/").pop()).join(" ")}` : "")),
    column("time", 148, (i) => runs.time[i], (i) => minute(runs.time[i])),
    column("branch", 110, (i) => runs.text("branch", i)),
    column("commit", 92, (i) => runs.commit[i], (i) => shortCommit(runs.commit[i])),
  ];
  if (runs.experiment.words.some(Boolean)) found.push(column("experiment", 120, (i) => runs.text("experiment", i)));
  if (runs.status.words.length > 1 || runs.status.words[0] !== "ok") found.push(column("status", 80, (i) => runs.text("status", i)));
  if (runs.origin.words.some((word) => word !== "measured"))
    found.push({ ...column("origin", 90, (i) => runs.text("origin", i)), cls: (i) => (runs.text("origin", i) === "measured" ? "" : "origin") });
  return found;
}

function seriesColumn(one) {
  const column = {
    title: one.label, over: one.path, name: one.metric, unit: one.unit || "", width: 148, number: true, one,
    value: (i) => (one.byRow ? one.byRow[i] : NaN),
    text: (i) => (one.has && one.has[i] ? number(one.byRow[i], one.scale) : ""),
    ready: () => { column.unit = one.scale[1] || one.unit || ""; },
  };
  return column;
}
