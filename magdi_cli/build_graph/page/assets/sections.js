// What is charted, from the statistics document. A part that the document lacks is not shown.

const isRows = (value) => Array.isArray(value) && value.length > 0;

const share = (count, total) => (total ? count / total : null);

const ofTotal = (count, total, value) => `${shown(count)} of ${shown(total)} (${percent(value ?? share(count, total))})`;

const within = (interval) => (interval ? `, 95 % interval ${percent(interval[0])} to ${percent(interval[1])}` : "");

/** A titled chart with the same numbers as a table. */
function figure(title, remark, chart, ...tables) {
  const views = tables.filter(isRows).map((rows) => table(rows, title));
  return html(
    "figure",
    { class: "card" },
    html("figcaption", {}, html("b", {}, title), html("span", {}, remark)),
    chart,
    views.length ? html("details", {}, html("summary", {}, "Table"), views) : null,
  );
}

function headline(statistics) {
  const { graphs, nodes, edges, balance, unanswered, only_right, only_wrong } = statistics;
  const facts = [
    ["graphs", graphs],
    ["turns", nodes],
    ["edges", edges],
    ["of the turns right", balance === undefined ? undefined : percent(balance)],
    ["turns unanswered", unanswered],
    ["graphs all right", only_right],
    ["graphs all wrong", only_wrong],
    ["gold suspects", statistics.gold_suspects],
  ].filter(([, value]) => value !== undefined);
  return html("div", { class: "card headline" }, facts.map(([name, value]) => html("div", {}, html("b", {}, shown(value)), html("span", {}, name))));
}

const names = (rows, key) => [...new Set(rows.map((row) => row[key]))];

