// One debate: seats as lanes, rounds as columns, a button for each turn, edges beneath.

const LANE = 66;
const HEAD = 30;
const VOTE = "the seats' last answers, one voice each; the debate's own answer may weigh them or be a judge's";
const PILL = { width: 94, height: 36 };

const stage = { graph: null, turns: [], edges: [], parents: [], children: [], opened: null, width: 0, transcript: innerWidth > 1000 };

function openDebate(graph) {
  closeTurn();
  stage.graph = graph;
  stage.parents = graph.nodes.map(() => []);
  stage.children = graph.nodes.map(() => []);
  for (const [from, to] of graph.edges) {
    stage.parents[to].push(from);
    stage.children[from].push(to);
  }
  const board = html("div", { class: "board", role: "group", "aria-label": "The debate: a lane for each seat, a column for each round", keydown: walkBoard });
  byId("debate").replaceChildren(debateHead(graph), html("div", { class: "scroller", scroll: keepSeatsInSight }, board), legend(), transcript(graph));
  drawBoard();
}

function debateHead(graph) {
  const choices = graph.choices.map((choice, index) => {
    const letter = String.fromCharCode(65 + index);
    const gold = letter === graph.gold;
    return html("li", { class: gold ? "gold" : null, dir: "auto" }, html("b", {}, letter), choice, gold ? html("span", { class: "tag" }, "gold") : null);
  });
  return html(
    "header",
    { class: "asked" },
    html("p", { class: "where" }, html("span", { class: "id" }, graph.id), html("span", {}, graph.task), verdictTag(graph)),
    html("h2", { dir: "auto" }, graph.question),
    choices.length ? html("ol", { class: "choices" }, choices) : null,
    choices.length ? null : html("p", { class: "gold-line" }, "gold ", html("b", { dir: "auto" }, graph.gold)),
  );
}

function verdictTag(graph) {
  const kind = graph.team ? "right" : "wrong";
  return html("span", { class: `tag ${kind}`, title: VOTE }, `${SIGNS[kind]} vote ${kind}`);
}

const keepSeatsInSight = ({ target }) => target.firstChild.style.setProperty("--shift", `${target.scrollLeft}px`);

/** Lay the turns out and draw what they heard; again when the width changes. */
function drawBoard() {
  const board = document.querySelector(".board");
  if (!board) return;
  const { seats, rounds } = tableOf(stage.graph);
  stage.width = board.parentElement.clientWidth;
  const gutter = Math.min(stage.width < 500 ? 84 : 116, 24 + 8 * Math.max(0, ...seats.map((seat) => seat.length)));
  const column = Math.min(190, Math.max(124, (stage.width - gutter - PILL.width - 12) / Math.max(1, rounds.length - 1)));
  const place = ({ agent, round }) => ({ x: gutter + rounds.indexOf(round) * column, y: HEAD + seats.indexOf(agent) * LANE + (LANE - PILL.height) / 2 });
  const size = { width: gutter + (rounds.length - 1) * column + PILL.width + 8, height: HEAD + seats.length * LANE };
  const places = stage.graph.nodes.map(place);
  stage.turns = stage.graph.nodes.map((node, index) => turnButton(node, index, places[index]));
  stage.edges = stage.graph.edges.map(([from, to]) => edge(from, to, places));
  const ordered = [...stage.edges].sort((one, other) => one.dataset.own - other.dataset.own);
  const wires = svg("svg", { ...size, viewBox: `0 0 ${size.width} ${size.height}`, class: "wires", "aria-hidden": "true" }, ordered);
  board.replaceChildren(wires, ...headings(rounds, gutter, column), ...lanes(seats, gutter), ...stage.turns);
  board.style.width = `${size.width}px`;
  board.style.height = `${size.height}px`;
  (stage.turns[stage.opened ?? 0] ?? board).setAttribute("tabindex", "0");
}

const at = (element, x, y) => {
  element.style.left = `${x}px`;
  element.style.top = `${y}px`;
  return element;
};

const headings = (rounds, gutter, column) =>
  rounds.map((round, index) => at(html("span", { class: "round" }, `round ${round}`), gutter + index * column, 4));

