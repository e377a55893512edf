/* Two runs side by side: values, samples, environments. */

function comparePart(go) {
  const place = (id) => runs.id.indexOf(id);
  const newest = runs.count - 1;
  const baselines = runs.refs.flatMap((refs, i) => (refs && refs.some((ref) => ref.startsWith("baselines/")) ? [i] : []));
  let a = comparison ? place(comparison.baseline.id) : -1;
  let b = comparison ? place(comparison.current.id) : newest;
  if (a < 0) a = baselines.length ? baselines[0] : Math.max(0, newest - 1);
  if (b < 0) b = newest;
  const search = el("input", { type: "search", placeholder: "filter benchmarks", "aria-label": "filter benchmarks" });
  const onlyMoved = el("input", { type: "checkbox" });
  const body = el("div", {});
  const pickers = [picker("baseline", () => a, (i) => choose(b, i)), picker("current", () => b, (i) => choose(i, a))];
  const draw = () => {
    if (!runs.count) { body.replaceChildren(el("p", { class: "empty" }, "there is no run")); return; }
    pickers.forEach((each) => each.update());
    if (!series.length || !series[0].values) return;
    body.replaceChildren(...pairTable(a, b, { search: search.value, onlyMoved: onlyMoved.checked, go }), ...differences(a, b));
  };
  const choose = (current, baseline) => {
    b = current;
    if (baseline !== undefined) a = baseline;
    history.replaceState(null, "", `#compare/${b}/${a}`);
    draw();
  };
  search.addEventListener("input", draw);
  onlyMoved.addEventListener("change", draw);
  document.addEventListener("numbers", draw);
  draw();
  const swap = el("button", { type: "button", onclick: () => choose(a, b) }, "⇄ swap");
  return {
    node: el("section", {}, el("div", { class: "bar" }, pickers.map((each) => each.node), swap, search, el("label", {}, onlyMoved, "only what moved over 5%")), body),
    choose,
    draw,
  };
}

function runText(i) {
  return [shortId(runs.id[i]), runs.text("branch", i), shortCommit(runs.commit[i]), day(runs.time[i]), ...(runs.refs[i] || [])].filter(Boolean).join(" · ");
}

const MOST_CHOICES = 400;

function picker(label, get, set) {
  const select = el("select", { "aria-label": `${label} run` });
  select.addEventListener("change", () => set(Number(select.value)));
  return {
    node: el("label", {}, label, select),
    update: () => {
      const chosen = get();
      const wanted = new Set([chosen]);
      runs.refs.forEach((refs, i) => refs && wanted.add(i));
      for (let i = runs.count - 1; i >= 0 && wanted.size < MOST_CHOICES; i--) wanted.add(i);
      select.replaceChildren(...[...wanted].sort((x, y) => y - x).map((i) => el("option", { value: i, selected: i === chosen }, runText(i))));
    },
  };
}

function pairTable(a, b, { search, onlyMoved, go }) {
  const isJudged = comparison && runs.id[a] === comparison.baseline.id && runs.id[b] === comparison.current.id;
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  series.forEach((one, at) => {
    if (!one.has[a] && !one.has[b]) return;
    const old = one.has[a] ? one.byRow[a] : null, now = one.has[b] ? one.byRow[b] : null;
    const change = old === null || now === null || !old || !Number.isFinite(old) ? null : (now - old) / Math.abs(old);
    if (!wanted.every((word) => one.label.toLowerCase().includes(word))) return;
    if (onlyMoved && !(change === null || Math.abs(change) > 0.05)) return;
    found.push({ one, at, old, now, change, row: isJudged ? judged.get(one.key) : null });
  });
  found.sort((x, y) => Math.abs(y.change ?? -1) - Math.abs(x.change ?? -1));
  const shown = found.slice(0, 200);
  const rows = shown.map((each) => pairRow(each, go));
  const remark = isJudged ? null : el("p", { class: "note" }, "These two runs were not judged: the change is that of the values alone. The gate judges the newest run against the baseline; 'graven compare' judges any two.");
  const head = ["", "benchmark", "metric", "baseline", "current", "change"].map((text, k) => el("th", { scope: "col", class: k > 2 ? "num" : null }, text));
  return [remark, el("div", { class: "scroll cards" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))),
    found.length > shown.length ? el("p", { class: "dim" }, `the ${shown.length} largest changes of ${found.length.toLocaleString("en-US")}; filter to see others`) : null,
    ...distributions(found, a, b)].filter(Boolean);
}

