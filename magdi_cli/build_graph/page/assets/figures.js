// Small charts as SVG. Each takes plain numbers and gives one element.

const WIDE = 390;
const MARKS = ["circle", "square", "diamond", "triangle", "cross", "pentagon", "ring", "bar"];

/** The outline of a seat's mark around 0,0; the eight differ in shape as well as in colour. */
const OUTLINES = {
  circle: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
  square: "M-4.5 -4.5h9v9h-9z",
  diamond: "M0 -6.2L6.2 0L0 6.2L-6.2 0z",
  triangle: "M0 -6L6 5H-6z",
  cross: "M-2 -6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
  pentagon: "M0 -6L5.7 -1.9L3.5 4.9H-3.5L-5.7 -1.9z",
  ring: "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0zM-3 0a3 3 0 1 1 6 0a3 3 0 1 1 -6 0z",
  bar: "M-6 -2.5h12v5h-12z",
};

const mark = (index, x, y) =>
  svg("path", { d: OUTLINES[MARKS[index % MARKS.length]], transform: `translate(${x} ${y})`, class: `mark seat-${index % 8}` });

const text = (x, y, content, kind = "") => svg("text", { x, y, class: kind }, content);

const line = (x1, y1, x2, y2, kind) => svg("line", { x1, y1, x2, y2, class: kind });

const canvas = (height, label, ...children) =>
  svg("svg", { viewBox: `0 0 ${WIDE} ${height}`, role: "img", "aria-label": label, class: "chart" }, ...children);

/** Shares by round, one line a series, with whiskers: series = [{name, points: [{x, y, low, high, note}]}]. */
function linesByRound(series, label) {
  const [left, right, top, bottom] = [46, WIDE - 8, 10, 176];
  const rounds = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const step = (right - left) / Math.max(1, rounds.length);
  const across = (x, index) => left + step * (rounds.indexOf(x) + 0.5) + (index - (series.length - 1) / 2) * Math.min(12, (0.8 * step) / series.length);
  const up = (share) => bottom - share * (bottom - top);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => [
    line(left, up(share), right, up(share), "grid"),
    text(left - 6, up(share) + 4, percent(share), "tick end"),
  ]);
  const every = Math.ceil(rounds.length / 12);
  const names = rounds.map((x, i) => (i % every ? null : text(left + step * (i + 0.5), bottom + 17, step < 54 ? String(x) : `round ${x}`, "tick middle")));
  const drawn = series.map(({ points }, index) => svg("g", {}, seriesLine(points, (x) => across(x, index), up, index)));
  return canvas(bottom + 24, label, grid.flat(), names, drawn);
}

function seriesLine(points, across, up, index) {
  const path = points.map(({ x, y }, i) => `${i ? "L" : "M"}${across(x)} ${up(y)}`).join("");
  return [
    svg("path", { d: path, class: `series seat-${index % 8}` }),
    ...points.map(({ x, y, low, high, note }) =>
      svg(
        "g",
        {},
        svg("title", {}, note),
        low === undefined ? null : line(across(x), up(low), across(x), up(high), `whisker seat-${index % 8}`),
        mark(index, across(x), up(y)),
      ),
    ),
  ];
}

/** Counts as horizontal bars of one length: rows = [{name, parts: [{kind, count}]}]. */
function stackedBars(rows, label) {
  const [left, right, height] = [84, WIDE - 44, 24];
  const drawn = rows.map(({ name, parts }, index) => {
    const y = 4 + index * (height + 7);
    const total = parts.reduce((sum, { count }) => sum + count, 0);
    return svg("g", {}, barName(name, left, y + 17), bar(parts, total, left, right, y, height), text(right + 6, y + 17, shown(total), "tick"));
  });
  return canvas(rows.length * (height + 7) + 4, label, drawn);
}

function bar(parts, total, left, right, y, height) {
  let x = left;
  return parts.map(({ kind, count }) => {
    const width = total ? ((right - left) * count) / total : 0;
    const part = svg(
      "g",
      {},
      svg("title", {}, `${kind}: ${count} of ${total} (${percent(count / (total || 1))})`),
      svg("rect", { x, y, width: Math.max(0, width - 1), height, class: `part ${kind}` }),
      width > 30 ? text(x + width / 2, y + height / 2 + 4, shown(count), `inside ${kind}`) : null,
    );
    x += width;
    return part;
  });
}

const barName = (name, left, y) =>
  svg("g", {}, svg("title", {}, name), text(left - 8, y, name.length > 10 ? `${name.slice(0, 9)}…` : name, "name end"));

/** Shares with their intervals, one row a name: rows = [{name, points: [{kind, share, low, high, note}]}]. */
function intervalRows(rows, label) {
  const [left, right, height] = [84, WIDE - 40, 34];
  const across = (share) => left + share * (right - left);
  const bottom = rows.length * height + 8;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => [
    line(across(share), 4, across(share), bottom, "grid"),
    text(across(share), bottom + 14, percent(share), "tick middle"),
  ]);
  const drawn = rows.map(({ name, points }, index) =>
    svg("g", {}, barName(name, left, 26 + index * height), points.map((point, i) => interval(point, across, 15 + index * height + i * 14))),
  );
  return canvas(bottom + 20, label, grid.flat(), drawn);
}

function interval({ share, low, high, note, kind }, across, y) {
  if (share === null || share === undefined) return null;
  return svg(
    "g",
    { class: kind },
    svg("title", {}, note),
    low === undefined ? null : line(across(low), y, across(high), y, "whisker"),
    svg("path", { d: OUTLINES[kind === "wrong" ? "diamond" : "circle"], transform: `translate(${across(share)} ${y})`, class: "mark" }),
    text(across(high ?? share) + 7, y + 4, percent(share), "tick"),
  );
}

/** A table whose cells are shaded by a share: cell(row, column) = {share, text, note} or null. */
function heatTable(rows, columns, cell, corner) {
  const shade = (share) => `background-color: color-mix(in srgb, var(--heat) ${Math.round(10 + 75 * share)}%, transparent)`;
  const made = (row, column) => {
    const found = cell(row, column);
    if (!found) return html("td", { class: "empty" }, "·");
    const element = html("td", { title: found.note }, html("b", {}, found.text), html("small", {}, found.detail));
    element.style.cssText = found.share === null ? "" : shade(found.share);
    return element;
  };
  return html(
    "div",
    { class: "scroller", tabindex: "0", role: "group", "aria-label": corner },
    html(
      "table",
      { class: "heat" },
      html("thead", {}, html("tr", {}, html("th", {}, corner), columns.map((name) => html("th", { scope: "col", dir: "auto" }, name)))),
      html("tbody", {}, rows.map((row) => html("tr", {}, html("th", { scope: "row", dir: "auto" }, row), columns.map((column) => made(row, column))))),
    ),
  );
}
