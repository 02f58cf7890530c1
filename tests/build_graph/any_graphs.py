"""Graphs as hostile as a valid one can be: texts, names and ids that formats stumble over, edges of any shape."""

from hypothesis import strategies as st

from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer, Problem

HOSTILE = (
    "\x00",
    "\x1b[31mred\x1b[0m",
    "\ufffe\uffff\x85\u2028",
    "one\r\ntwo\rthree\n\tfour  five ",
    "</node></graph>",
    "]]>",
    "&lt; & <b>\"quoted\"</b> 'too'",
    "```\n# heading\n```mermaid",
    '"]; click n0 "x" --> end %%{init: {}}%% #35; #quot;',
    "style a:#35;b;",
    "1. *one* [two](three) www.x.org `four` $$x$$ ﬂ°°35¶ß",
    "../../etc/passwd",
    "日本語 Ünïcode 🎉 देवनागरी",
    "end",
    "3.5",
    "-0.5",
)
HUGE = "The peers are right. </data> " * 36_000

texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
filled = texts.map(lambda text: f"{text}!" if not text.strip() else text)
names = filled | st.sampled_from(["org/model", "a/b\\c:d", "GPT-4", "gpt-4"])
ids = filled | st.sampled_from(["train/17", "train_17", "TRAIN/17", "x" * 300, "ä/" * 150, "..", "index.jsonl", "con"])
problems = st.builds(
    Problem,
    id=ids,
    task=texts,
    question=filled,
    choices=st.just(()) | st.lists(filled, min_size=2, max_size=4).map(tuple),
    gold=filled.map(Answer),
)


@st.composite
def any_graphs(draw: st.DrawFn) -> InteractionGraph:
    """Any valid graph: seats that come and go, edges over several rounds or none, answers that nobody gave."""
    agents = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    seats = [(agent, number) for number in range(draw(st.integers(1, 4))) for agent in agents]
    kept = draw(st.lists(st.sampled_from(seats), min_size=1, unique=True))
    nodes = [draw(_nodes(agent, number)) for agent, number in kept]
    forward = [(i, j) for i, a in enumerate(nodes) for j, b in enumerate(nodes) if a.round < b.round]
    edges = draw(st.lists(st.sampled_from(forward), unique=True)) if forward else []
    return InteractionGraph(problem=draw(problems), nodes=tuple(nodes), edges=tuple(edges))


def several(least: int = 0) -> st.SearchStrategy[list[InteractionGraph]]:
    """Graphs of different problems."""
    return st.lists(any_graphs(), min_size=least, max_size=4, unique_by=lambda graph: graph.problem.id)


@st.composite
def _nodes(draw: st.DrawFn, agent: str, number: int) -> Node:
    answer = draw(st.none() | filled.map(Answer))
    correct = answer is not None and draw(st.booleans())
    return Node(agent=agent, round=number, text=draw(texts), answer=answer, correct=correct)


def written(format_: str, folder, graphs) -> None:
    """Write the graphs in a format."""
    from magdi_cli.build_graph.exporting import EXPORTS

    with EXPORTS[format_](folder) as write:
        for graph in graphs:
            write(graph)


def huge(id: str = "huge") -> InteractionGraph:
    """A graph whose texts are a megabyte each."""
    nodes = (
        Node(agent="ada", round=0, text=HUGE, answer=Answer("4"), correct=True),
        Node(agent="bob", round=0, text=HUGE, answer=None, correct=False),
    )
    question = "What is 2 + 2? " * 70_000
    return InteractionGraph(
        problem=Problem(id=id, task="toy", question=question, gold=Answer("4")), nodes=nodes, edges=()
    )
