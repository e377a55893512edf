/* What the runs were measured on, and which facts tell the environments apart. */

const MOST_ENVIRONMENTS = 30;

function environmentsPart() {
  const all = meta.environments;
  if (!all.length) return el("section", {}, el("p", { class: "empty" }, "no run names its environment"));
  const used = new Array(all.length).fill(0);
  runs.environment.forEach((at) => { if (at !== null) used[at]++; });
  const text = (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));
  const keys = [...new Set(all.flatMap(Object.keys))].sort();
  const differs = new Set(keys.filter((key) => new Set(all.map((each) => text(each[key]))).size > 1));
  const shown = all.slice(0, MOST_ENVIRONMENTS);
  const ordered = [...keys.filter((key) => differs.has(key)), ...keys.filter((key) => !differs.has(key))];
  const head = el("tr", {}, el("th", { scope: "col" }, "fact"), shown.map((_, at) => el("th", { scope: "col" }, count(used[at], "run"))));
  const machine = el("tr", {}, el("td", {}, "machine fingerprint"), shown.map((_, at) => el("td", { class: "mono" }, meta.machines[at] || "unknown")));
  const rows = ordered.map((key) => el("tr", {}, el("td", { class: differs.has(key) ? "differs" : "" }, key + (differs.has(key) && all.length > 1 ? " ≠" : "")),
    shown.map((each) => el("td", {}, text(each[key])))));
  const silent = runs.environment.filter((at) => at === null).length;
  return el("section", {}, el("h2", {}, count(all.length, "environment")),
    all.length > shown.length ? el("p", { class: "dim" }, `the ${shown.length} newest are shown`) : null,
    silent ? el("p", { class: "note" }, `${count(silent, "run")} without values or environment`) : null,
    el("div", { class: "scroll env" }, el("table", {}, el("thead", {}, head), el("tbody", {}, machine, rows))));
}
