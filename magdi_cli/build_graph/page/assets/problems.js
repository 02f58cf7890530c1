// The list of problems: found by text and filters, drawn only where it is looked at.

const ROW = 54;

const FILTERS = [
  { name: "right", label: "vote right", excludes: "wrong" },
  { name: "wrong", label: "vote wrong", excludes: "right" },
  { name: "changed", label: "changed mind" },
  { name: "corrected", label: "corrected" },
  { name: "corrupted", label: "corrupted" },
  { name: "unanswered", label: "unanswered" },
  { name: "suspect", label: "listed suspect" },
];

/** A graph with what search and filters need to know of it. */
function indexed(graph, suspects) {
  const { nodes, flips } = graph;
  const facets = new Set(flips.map(([, , kind]) => kind));
  facets.add(graph.team ? "right" : "wrong");
  if (flips.some(([, , , followed]) => followed !== null)) facets.add("changed");
  if (nodes.some(({ answer }) => answer === null)) facets.add("unanswered");
  if (suspects.has(graph.id)) facets.add("suspect");
  const words = [graph.id, graph.question, graph.gold, ...graph.choices, ...nodes.map(({ answer }) => answer ?? "")];
  return { graph, facets, words: words.join("\n").toLowerCase() };
}

const finder = { all: [], found: [], chosen: null, filters: new Set(), open: () => {} };

function startFinder(graphs, suspects, open) {
  finder.all = graphs.map((graph) => indexed(graph, suspects));
  finder.found = finder.all;
  finder.open = open;
  byId("filters").append(...FILTERS.map(filterButton).filter(Boolean));
  byId("search").addEventListener("input", find);
  byId("list").addEventListener("scroll", drawRows, { passive: true });
  byId("list").addEventListener("keydown", walkList);
  new ResizeObserver(drawRows).observe(byId("list"));
  find();
}

function filterButton({ name, label, excludes }) {
  const count = finder.all.filter(({ facets }) => facets.has(name)).length;
  if (!count) return null;
  return html(
    "button",
    { type: "button", class: "filter", "data-filter": name, "aria-pressed": "false", click: () => toggleFilter(name, excludes) },
    label,
    html("span", { class: "count" }, shown(count)),
  );
}

function toggleFilter(name, excludes) {
  if (!finder.filters.delete(name)) finder.filters.add(name);
  if (excludes) finder.filters.delete(excludes);
  for (const button of document.querySelectorAll("[data-filter]"))
    button.setAttribute("aria-pressed", finder.filters.has(button.dataset.filter));
  find();
}

/** Keep the problems that hold every word of the search and pass every filter. */
function find() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const filters = [...finder.filters];
  finder.found = finder.all.filter(
    (entry) => filters.every((name) => entry.facets.has(name)) && words.every((word) => entry.words.includes(word)),
  );
  const total = plural(finder.all.length, "problem");
  byId("found").textContent = finder.found.length === finder.all.length ? total : `${shown(finder.found.length)} of ${total}`;
  byId("rows").style.height = `${finder.found.length * ROW}px`;
  byId("list").scrollTop = 0;
  drawRows();
}

/** Only the rows in sight, and a few around them. */
function drawRows() {
  const list = byId("list");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const last = Math.min(finder.found.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
  const rows = finder.found.slice(first, last).map((entry, offset) => row(entry, first + offset));
  byId("rows").replaceChildren(...rows);
  const chosen = finder.found.indexOf(finder.chosen);
  if (chosen >= first && chosen < last) list.setAttribute("aria-activedescendant", `row-${chosen}`);
  else list.removeAttribute("aria-activedescendant");
}

function row(entry, place) {
  const { graph } = entry;
  const element = html(
    "div",
    {
      id: `row-${place}`,
      class: "row",
      role: "option",
      "aria-selected": String(entry === finder.chosen),
      "aria-setsize": finder.found.length,
      "aria-posinset": place + 1,
      click: () => choose(entry),
    },
    verdictMark(graph.team ? "right" : "wrong", graph.team ? "vote right" : "vote wrong"),
    html("span", { class: "row-id" }, graph.id),
    fingerprint(graph),
    html("span", { class: "row-question", dir: "auto" }, graph.question.slice(0, 160)),
  );
  element.style.top = `${place * ROW}px`;
  return element;
}

const SIGNS = { right: "✓", wrong: "✕", unanswered: "?" };

const verdictMark = (kind, label) => html("span", { class: `verdict ${kind}`, role: "img", "aria-label": label }, SIGNS[kind]);

const verdictOf = (node) => (node.answer === null ? "unanswered" : node.correct ? "right" : "wrong");

/** The debate at a glance: a row a seat, a column a round. */
function fingerprint(graph) {
  const { seats, rounds } = tableOf(graph);
  const size = Math.min(8, 26 / seats.length, 72 / rounds.length);
  const cells = graph.nodes.map((node) =>
    svg("rect", {
      x: rounds.indexOf(node.round) * size,
      y: seats.indexOf(node.agent) * size,
      width: size - 1,
      height: verdictOf(node) === "right" ? size - 1 : (size - 1) / 2,
      class: `cell ${verdictOf(node)}`,
    }),
  );
  return svg("svg", { width: rounds.length * size, height: seats.length * size, class: "fingerprint", "aria-hidden": "true" }, cells);
}

/** Who sits at the table, in order of first speech, and which rounds there were. */
function tableOf(graph) {
  const seats = [...new Set(graph.nodes.map(({ agent }) => agent))];
  const rounds = [...new Set(graph.nodes.map(({ round }) => round))].sort((a, b) => a - b);
  return { seats, rounds };
}

function choose(entry) {
  if (!entry) return;
  finder.chosen = entry;
  const place = finder.found.indexOf(entry);
  if (place >= 0) bringIntoSight(place);
  drawRows();
  finder.open(entry.graph);
}

function bringIntoSight(place) {
  const list = byId("list");
  const [top, bottom] = [place * ROW, (place + 1) * ROW];
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
}

/** The next problem found, or the one before; the ends hold. */
function chooseNext(step) {
  const here = finder.found.indexOf(finder.chosen);
  const next = here < 0 ? 0 : Math.min(finder.found.length - 1, Math.max(0, here + step));
  choose(finder.found[next]);
}

function walkList(event) {
  const page = Math.max(1, Math.floor(byId("list").clientHeight / ROW) - 1);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (event.key in steps) {
    event.preventDefault();
    chooseNext(steps[event.key]);
  } else if (event.key === "Enter") focusGraph();
}