function pairRow({ one, at, old, now, change, row }, go) {
  const scale = scaleFor([old, now].filter((v) => v !== null), one.unit);
  const worse = row ? (["no-change", "no-direction", "not-enough-data"].includes(row.verdict) ? null : row.worse) : sideOf(one, change);
  const open = () => go("trends", at);
  return el("tr", { tabindex: 0, onclick: open, onkeydown: (event) => event.key === "Enter" && open() },
    el("td", {}, row ? verdictMark(row.verdict) : ""), el("td", { class: "name" }, one.path), el("td", {}, one.metric),
    el("td", { class: "num" }, withUnit(old, one.unit, scale)), el("td", { class: "num now" }, withUnit(now, one.unit, scale)),
    el("td", { class: `num ${worse === true ? "worse" : worse === false ? "better" : ""}` },
      change === null ? (old === null ? "only in current" : now === null ? "only in baseline" : "") : `${change > 0 ? "↑ " : change < 0 ? "↓ " : ""}${percent(change)}`));
}

function sideOf(one, change) {
  if (!change || one.direction_source === "unknown" || !["lower", "higher"].includes(one.direction)) return null;
  return change > 0 === (one.direction === "lower");
}

function distributions(found, a, b) {
  const of = (run, at) => meta.samples.find((each) => each.run === run && each.series === at);
  const both = found.map((each) => ({ ...each, sides: [["baseline", of(a, each.at)], ["current", of(b, each.at)]].filter(([, side]) => side) }))
    .filter((each) => each.sides.length === 2);
  if (!both.length) return [];
  const choice = el("select", { "aria-label": "benchmark whose samples are shown" },
    both.map((each, k) => el("option", { value: k }, `${each.one.label}${each.change === null ? "" : ` (${percent(each.change)})`}`)));
  const place = el("div", { class: "card" });
  const show = () => {
    const { one, sides } = both[Number(choice.value)];
    const width = Math.max(280, (place.clientWidth || 800) - 34);
    place.replaceChildren(samplesChart(one, sides.map(([name, side]) => ({ name, values: side.values })), width),
      el("p", { class: "dim" }, sides.map(([name, side]) => `${name}: ${count(side.values.length, "sample")}, median ${withUnit(median(side.values), one.unit)}`).join(" · ")));
  };
  choice.addEventListener("change", show);
  show();
  requestAnimationFrame(show); // again, once it is known how wide it is
  return [el("h2", {}, "Samples"), el("div", { class: "bar" }, choice), place];
}

function differences(a, b) {
  const left = meta.environments[runs.environment[a]], right = meta.environments[runs.environment[b]];
  const title = el("h2", {}, "Environments");
  if (!left || !right) return [title, el("p", { class: "dim" }, "at least one of the two runs names no environment")];
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  const text = (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));
  const differing = keys.filter((key) => text(left[key]) !== text(right[key]));
  const machines = [meta.machines[runs.environment[a]], meta.machines[runs.environment[b]]];
  const remark = machines[0] && machines[1] && machines[0] !== machines[1]
    ? el("p", { class: "note warn" }, `measured on different machines (${machines.join(" and ")})`) : null;
  if (!differing.length) return [title, remark, el("p", { class: "dim" }, `no difference in ${count(keys.length, "fact")}`)].filter(Boolean);
  return [title, remark, el("div", { class: "scroll env" }, el("table", {},
    el("thead", {}, el("tr", {}, ["fact", "baseline", "current"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, differing.map((key) => el("tr", {}, el("td", {}, key), el("td", {}, text(left[key])), el("td", {}, text(right[key]))))))),
    el("p", { class: "dim" }, `${count(keys.length - differing.length, "other fact")} ${keys.length - differing.length === 1 ? "is" : "are"} the same`)].filter(Boolean);
}