const lanes = (seats, width) =>
  seats.map((seat, index) => {
    const lane = at(html("span", { class: "seat", title: seat, dir: "auto" }, seat), 0, HEAD + index * LANE);
    lane.style.width = `${width - 21}px`;
    return lane;
  });

function turnButton(node, index, { x, y }) {
  const verdict = verdictOf(node);
  const button = html(
    "button",
    {
      type: "button",
      class: `turn ${verdict}`,
      tabindex: "-1",
      "data-turn": index,
      title: node.answer,
      "aria-label": `${node.agent}, round ${node.round}, ${verdict}${node.answer === null ? "" : `, answer ${node.answer}`}`,
      click: () => openTurn(index),
      mouseenter: () => showHeard(index),
      mouseleave: () => showHeard(null),
      focus: () => followFocus(index),
      blur: () => showHeard(null),
    },
    html("span", { class: "sign", "aria-hidden": "true" }, SIGNS[verdict]),
    html("span", { class: "answer", dir: "auto" }, node.answer ?? "none"),
  );
  return at(button, x, y);
}

function edge(from, to, places) {
  const own = stage.graph.flips.find(([start, end]) => start === from && end === to);
  const [a, b] = [places[from], places[to]];
  const [x1, y1, x2, y2] = [a.x + PILL.width, a.y + PILL.height / 2, b.x, b.y + PILL.height / 2];
  const bend = Math.max(18, (x2 - x1) * 0.45);
  const passes = !own && y1 === y2 ? -LANE * 0.55 : 0;
  const path = svg("path", {
    d: `M${x1} ${y1}C${x1 + bend} ${y1 + passes} ${x2 - bend} ${y2 + passes} ${x2} ${y2}`,
    class: own ? `edge own ${own[2]}` : "edge",
  });
  path.dataset.own = own ? 1 : 0;
  return path;
}

/** Light up what a turn heard, and let the rest step back; null ends it. */
function showHeard(index) {
  const heard = index === null ? [] : stage.parents[index];
  stage.turns.forEach((turn, i) => {
    turn.classList.toggle("heard", heard.includes(i));
    turn.classList.toggle("faded", index !== null && i !== index && !heard.includes(i));
  });
  stage.edges.forEach((path, i) => {
    const listened = stage.graph.edges[i][1] === index;
    path.classList.toggle("heard", listened);
    path.classList.toggle("faded", index !== null && !listened);
  });
}

function followFocus(index) {
  for (const turn of stage.turns) turn.setAttribute("tabindex", "-1");
  stage.turns[index].setAttribute("tabindex", "0");
  showHeard(index);
  if (stage.opened !== null) openTurn(index);
}

function focusGraph(index = stage.opened ?? 0) {
  stage.turns[index]?.focus();
}

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function walkBoard(event) {
  const here = stage.turns.indexOf(document.activeElement);
  if (!(event.key in WAYS) || here < 0) return;
  event.preventDefault();
  const next = neighbour(here, ...WAYS[event.key]);
  if (next !== null) focusGraph(next);
}

/** The next turn along the lane, or the turn of the next seat whose round is nearest. */
function neighbour(here, along, across) {
  const { seats } = tableOf(stage.graph);
  const { agent, round } = stage.graph.nodes[here];
  const lane = (node) => seats.indexOf(node.agent) - seats.indexOf(agent);
  const candidates = stage.graph.nodes
    .map((node, index) => ({ index, lanes: lane(node) * across, rounds: (node.round - round) * along, apart: Math.abs(node.round - round), same: lane(node) === 0 }))
    .filter(({ lanes, rounds, same }) => (along ? same && rounds > 0 : lanes > 0));
  candidates.sort((one, other) => (along ? one.rounds - other.rounds : one.lanes - other.lanes || one.apart - other.apart));
  return candidates.length ? candidates[0].index : null;
}

