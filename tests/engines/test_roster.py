"""`magdi teachers`: who can sit on a panel, looked up without calling anybody."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.engines.aliases import ALIASES, STAND_INS
from tests.commands import clean, magdi


def looked_up(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(magdi("teachers", *arguments, "--json", cwd=folder, **environment).stdout)
    assert document["schema"] == "magdi.teachers/1"
    return document


def test_all_short_names_are_listed_with_model_key_and_price(tmp_path: Path) -> None:
    rows = {row["name"]: row for row in looked_up(tmp_path, OPENAI_API_KEY="secret-value")["teachers"]}

    assert rows.keys() == ALIASES.keys() | STAND_INS.keys()
    assert rows["gpt-4o"] == {
        "name": "gpt-4o",
        "model": "openai/gpt-4o",
        "key": "OPENAI_API_KEY",
        "set": True,
        "usd_in": 2.5,
        "usd_out": 10.0,
    }
    assert (rows["claude"]["key"], rows["claude"]["set"]) == ("ANTHROPIC_API_KEY", False)


def test_a_list_for_people_never_shows_a_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("XAI_API_KEY=secret-value\n")
    done = magdi("teachers", cwd=tmp_path)

    (grok,) = [line for line in done.stdout.splitlines() if "│ grok " in line]
    assert [cell.strip() for cell in grok.split("│")[1:5]] == ["grok", "xai/grok-4.7", "XAI_API_KEY", "yes"]
    assert "secret-value" not in done.stdout + done.stderr
    assert "gpt-4 is retired; this seat runs openai/" in done.stderr


PANEL = (
    "ada=gpt-4o?temperature=0.2&persona=kind%2C honest&price=1:2,sim?accuracy=0.8,sim,"
    "hosted_vllm/foo?api_base=http://gpu1/v1,openai/gpt-4o-2024-08-06,gpt-3.5"
)


def test_a_panel_shows_what_its_seats_need_and_set_for_themselves(tmp_path: Path) -> None:
    document = looked_up(tmp_path, PANEL)
    rows = {row["name"]: row for row in document["teachers"]}

    assert list(rows) == ["ada", "sim#1", "sim#2", "hosted_vllm/foo", "openai/gpt-4o-2024-08-06", "gpt-3.5"]
    assert (rows["ada"]["usd_in"], rows["ada"]["usd_out"], rows["ada"]["set"]) == (1.0, 2.0, False)
    assert (rows["sim#1"]["usd_in"], rows["sim#1"]["key"], rows["sim#1"]["set"]) == (0.0, "", True)
    assert rows["hosted_vllm/foo"]["usd_in"] is None
    assert document["settings"] == [
        {"seat": "ada", "setting": "temperature", "value": 0.2},
        {"seat": "ada", "setting": "persona", "value": "kind, honest"},
        {"seat": "sim#1", "setting": "accuracy", "value": 0.8},
        {"seat": "hosted_vllm/foo", "setting": "api_base", "value": "http://gpu1/v1"},
    ]
    assert [(row["seat"], row["retires"]) for row in document["retirements"]] == [
        ("openai/gpt-4o-2024-08-06", "2027-01-14"),
        ("gpt-3.5", None),
    ]


def test_a_panel_for_people_has_a_row_a_seat_and_warns_of_retired_models(tmp_path: Path) -> None:
    done = magdi("teachers", PANEL, cwd=tmp_path)

    (foo,) = [line for line in done.stdout.splitlines() if "│ hosted_vllm/foo " in line and "yes" in line]
    assert foo.count("unknown") == 2
    assert "kind, honest" in done.stdout
    assert "warning: gpt-3.5 is no longer served by its provider; use openai/" in done.stderr


def test_a_panel_can_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "seats.toml").write_text('[[seat]]\nmodel = "sim"\n[[seat]]\nmodel = "gpt-4o"\ntop_p = 0.5\n')
    document = looked_up(tmp_path, "--teachers-file", "seats.toml")

    assert [row["name"] for row in document["teachers"]] == ["sim", "gpt-4o"]
    assert document["settings"] == [{"seat": "gpt-4o", "setting": "top_p", "value": 0.5}]


def test_one_seat_can_be_looked_at(tmp_path: Path) -> None:
    (row,) = looked_up(tmp_path, "claude-haiku")["teachers"]

    assert row["model"].startswith("anthropic/claude-haiku")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["gpt4"], 2, "no teacher named 'gpt4'; close: gpt-4"),
        (["gpt-4,gpt4o"], 2, "no teacher named 'gpt4o'; close: gpt-4o"),
        (["sim?acuracy=1"], 2, "has no key 'acuracy'"),
        (["sim,sim", "--teachers-file", "x.toml"], 2, "the panel is named twice"),
        (["--teachers-file", "x.toml"], 3, "cannot read x.toml"),
    ],
)
def test_what_stands_for_nothing_is_an_error(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    done = magdi("teachers", *arguments, cwd=tmp_path, code=code)

    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["gpt-4,openrouter/x/y,local:smollm2-135m"]])
def test_looking_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    program = (
        "import sys\nfrom magdi_cli.cli.app import app\n"
        f"try: app({['teachers', *arguments]!r})\nexcept SystemExit: pass\n"
        "print('HEAVY', [m for m in ('torch', 'transformers', 'vllm', 'litellm', 'peft') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=clean(), capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("HEAVY []\n")
    assert "teachers" in done.stdout
