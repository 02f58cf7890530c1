"""A panel in a file: the same seats as the grammar's, and all that is wrong with it in one message."""

from pathlib import Path

import pytest

from magdi_cli.core.errors import DataProblem, MagdiError, UsageProblem
from magdi_cli.engines.seats_file import read_seats_file, seats
from magdi_cli.engines.teachers import parse_teachers

PANEL = """
[[seat]]
name = "ada"
model = "gpt-4o"
temperature = 0.2
top_p = 1
max_tokens = 50
persona = "a sceptic, 100% honest & calm"
price = {input = 2.5, output = 10}

[[seat]]
model = "hosted_vllm/foo"
api_base = "http://127.0.0.1:8000/v1"
price = "2.5:10"

[[seat]]
model = "sim"
accuracy = 0.8

[[seat]]
model = "sim"
failure = 1
"""


def written(folder: Path, content: str) -> Path:
    path = folder / "seats.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_says_what_the_grammar_says(tmp_path: Path) -> None:
    assert read_seats_file(written(tmp_path, PANEL)) == parse_teachers(
        "ada=gpt-4o?temperature=0.2&top_p=1&max_tokens=50&price=2.5:10"
        "&persona=a sceptic%2C 100%25 honest %26 calm,"
        "hosted_vllm/foo?api_base=http://127.0.0.1:8000/v1&price=2.5:10,"
        "sim?accuracy=0.8,sim?failure=1"
    )


def test_a_file_saved_on_windows_is_read_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + PANEL.replace("\n", "\r\n").encode())
    assert read_seats_file(path) == read_seats_file(written(tmp_path, PANEL))


SIMS = '[[seat]]\nmodel = "sim"\n' * 2
SEAT = SIMS + "[[seat]]\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "got none; give .* a .*seat.* table for each"),
        ('[[seat]]\nmodel = "sim"\n', r"got 1; for a single model use --rounds 0 and write the \[\[seat\]\]"),
        (SIMS * 5, "got 10; leave some out of .*seats.toml"),
        ("[[seat]]\nmodel = \n", "seats.toml:2: is not TOML: Invalid value"),
        ('[[seat]]\nmodel = "sim', "is not TOML"),
        ('[[seats]]\nmodel = "sim"\n', "named 'seats'; close: seat"),
        ('[seat]\nmodel = "sim"\n', r"write each seat under \[\[seat\]\], in double brackets"),
        ('seat = ["sim", "sim"]\n', r"write each seat under \[\[seat\]\]"),
        (SEAT + 'name = "ada"\n', "seat 3: model is missing"),
        (SEAT + "model = 3\n", "seat 3: model is missing"),
        (SEAT + 'model = "gpt4"\n', "seat 3: no teacher named 'gpt4'; close: gpt-4"),
        (SEAT + 'model = "local:"\n', "seat 3: local: needs a model"),
        (SEAT + 'model = "openai/x?top_p=1"\n', "seat 3: .* holds a .; give each setting a line of its own"),
        (SEAT + 'model = "sim"\nname = 3\n', "seat 3: name must be text in quotes"),
        (SEAT + 'model = "sim"\ntemprature = 1\n', "no key in seat 3 named 'temprature'; close: temperature"),
        (SEAT + 'model = "gpt-4o"\naccuracy = 1\n', "no key in seat 3 named 'accuracy'"),
        (SEAT + 'model = "sim"\ntemperature = 3\n', "seat 3: temperature = 3 must lie between 0 and 2"),
        (SEAT + 'model = "sim"\ntemperature = "0.2"\n', "temperature = '0.2' must be a number, without quotes"),
        (SEAT + 'model = "sim"\ntemperature = true\n', "temperature = True must be a number"),
        (SEAT + 'model = "sim"\ntop_p = nan\n', "top_p = nan must lie between"),
        (SEAT + 'model = "sim"\nmax_tokens = 1.5\n', "max_tokens = 1.5 must be a whole number"),
        (SEAT + 'model = "sim"\npersona = 3\n', "persona = 3 must be text in quotes"),
        (SEAT + 'model = "sim"\npersona = "\\u0007"\n', "without control characters"),
        (SEAT + 'model = "sim"\nprice = 3\n', 'price = 3 must be "IN:OUT" or {input = IN, output = OUT}'),
        (SEAT + 'model = "sim"\nprice = {input = 3}\n', 'must be "IN:OUT" or'),
        (SEAT + 'model = "sim"\nprice = {input = 3, output = 4, cache = 1}\n', 'must be "IN:OUT" or'),
        (SEAT + 'model = "sim"\nprice = "3"\n', "must be IN:OUT, dollars per million tokens"),
        (SEAT + 'model = "sim"\nname = "sim#1"\n', "two seats would both be named 'sim#1'; rename one"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place_and_the_fault(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said) as caught:
        read_seats_file(written(tmp_path, content))
    assert caught.value.exit_code == 2


def test_all_faults_of_a_file_are_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, '[[seat]]\nmodel = "gpt4"\n[[seat]]\nmodel = "sim"\ntop = 1\naccuracy = 2\n[[seat]]\n')
    with pytest.raises(UsageProblem) as caught:
        read_seats_file(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: seat 1: no teacher named 'gpt4'")
    for said in ("no key in seat 2 named 'top'", "seat 2: accuracy = 2 must lie", "seat 3: model is missing"):
        assert said in message


def test_a_panel_comes_from_one_place(tmp_path: Path) -> None:
    path = written(tmp_path, PANEL)

    assert seats("", path) == read_seats_file(path)
    assert seats("sim,sim", None) == parse_teachers("sim,sim")
    with pytest.raises(UsageProblem, match="named twice, once by --teachers-file"):
        seats("sim,sim", path)
    with pytest.raises(UsageProblem, match="got none"):
        seats("", None)


@pytest.mark.parametrize("name", ["nowhere.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataProblem, match="cannot read "):
        read_seats_file(tmp_path / name)


def test_a_file_of_other_bytes_is_not_toml(tmp_path: Path) -> None:
    path = tmp_path / "seats.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(MagdiError, match="is not TOML"):
        read_seats_file(path)
