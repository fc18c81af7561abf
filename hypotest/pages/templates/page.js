"use strict";
const all = (selector, place = document) => [...place.querySelectorAll(selector)];
const make = (name, properties) => Object.assign(document.createElement(name), properties);

// Numbers sort as numbers, also those with thousands, signs and percent; what is none comes last.
const number = (text) => {
  const match = text.replace(/\u2212/g, "-").replace(/(\d),(?=\d{3})/g, "$1").match(/-?\d+(\.\d+)?(e[+-]?\d+)?/i);
  return match ? Number(match[0]) : null;
};
const sort = (table, place, down) => {
  const numeric = table.rows[0].cells[place].classList.contains("number");
  const key = (row) => {
    const text = row.cells[place].textContent.trim();
    return numeric ? number(text) : text.toLowerCase() || null;
  };
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [key(row), row]);
  rows.sort(([one], [two]) => {
    if (one === null || two === null) return (one === null) - (two === null);
    const order = numeric ? one - two : one.localeCompare(two, "en", { numeric: true });
    return down ? -order : order;
  });
  body.append(...rows.map(([, row]) => row));
};
for (const table of all("table.sorts")) {
  all("thead th", table).forEach((head, place) => {
    if (!head.textContent.trim()) return;
    for (const term of all("a.term", head)) term.replaceWith(...term.childNodes);
    const button = make("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(table, place, down);
    });
  });
}

