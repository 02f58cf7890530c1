// Elements. Whatever comes from the data enters as text, never as markup.

const byId = (id) => document.getElementById(id);

const embedded = (name) => JSON.parse(byId(`data-${name}`).textContent);

/** An element of HTML; a function among the attributes is a listener, null and false leave an attribute out. */
const html = (name, attributes = {}, ...children) => dress(document.createElement(name), attributes, children);

/** An element of SVG. */
const svg = (name, attributes = {}, ...children) =>
  dress(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A number in words a reader compares at a glance. */
function shown(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map(shown).join(" – ");
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(3);
  return typeof value === "number" ? value.toLocaleString("en") : String(value);
}

const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)} %`);

const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

const spaced = (name) => name.replaceAll("_", " ");

/** Rows of one shape as a table. */
function table(rows, caption) {
  const columns = Object.keys(rows[0]);
  const isNumber = (value) => typeof value === "number" || Array.isArray(value);
  const cells = (row) =>
    columns.map((name) => html("td", { class: isNumber(row[name]) ? "number" : null, dir: "auto" }, shown(row[name])));
  return html(
    "div",
    { class: "scroller", tabindex: "0", role: "group", "aria-label": caption },
    html(
      "table",
      {},
      html("thead", {}, html("tr", {}, columns.map((name) => html("th", { scope: "col" }, spaced(name))))),
      html("tbody", {}, rows.map((row) => html("tr", {}, cells(row)))),
    ),
  );
}
