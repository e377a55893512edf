/* A table of any size: only the cells in sight exist. The first column stays where it is. */

const ROW = 30, HEAD = 76;

class Grid {
  /* columns: {title, unit, width, number, value(i), text(i), cls(i)}; onOpen(row) for Enter and click. */
  constructor(label, columns, onOpen) {
    this.columns = columns;
    this.onOpen = onOpen;
    this.order = [];
    this.by = null;
    this.down = false;
    this.at = -1;
    this.headFixed = el("div", { class: "grid-fixed" });
    this.headMain = el("div", { class: "grid-main" });
    this.bodyFixed = el("div", { class: "grid-fixed" });
    this.bodyMain = el("div", { class: "grid-main" });
    this.head = el("div", { class: "grid-head", role: "row" }, this.headFixed, this.headMain);
    this.body = el("div", { class: "grid-body" }, this.bodyFixed, this.bodyMain);
    this.node = el("div", { class: "grid", role: "grid", tabindex: 0, "aria-label": label }, this.head, this.body);
    this.node.addEventListener("scroll", () => this.later(), { passive: true });
    this.node.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.later()).observe(this.node);
    this.setColumns(columns);
  }

  setColumns(columns) {
    this.columns = columns;
    const narrow = this.node.clientWidth && this.node.clientWidth < 600;
    this.first = narrow ? Math.min(columns[0].width, 120) : columns[0].width;
    this.lefts = [];
    let left = 0;
    columns.slice(1).forEach((column) => { this.lefts.push(left); left += column.width; });
    this.width = left;
    for (const fixed of [this.headFixed, this.bodyFixed]) fixed.style.width = `${this.first}px`;
    for (const main of [this.headMain, this.bodyMain]) main.style.width = `${left}px`;
    this.head.style.width = this.body.style.width = `${left + this.first}px`;
    this.head.style.height = `${HEAD}px`;
    this.node.setAttribute("aria-colcount", columns.length);
    this.later();
  }

  setRows(rows) {
    this.rows = rows;
    this.node.setAttribute("aria-rowcount", rows.length + 1);
    this.sort();
  }

  sortBy(column) {
    if (this.by === column) this.down = !this.down;
    else { this.by = column; this.down = false; }
    this.sort();
  }

  sort() {
    this.order = [...this.rows];
    const by = this.by;
    if (by) {
      const keys = new Map(this.order.map((row) => [row, by.value(row)]));
      const none = (key) => key === null || key === undefined || key === "" || Number.isNaN(key);
      const turn = this.down ? -1 : 1;
      // A stable sort; what has no value comes last, whichever way.
      this.order.sort((a, b) => {
        const x = keys.get(a), y = keys.get(b);
        if (none(x) || none(y)) return none(x) - none(y);
        return (typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true })) * turn;
      });
    }
    this.body.style.height = `${this.order.length * ROW}px`;
    this.bodyFixed.style.height = this.bodyMain.style.height = this.body.style.height;
    this.later();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  draw() {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.node;
    if (!clientHeight) return;
    const from = Math.max(0, Math.floor(scrollTop / ROW) - 2);
    const to = Math.min(this.order.length, Math.ceil((scrollTop + clientHeight) / ROW) + 2);
    let start = this.lefts.findIndex((left, k) => left + this.columns[k + 1].width > scrollLeft);
    if (start < 0) start = 0;
    let end = start;
    while (end < this.lefts.length && this.lefts[end] < scrollLeft + clientWidth) end++;
    this.drawHead(start, end);
    const fixed = [], main = [];
    for (let k = from; k < to; k++) {
      const row = this.order[k];
      const cls = `row${k % 2 ? " odd" : ""}${k === this.at ? " at" : ""}`;
      const style = { top: `${k * ROW}px`, height: `${ROW}px` };
      const open = () => { this.at = k; this.onOpen(row); };
      fixed.push(el("div", { class: cls, style, role: "row", "aria-rowindex": k + 2, onclick: open }, this.cell(this.columns[0], row, 0, this.first)));
      const cells = [];
      for (let c = start; c < end; c++) cells.push(this.cell(this.columns[c + 1], row, this.lefts[c], this.columns[c + 1].width));
      main.push(el("div", { class: cls, style, onclick: open }, cells));
    }
    this.bodyFixed.replaceChildren(...fixed);
    this.bodyMain.replaceChildren(...main);
  }

  cell(column, row, left, width) {
    const text = column.text(row);
    return el("div", {
      class: `cell${column.number ? " num" : ""} ${(column.cls && column.cls(row)) || ""}`, role: "gridcell",
      style: { left: `${left}px`, width: `${width}px` }, title: text.length * 7.5 > width ? text : null,
    }, text);
  }

  drawHead(start, end) {
    const make = (column, left, width) => el("button", {
      class: `cell${column.number ? " num" : ""}`, type: "button", role: "columnheader", title: `${column.title}: sort`,
      style: { left: `${left}px`, width: `${width}px`, height: `${HEAD}px` },
      "aria-sort": this.by === column ? (this.down ? "descending" : "ascending") : "none",
      onclick: () => this.sortBy(column),
    }, column.over ? el("span", { class: "over" }, column.over) : null,
    (column.name || column.title) + (this.by === column ? (this.down ? " ↓" : " ↑") : ""), column.unit ? el("span", { class: "unit" }, ` ${column.unit}`) : null);
    this.headFixed.replaceChildren(make(this.columns[0], 0, this.first));
    const cells = [];
    for (let c = start; c < end; c++) cells.push(make(this.columns[c + 1], this.lefts[c], this.columns[c + 1].width));
    const had = this.headMain.contains(document.activeElement) ? document.activeElement.title : null;
    this.headMain.replaceChildren(...cells);
    if (had) cells.find((cell) => cell.title === had)?.focus();
  }

  key(event) {
    if (event.target !== this.node) return;
    const page = Math.max(1, Math.floor(this.node.clientHeight / ROW) - 3);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.order.length, End: this.order.length };
    if (event.key in moves) {
      this.at = Math.max(0, Math.min(this.order.length - 1, this.at + moves[event.key]));
      const top = this.at * ROW, bottom = top + ROW + HEAD;
      if (top < this.node.scrollTop) this.node.scrollTop = top;
      else if (bottom > this.node.scrollTop + this.node.clientHeight) this.node.scrollTop = bottom - this.node.clientHeight;
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      this.node.scrollLeft += event.key === "ArrowRight" ? 120 : -120;
    } else if (event.key === "Enter" && this.at >= 0) this.onOpen(this.order[this.at]);
    else return;
    event.preventDefault();
    this.later();
  }
}