// What a word means, beside it while it is pointed at, focused or tapped: the reader stays there.
const tip = make("div", { className: "tip", hidden: true, id: "tip" });
tip.setAttribute("role", "tooltip");
document.body.append(tip);
const explain = (word) => {
  const entry = document.getElementById(word.hash.slice(1));
  if (!entry) return false;
  tip.textContent = entry.nextElementSibling.textContent;
  tip.hidden = false;
  const box = word.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8));
  const above = box.bottom + tip.offsetHeight + 12 > window.innerHeight;
  tip.style.left = `${left + window.scrollX}px`;
  tip.style.top = `${(above ? box.top - tip.offsetHeight - 6 : box.bottom + 6) + window.scrollY}px`;
  word.setAttribute("aria-describedby", "tip");
  return true;
};
const quiet = () => { tip.hidden = true; };
for (const word of all("a.term")) {
  word.addEventListener("mouseenter", () => explain(word));
  word.addEventListener("focus", () => explain(word));
  word.addEventListener("mouseleave", quiet);
  word.addEventListener("blur", quiet);
  word.addEventListener("click", (event) => { if (explain(word)) event.preventDefault(); });
}
document.addEventListener("click", (event) => { if (!event.target.closest("a.term, .tip")) quiet(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") quiet(); });

// A cell opens what shows it closer: one panel of a figure, as large as the window allows.
const dialog = make("dialog", {});
document.body.append(dialog);
const open = (link) => {
  const part = document.getElementById(link.hash.slice(1));
  const figure = part && part.closest("figure");
  const whole = figure && figure.querySelector("svg");
  if (!whole) return false;
  for (let folded = figure.closest("details:not([open])"); folded; folded = folded.parentElement.closest("details:not([open])")) {
    folded.open = true; // what is folded has no size
  }
  const copy = whole.cloneNode(true);
  if (part !== figure) {
    const box = part.getBBox();
    const edge = 6;
    copy.setAttribute("viewBox", `${box.x - edge} ${box.y - edge} ${box.width + 2 * edge} ${box.height + 2 * edge}`);
    // Letters of seven points stay letters: no more than twice as large as in print.
    copy.style.width = `min(100%, ${(60 * (box.width + 2 * edge)) / (box.height + 2 * edge)}vh, ${2 * (box.width + 2 * edge)}px)`;
  }
  const row = link.closest("tr");
  const name = row && row.cells[0].textContent.trim();
  const column = row && row.closest("table").rows[0].cells[link.closest("td, th").cellIndex].textContent.trim();
  const title = make("h3", { textContent: row ? `${name}: ${column}` : figure.querySelector("figcaption").textContent });
  const close = make("button", { type: "button", className: "tool", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  const place = make("a", { className: "tool", href: `#${figure.id}`, textContent: "Show it in its section" });
  place.addEventListener("click", () => dialog.close());
  const caption = figure.querySelector("figcaption");
  const said = make("p", {}); // axes and marks of one panel are named by the figure
  if (row && caption) said.append(...[...caption.childNodes].map((node) => node.cloneNode(true)));
  dialog.replaceChildren(title, copy, said, close, place);
  dialog.setAttribute("aria-label", title.textContent);
  dialog.showModal();
  return true;
};
for (const link of all("a.opens")) {
  link.addEventListener("click", (event) => { if (open(link)) event.preventDefault(); });
}
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

// Figures as files.
for (const figure of all("figure")) {
  const svg = figure.querySelector("svg");
  if (!svg) continue;
  const link = make("a", { className: "tool", download: `${figure.id}.svg`, textContent: "Download SVG", href: "#" });
  const prepare = () => {
    const text = new XMLSerializer().serializeToString(svg);
    link.href = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  };
  link.addEventListener("click", prepare);
  figure.append(link);
}

// Text to take along.
const copied = (button, text) => {
  const done = () => { button.textContent = "Copied"; };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => selected(text, done));
  else selected(text, done);
};
const selected = (text, done) => {
  const area = make("textarea", { value: text });
  document.body.append(area);
  area.select();
  if (document.execCommand("copy")) done();
  area.remove();
};
const offer = (place, text) => {
  const button = make("button", { type: "button", className: "tool", textContent: "Copy" });
  button.addEventListener("click", () => copied(button, text()));
  place.append(button);
};
for (const block of all("pre")) {
  const place = make("div", {});
  block.after(place);
  offer(place, () => block.textContent);
}
for (const section of all("section.copies")) {
  const place = make("div", {});
  section.querySelector("h2, h3").after(place);
  offer(place, () => all(":scope > p", section).map((item) => item.textContent).join("\n\n"));
}

// Folded parts: all at once, for a link into one, and on paper.
const folded = all("details.folded");
if (folded.length > 1) {
  const button = make("button", { type: "button", className: "tool", textContent: "Open all" });
  button.addEventListener("click", () => {
    const opening = folded.some((item) => !item.open);
    for (const item of folded) item.open = opening;
    button.textContent = opening ? "Close all" : "Open all";
  });
  folded[0].before(button);
}
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let item = target && target.closest("details:not([open])"); item; item = item.parentElement.closest("details:not([open])")) {
    item.open = true;
  }
  if (target) target.scrollIntoView();
};
window.addEventListener("hashchange", reveal);
reveal();
let opened = [];
const ALIKE = "details + details + details + details:not(.folded)"; // on paper the first three are enough
window.addEventListener("beforeprint", () => {
  opened = all("details:not([open])").filter((item) => !item.matches(ALIKE));
  for (const item of opened) item.open = true;
});
window.addEventListener("afterprint", () => { for (const item of opened) item.open = false; });

// Where the reader is.
const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
if (links.size) {
  const heads = [...links.keys()].map((id) => document.getElementById(id));
  const mark = () => {
    const page = document.documentElement;
    const atEnd = window.scrollY > 0 && window.scrollY + window.innerHeight >= page.scrollHeight - 2;
    const passed = heads.filter((head) => head.getBoundingClientRect().top < window.innerHeight * 0.3);
    const current = atEnd ? heads.at(-1) : passed.at(-1);
    for (const [id, link] of links) link.classList.toggle("here", Boolean(current) && id === current.id);
  };
  window.addEventListener("scroll", mark, { passive: true });
  window.addEventListener("resize", mark);
  mark();
}
