// The page's parts put together: views, address, keys, light and dark.

const VIEWS = ["numbers", "problems"];

function show(view) {
  for (const name of VIEWS) {
    byId(name).classList.toggle("away", name !== view);
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === view));
    byId(`tab-${name}`).setAttribute("tabindex", name === view ? "0" : "-1");
  }
  if (view !== "problems") return;
  if (finder.chosen === null) chooseNext(1);
  drawRows();
  drawBoard();
}

function startViews() {
  for (const view of VIEWS) byId(`tab-${view}`).addEventListener("click", () => show(view));
  document.querySelector("nav").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const other = byId(byId("numbers").classList.contains("away") ? "tab-numbers" : "tab-problems");
    other.click();
    other.focus();
  });
}

function open(graph) {
  openDebate(graph);
  history.replaceState(null, "", `#${encodeURIComponent(graph.id)}`);
}

/** The problem that the address names, if the page holds it. */
function followAddress() {
  const id = decoded(location.hash.slice(1));
  const entry = finder.all.find(({ graph }) => graph.id === id);
  if (!entry) return false;
  choose(entry);
  show("problems");
  return true;
}

function decoded(fragment) {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** What a key does; `arrived` where it has just brought the reader to the problems. */
const KEYS = {
  "/": () => {
    byId("search").focus();
    byId("search").select();
  },
  j: (arrived) => arrived || chooseNext(1),
  k: (arrived) => arrived || chooseNext(-1),
  g: () => focusGraph(),
};

function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return escape();
    const typing = event.target.matches?.("input, textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return undefined;
    const arrived = byId("problems").classList.contains("away");
    if (arrived) show("problems");
    event.preventDefault();
    return KEYS[event.key](arrived);
  });
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      choose(finder.found[0]);
      byId("list").focus();
    }
  });
}

/** One step out: the side panel, then the graph or the search, to the list. */
function escape() {
  const opened = stage.opened;
  if (closeTurn()) focusGraph(opened);
  else if (!byId("problems").classList.contains("away")) byId("list").focus();
}

const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function startTheme() {
  const name = () => (byId("theme").textContent = isDark() ? "☀ Light" : "☾ Dark");
  byId("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}

function startNotice({ graphs, shown: held, cut }) {
  const parts = [];
  if (held < graphs) parts.push(`This page holds the first ${shown(held)} of ${shown(graphs)} graphs; the numbers count all of them.`);
  if (cut) parts.push(`${plural(cut, "long text was", "long texts were")} cut and ${cut === 1 ? "says" : "say"} so.`);
  byId("notice").textContent = parts.join(" ");
  byId("notice").hidden = !parts.length;
}

function start() {
  const statistics = embedded("statistics");
  startNotice(embedded("notice"));
  startTheme();
  startViews();
  startKeys();
  byId("numbers").append(...sections(statistics));
  startFinder(embedded("graphs"), suspectIds(statistics), open);
  window.addEventListener("hashchange", followAddress);
  window.addEventListener("resize", () => {
    if (document.querySelector(".board")?.parentElement.clientWidth !== stage.width) drawBoard();
  });
  window.addEventListener("beforeprint", () => document.querySelector(".transcript")?.setAttribute("open", ""));
  if (!followAddress()) show(byId("numbers").childElementCount ? "numbers" : "problems");
}

start();
