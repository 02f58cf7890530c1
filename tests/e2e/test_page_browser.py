"""The page in a real browser: what a reader sees, clicks and types."""

import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import pytest

from magdi_cli.build_graph.page import write_page
from magdi_cli.build_graph.statistics import GraphTally
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import write_records
from tests.browser import Page, browser, find_browser

pytestmark = pytest.mark.e2e
GRAPHS = 1000
SEATS = ("ada", "ben", "cy")
HOSTILE = (
    "</script><script>window.ran = 'script'</script>",
    "<img src=x onerror=\"window.ran = 'image'\">",
    "<!--<script>\u2028\u2029 javascript:window.ran='link' \u202e",
)


def a_graph(number: int, chance: random.Random) -> InteractionGraph:
    """A round table of up to four rounds; graph 7 is full of markup."""
    said = HOSTILE if number == 7 else ("I think so.", "Let me see.", "Step by step.")
    names = [f"{name}{said[0]}" for name in SEATS] if number == 7 else list(SEATS)
    rounds = 1 + number % 4
    nodes = [
        Node(
            agent=name,
            round=r,
            text=f"{said[i]} turn {r} of {number}",
            answer=Answer("4") if (right := chance.random() < 0.6) else chance.choice([None, Answer("5"), Answer("6")]),
            correct=right,
        )
        for r in range(rounds)
        for i, name in enumerate(names)
    ]
    edges = [(i, j) for i, a in enumerate(nodes) for j, b in enumerate(nodes) if b.round == a.round + 1]
    question = f"{said[0]} What is {number} - {number - 4}?"
    identity = f"p{number} {HOSTILE[0]}" if number == 7 else f"p{number}"
    problem = Problem(id=identity, task="toy", question=question, gold=Answer("4"))
    return InteractionGraph(problem=problem, nodes=tuple(nodes), edges=tuple(edges))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page of a thousand graphs."""
    folder = tmp_path_factory.mktemp("page")
    chance = random.Random(0)
    made = [a_graph(number, chance) for number in range(GRAPHS)]
    tally = GraphTally()
    for graph in made:
        tally.add(graph)
    write_records(folder / "graphs.jsonl", made)
    write_page(folder / "page.html", folder / "graphs.jsonl", asdict(tally.summary()), title="A thousand debates")
    return (folder / "page.html").as_uri()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if not (binary := find_browser()):
        pytest.skip("no chromium on PATH")
    with browser(binary, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(chromium: Page, address: str) -> Iterator[Page]:
    """The page freshly loaded; whatever a test did, nothing was reported and nothing was asked of anybody."""
    chromium.look(1400, 900)
    chromium.events.clear()
    chromium.open(address)
    yield chromium
    chromium.wait_for("true")
    methods = [event["method"] for event in chromium.events]
    assert not {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"} & set(methods)
    asked = {e["params"]["request"]["url"] for e in chromium.events if e["method"] == "Network.requestWillBeSent"}
    assert {url.partition("#")[0] for url in asked} <= {address, "about:blank"}


def text(page: Page, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector({selector!r}).textContent"))


def type_in(page: Page, words: str) -> None:
    for sign in words:
        page.press(sign)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def test_light_and_dark_are_drawn_and_differ(page: Page) -> None:
    light = page.screenshot()
    assert page.evaluate("document.querySelectorAll('figure').length") == 7
    page.look(1400, 900, scheme="dark")
    dark = page.screenshot()
    page.click("#theme")
    light_again = page.screenshot()
    assert min(map(len, (light, dark, light_again))) > 20_000
    assert light != dark != light_again
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"


def test_every_chart_has_its_numbers_as_a_table(page: Page) -> None:
    assert page.evaluate("[...document.querySelectorAll('figure')].every(f => f.querySelector('table tbody td'))")
    labels = "[...document.querySelectorAll('figure svg.chart')].map(s => s.getAttribute('aria-label'))"
    assert all(page.evaluate(labels))


def test_a_click_on_a_turn_shows_what_was_said_and_who_was_heard(page: Page) -> None:
    page.open(page.evaluate("location.href") + "#p3")
    page.click(".turn[data-turn='4']")
    assert text(page, "#turn h3") == "ben · round 1"
    assert text(page, "#turn .text") == "Let me see. turn 1 of 3"
    heard = page.evaluate("[...document.querySelectorAll('.heard-list')][0].innerText").split("\n")
    assert [line for line in heard if "round" in line] == ["ada · round 0", "ben · round 0 (itself)", "cy · round 0"]
    page.press("Escape")
    assert page.evaluate("document.getElementById('turn').classList.contains('empty')")


def test_pointing_at_a_turn_lights_up_what_it_heard(page: Page) -> None:
    page.open(page.evaluate("location.href") + "#p3")
    page.click(".turn[data-turn='4']")
    assert page.evaluate("[...document.querySelectorAll('.turn.heard')].map(t => t.dataset.turn)") == ["0", "1", "2"]
    assert page.evaluate("document.querySelectorAll('.edge.heard').length") == 3


def test_typing_narrows_the_list_and_filters_narrow_it_further(page: Page) -> None:
    page.press("/")
    type_in(page, "p12")
    assert text(page, "#found") == "11 of 1,000 problems"
    page.click("[data-filter=corrected]")
    narrowed = int(text(page, "#found").split()[0])
    assert 0 < narrowed < 11
    assert page.evaluate("document.querySelectorAll('.row').length") == narrowed
    page.press("/")
    type_in(page, "nothing like it")
    assert text(page, "#found") == "0 of 1,000 problems"


def test_a_problem_has_an_address_of_its_own(page: Page) -> None:
    page.open(page.evaluate("location.href") + "#p42")
    assert text(page, ".where .id") == "p42"
    page.press("j")
    assert page.evaluate("location.hash") == "#p43"


def test_the_keyboard_walks_the_list_and_the_graph(page: Page) -> None:
    page.press("j")
    for key in ("j", "j", "j", "k"):
        page.press(key)
    assert text(page, ".where .id") == "p2"
    page.press("g")
    assert focused(page).startswith("ada, round 0, ")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft"):
        page.press(key)
    assert focused(page).startswith("ben, round 1, ")
    page.press("Enter")
    assert text(page, "#turn h3") == "ben · round 1"
    page.press("ArrowDown")
    assert text(page, "#turn h3") == "cy · round 1"
    page.press("Escape")
    page.press("Escape")
    assert focused(page) == "Problems"
    page.press("ArrowDown")
    assert text(page, ".where .id") == "p3"


def test_markup_in_the_data_stays_text(page: Page) -> None:
    page.open(page.evaluate("location.href") + "#" + quote(f"p7 {HOSTILE[0]}", safe=""))
    assert text(page, ".where .id") == f"p7 {HOSTILE[0]}"
    for turn in range(12):
        page.click(f".turn[data-turn='{turn}']")
        assert text(page, "#turn .text") == f"{HOSTILE[turn % 3]} turn {turn // 3} of 7"
    assert page.evaluate("window.ran === undefined")
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0


def test_a_thousand_graphs_draw_only_the_rows_in_sight(page: Page) -> None:
    page.press("/")
    rows = "document.querySelectorAll('.row').length"
    assert page.evaluate("document.getElementById('rows').clientHeight") > 50_000
    assert 8 < page.evaluate(rows) < 40
    page.evaluate("document.getElementById('list').scrollTop = 30000")
    page.wait_for("document.querySelector('.row').getAttribute('aria-posinset') > 500")
    assert page.evaluate(rows) < 40
    type_in(page, "what is")
    assert page.evaluate(rows) < 40
    assert page.evaluate("document.querySelectorAll('*').length") < 2500


@pytest.mark.parametrize("width", [380, 760, 1400])
def test_nothing_sticks_out_of_the_window(page: Page, width: int) -> None:
    page.look(width, 800)
    for view in ("numbers", "problems"):
        page.click(f"#tab-{view}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_missing_parts_are_not_shown(chromium: Page, tmp_path: Path) -> None:
    write_records(tmp_path / "graphs.jsonl", [a_graph(3, random.Random(0))])
    write_page(tmp_path / "page.html", tmp_path / "graphs.jsonl", {"flips": 7, "agents": []}, title="Bare")
    chromium.events.clear()
    chromium.open((tmp_path / "page.html").as_uri())
    assert chromium.evaluate("document.querySelectorAll('figure').length") == 0
    assert text(chromium, ".where .id") == "p3"
    assert "Runtime.exceptionThrown" not in [event["method"] for event in chromium.events]
