/* The page: its head, its tabs, its keys. */

function start() {
  const tabs = [
    ["overview", "Overview"], ["runs", "Runs"], ["trends", "Trends"], ["compare", "Compare"], ["environments", "Environments"],
  ];
  const panels = {}, buttons = {};
  const go = (name, ...rest) => {
    for (const [each] of tabs) {
      panels[each].hidden = each !== name;
      buttons[each].setAttribute("aria-selected", String(each === name));
      buttons[each].tabIndex = each === name ? 0 : -1;
    }
    history.replaceState(null, "", `#${[name, ...rest].join("/")}`);
    if (name === "trends") { if (rest.length) trends.choose(Number(rest[0])); else trends.draw(); }
    if (name === "compare") { if (rest.length) compare.choose(...rest.map(Number)); else compare.draw(); }
    window.scrollTo(0, 0);
  };
  const trends = trendsPart(), compare = comparePart((...words) => go(...words));
  const inside = { overview: overview(go), runs: runsPart(go), trends: trends.node, compare: compare.node, environments: environmentsPart() };
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": "parts of the report" });
  const main = document.querySelector("main");
  for (const [name, title] of tabs) {
    buttons[name] = el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => go(name) }, title);
    panels[name] = el("div", { class: `panel${["environments"].includes(name) ? " print-too" : ""}`, role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` }, inside[name]);
    list.append(buttons[name]);
    main.append(panels[name]);
  }
  list.addEventListener("keydown", (event) => {
    const at = tabs.findIndex(([name]) => buttons[name].getAttribute("aria-selected") === "true");
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const [name] = tabs[(next + tabs.length) % tabs.length];
    go(name);
    buttons[name].focus();
  });
  document.querySelector("header").append(heading(), list);
  const known = location.hash.slice(1).split("/");
  const valid = tabs.some(([name]) => name === known[0]) && known.slice(1).every((word) => /^\d+$/.test(word));
  const inRange = known[0] !== "trends" || !known[1] || Number(known[1]) < series.length;
  const runsInRange = known[0] !== "compare" || known.slice(1).every((word) => Number(word) < runs.count);
  go(...(valid && inRange && runsInRange ? known : ["overview"]));
  keys(go, tabs);
}

function heading() {
  const span = runs.count ? `${day(runs.time[0])} to ${day(runs.time[runs.count - 1])}` : "";
  const facts = [count(runs.count, "run"), count(series.length, "series", "series"), span,
    meta.where ? `where ${meta.where}` : "", `made ${minute(meta.made)} by graven`].filter(Boolean);
  const theme = el("button", { type: "button", class: "no-print", onclick: turnTheme, title: "light or dark (t)", "aria-label": "light or dark" }, "◐", el("span", { class: "hide-narrow" }, " theme"));
  const help = el("button", { type: "button", class: "no-print", onclick: showHelp, title: "keys (?)", "aria-label": "keys" }, "?", el("span", { class: "hide-narrow" }, " keys"));
  return el("div", { class: "head" }, el("div", {}, el("h1", {}, meta.title), el("div", { class: "facts" }, facts.map((text) => el("span", {}, text)))),
    el("div", { class: "bar" }, theme, help));
}

function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

function showHelp() {
  const known = [["1 … 5", "the parts of the report"], ["← →", "the next part; in a chart, the next run"], ["↑ ↓", "the next row or series"],
    ["Enter", "open what is marked"], ["/", "filter"], ["t", "light or dark"], ["?", "this help"]];
  const box = el("dialog", {}, el("h2", {}, "Keys"),
    el("dl", { class: "pairs" }, known.flatMap(([key, text]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, text)])),
    el("button", { type: "button", onclick: () => box.close() }, "close"));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

function keys(go, tabs) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || document.querySelector("dialog")) return;
    if (/^[1-5]$/.test(event.key)) go(tabs[Number(event.key) - 1][0]);
    else if (event.key === "t") turnTheme();
    else if (event.key === "?") showHelp();
    else if (event.key === "/") {
      const field = [...document.querySelectorAll(".panel:not([hidden]) input[type=search]")][0];
      if (!field) return;
      field.focus();
    } else return;
    event.preventDefault();
  });
}

start();