const seriesNames = (all) =>
  html("ul", { class: "series-names" }, all.map((name, index) => html("li", { dir: "auto" }, svg("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, mark(index, 0, 0)), name)));

const accuracyPoint = ({ agent, round, correct, nodes, accuracy, interval }) => ({
  x: round,
  y: accuracy,
  low: interval?.[0],
  high: interval?.[1],
  note: `${agent}, round ${round}: ${ofTotal(correct, nodes, accuracy)}${within(interval)}`,
});

function accuracy({ agents, rounds, agent_rounds: rows }) {
  if (!isRows(rows)) return null;
  const seats = names(rows, "agent");
  const series = seats.map((name) => ({ name, points: rows.filter(({ agent }) => agent === name).map(accuracyPoint) }));
  const chart = html("div", {}, linesByRound(series, "Accuracy of each seat by round"), seriesNames(seats));
  return figure("Accuracy by seat and round", "Right turns of all turns, with 95 % Wilson intervals.", chart, agents, rounds, rows);
}

function agreement({ agreement: rows }) {
  if (!isRows(rows)) return null;
  const agreed = rows.map((row) => ({ x: row.round, y: row.agreement, note: `round ${row.round}: ${ofTotal(row.agreed, row.graphs)} agreed` }));
  const right = rows.map((row) => ({
    x: row.round,
    y: row.majority_accuracy,
    low: row.interval?.[0],
    high: row.interval?.[1],
    note: `round ${row.round}: majority right in ${ofTotal(row.majority_correct, row.graphs)}${within(row.interval)}`,
  }));
  const series = [{ points: agreed }, { points: right }];
  const chart = html("div", {}, linesByRound(series, "Agreement and accuracy of the majority by round"), seriesNames(["all seats agree", "the majority is right"]));
  return figure("Agreement by round", "Of the graphs that reached the round; debates that agreed early may have ended before.", chart, rows);
}

const MOST_ROUNDS = 8;

const KINDS = ["kept-right", "corrected", "corrupted", "kept-wrong"];

const flipParts = (row) => KINDS.map((kind) => ({ kind, count: row[kind.replace("-", "_")] ?? 0 }));

const swatch = (kind) => svg("svg", { width: 16, height: 12, "aria-hidden": "true" }, svg("rect", { width: 16, height: 12, class: `part ${kind}` }));

const partNames = (kinds) => html("ul", { class: "series-names" }, kinds.map((kind) => html("li", {}, swatch(kind), kind.replace("-", " "))));

function flipLedger({ flips, agent_flips: byAgent, round_flips: byRound }) {
  if (!isRows(byAgent)) return null;
  const rounds = (byRound ?? []).slice(0, MOST_ROUNDS).map((row) => ({ name: `round ${row.round}`, parts: flipParts(row) }));
  const rows = [...byAgent.map((row) => ({ name: row.agent, parts: flipParts(row) })), ...rounds];
  const chart = html("div", {}, stackedBars(rows, "What became of the answers, by seat and by round"), partNames(KINDS));
  return figure("What discussion changed", "Each turn beside the seat's own turn before it. Hatched: it changed sides.", chart, flips, byAgent, byRound);
}

function persuasion({ persuasion: rows }) {
  if (!isRows(rows)) return null;
  const cell = (speaker, listener) => {
    const row = rows.find((one) => one.speaker === speaker && one.listener === listener);
    if (!row) return null;
    const chances = row.differed ?? row.heard;
    return {
      share: share(row.adopted, chances),
      text: percent(share(row.adopted, chances)),
      detail: `${shown(row.adopted)} of ${shown(chances)}`,
      note: `${listener} took ${speaker}'s answer ${row.adopted} times of ${chances}: ${row.corrected} corrected, ${row.corrupted} corrupted`,
    };
  };
  const seats = [...new Set(rows.flatMap(({ speaker, listener }) => [speaker, listener]))].sort();
  const chart = heatTable(seats, seats, cell, "speaker ↓ listener →");
  const element = figure("Who convinced whom", "Of the turns that heard a different answer, those that took it over. Shared credit.", chart, rows);
  element.classList.toggle("whole", seats.length > 4);
  return element;
}

function sycophancy({ sycophancy: rows }) {
  if (!isRows(rows)) return null;
  const lines = rows.map((row) => ({
    name: row.agent,
    points: [
      { kind: "wrong", share: row.sycophancy, low: row.interval?.[0], high: row.interval?.[1], note: `${row.agent} gave in to a wrong majority ${ofTotal(row.gave_in, row.pressed)}${within(row.interval)}` },
      { kind: "right", share: row.learning, low: row.learning_interval?.[0], high: row.learning_interval?.[1], note: `${row.agent} learned from a right majority ${ofTotal(row.learned, row.offered)}${within(row.learning_interval)}` },
    ],
  }));
  const name = (kind, words) => html("li", {}, svg("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", class: kind, "aria-hidden": "true" }, svg("path", { d: OUTLINES[kind === "wrong" ? "diamond" : "circle"], class: "mark" })), words);
  const legend = html("ul", { class: "series-names" }, name("wrong", "gave in to a wrong majority"), name("right", "learned from a right one"));
  return figure("Giving way to a majority", "Share of the turns that met a majority of the other opinion, with 95 % Wilson intervals.", html("div", {}, intervalRows(lines, "Giving way by seat"), legend), rows);
}

function balance({ nodes, correct, unanswered, rounds, agents }) {
  if (correct === undefined) return null;
  const parts = (row) => [
    { kind: "right", count: row.correct },
    { kind: "wrong", count: row.nodes - row.correct - row.unanswered },
    { kind: "unanswered", count: row.unanswered },
  ];
  const rows = [{ name: "all turns", parts: parts({ nodes, correct, unanswered }) }, ...(agents ?? []).map((row) => ({ name: row.agent, parts: parts(row) }))];
  const chart = html("div", {}, stackedBars(rows, "Right, wrong and unanswered turns"), partNames(["right", "wrong", "unanswered"]));
  return figure("Label balance", "What there is to learn from: right turns beside wrong ones.", chart, agents, rounds);
}

const suspectIds = ({ suspects }) => new Set((suspects ?? []).map(({ problem }) => problem));

function suspects({ suspects: rows, gold_suspects: total }) {
  if (!isRows(rows)) return null;
  const cells = ({ problem, question, gold, answer, seats, since }) => [
    html("td", {}, html("a", { href: `#${encodeURIComponent(problem)}` }, problem)),
    html("td", { class: "question", dir: "auto" }, question),
    html("td", { dir: "auto" }, gold),
    html("td", { dir: "auto" }, shown(answer)),
    html("td", { class: "number" }, shown(seats)),
    html("td", { class: "number" }, shown(since)),
  ];
  const head = ["problem", "question", "gold", "the seats say", "seats", "since round"];
  const made = html(
    "div",
    { class: "scroller", tabindex: "0", role: "group", "aria-label": "Gold suspects" },
    html(
      "table",
      { class: "suspects" },
      html("thead", {}, html("tr", {}, head.map((name) => html("th", { scope: "col" }, name)))),
      html("tbody", {}, rows.map((row) => html("tr", {}, cells(row)))),
    ),
  );
  const more = total > rows.length ? ` The strongest ${rows.length} of ${shown(total)}.` : "";
  const element = figure("Gold suspects", `All seats agree, and the gold says otherwise.${more}`, made);
  element.classList.add("whole");
  return element;
}

/** Hatched fills that every chart uses: the colour says where an answer ended, the hatch that it changed sides. */
const hatches = () =>
  svg(
    "svg",
    { width: 0, height: 0, class: "defs", "aria-hidden": "true" },
    ["right", "wrong"].map((kind) =>
      svg(
        "pattern",
        { id: `hatch-${kind}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)", class: kind },
        svg("rect", { width: 6, height: 6, class: "hatch-ground" }),
        svg("rect", { width: 3, height: 6, fill: "currentColor" }),
      ),
    ),
  );

function sections(statistics) {
  document.body.append(hatches());
  const figures = [accuracy, agreement, flipLedger, persuasion, sycophancy, balance, suspects].map((make) => make(statistics)).filter(Boolean);
  return statistics.graphs === undefined ? figures : [headline(statistics), ...figures];
}