/** Read a turn in the side panel. */
function openTurn(index) {
  const node = stage.graph.nodes[index];
  stage.opened = index;
  stage.turns.forEach((turn, i) => turn.classList.toggle("opened", i === index));
  byId("turn").replaceChildren(
    html(
      "header",
      {},
      html("h3", { dir: "auto" }, node.agent, html("span", {}, ` · round ${node.round}`)),
      html("button", { type: "button", class: "quiet", "aria-label": "Close", click: closeTurn }, "✕"),
    ),
    html("p", { class: "said" }, verdictMark(verdictOf(node), verdictOf(node)), answerLine(node)),
    ...flipTags(index),
    html("div", { class: "text", dir: "auto", tabindex: "0", role: "group", "aria-label": "Text" }, node.text || "(no text)"),
    ...heardList("heard", stage.parents[index], node.agent),
    ...heardList("was heard by", stage.children[index], node.agent),
  );
  byId("turn").classList.remove("empty");
  byId("turn").scrollIntoView({ block: "nearest" });
}

const answerLine = (node) =>
  node.answer === null ? html("span", {}, "no answer could be read") : html("span", {}, "answered ", html("b", { dir: "auto" }, node.answer));

const FOLLOWED = {
  majority: "as most peers it heard",
  minority: "as some peers it heard, not most",
  nobody: "as no peer it heard",
  unread: "to no readable answer",
};

/** What became of the seat's answer since its turn before, and whom it followed. */
function flipTags(index) {
  const flip = stage.graph.flips.find(([, end]) => end === index);
  if (!flip) return [];
  const [start, , kind, followed] = flip;
  const before = stage.graph.nodes[start].answer ?? "no answer";
  const story = followed === null ? "unchanged" : `changed from ${before}, ${FOLLOWED[followed]}`;
  return [html("p", { class: "story" }, html("span", { class: `tag ${kind}` }, kind.replace("-", " ")), html("span", { dir: "auto" }, story))];
}

function heardList(title, indices, speaker) {
  if (!indices.length) return [];
  const items = indices.map((index) => {
    const node = stage.graph.nodes[index];
    return html(
      "li",
      {},
      html(
        "button",
        { type: "button", click: () => visit(index) },
        verdictMark(verdictOf(node), verdictOf(node)),
        html("span", {}, `${node.agent} · round ${node.round}${node.agent === speaker ? " (itself)" : ""}`),
        html("b", { dir: "auto" }, node.answer ?? "no answer"),
      ),
    );
  });
  return [html("h4", {}, title), html("ul", { class: "heard-list" }, items)];
}

function visit(index) {
  openTurn(index);
  focusGraph(index);
}

/** Close the side panel; whether it was open. */
function closeTurn() {
  const wasOpen = stage.opened !== null;
  stage.opened = null;
  byId("turn").classList.add("empty");
  byId("turn").replaceChildren(html("p", {}, "Choose a turn to read what was said and who was heard."));
  for (const turn of stage.turns) turn.classList.remove("opened");
  return wasOpen;
}

const LEGEND = ["kept-right", "corrected", "corrupted", "kept-wrong", "heard"];

const sample = (kind) =>
  svg("svg", { width: 34, height: 10, "aria-hidden": "true" }, svg("path", { d: "M1 5H33", class: kind === "heard" ? "edge" : `edge own ${kind}` }));

const legend = () =>
  html(
    "ul",
    { class: "legend", "aria-label": "Legend" },
    Object.entries(SIGNS).map(([kind]) => html("li", {}, verdictMark(kind, ""), kind)),
    LEGEND.map((kind) => html("li", {}, sample(kind), kind === "heard" ? "heard another seat" : kind.replace("-", " "))),
  );

/** The debate as plain text, for readers without a mouse, without colours, or with paper. */
function transcript(graph) {
  const turns = graph.nodes.map((node) =>
    html(
      "li",
      {},
      html("h4", {}, verdictMark(verdictOf(node), verdictOf(node)), `${node.agent} · round ${node.round} · `, html("b", { dir: "auto" }, node.answer ?? "no answer")),
      html("div", { class: "text", dir: "auto" }, node.text || "(no text)"),
    ),
  );
  const remember = ({ target }) => (stage.transcript = target.open);
  return html("details", { class: "transcript", open: stage.transcript && "", toggle: remember }, html("summary", {}, "Transcript"), html("ol", {}, turns));
}
