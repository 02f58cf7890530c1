"""What is known to fail before the first call is said before the first call, all at once."""

from datetime import date
from pathlib import Path

import pytest

from magdi_cli.core.errors import AccessProblem
from magdi_cli.engines.preflight import key_of, missing_keys, notes, preflight, retirements
from magdi_cli.engines.teachers import parse_seat, parse_teachers

KEYS = {"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "x", "GEMINI_API_KEY": "x"}
TODAY = date(2026, 11, 21)


def fault(teachers: str, environ: dict[str, str], today: date = TODAY) -> str:
    with pytest.raises(AccessProblem) as caught:
        preflight(parse_teachers(teachers), environ, today)
    return str(caught.value)


def test_one_message_names_every_missing_key() -> None:
    assert fault("gpt-4,claude-2,gemini", {}) == (
        "gpt-4 needs OPENAI_API_KEY; claude-2 needs ANTHROPIC_API_KEY; gemini needs GEMINI_API_KEY "
        "(not set; .env looked for in ./ and above). Set what is missing and run the same command again"
    )


def test_a_key_that_is_set_is_not_asked_for_and_its_seat_is_said_to_be_fine() -> None:
    assert fault("gpt-4,claude-2", {"ANTHROPIC_API_KEY": "x"}) == (
        "gpt-4 needs OPENAI_API_KEY (not set; .env looked for in ./ and above). Other seats are fine: claude-2. "
        "Set what is missing and run the same command again"
    )


def test_a_retired_seat_is_not_said_to_be_fine() -> None:
    message = fault("gpt-3.5,claude,sim", {})

    assert message.startswith("gpt-3.5 is no longer served by its provider; use openai/")
    assert "Other seats are fine: sim." in message


def test_missing_keys_can_be_asked_for_without_failing() -> None:
    teachers = parse_teachers("gpt-4,sim")

    assert missing_keys(teachers, {}, TODAY) == [
        "gpt-4 needs OPENAI_API_KEY (not set; .env looked for in ./ and above)",
        "Other seats are fine: sim",
    ]
    assert missing_keys(teachers, KEYS, TODAY) == []
    assert retirements(teachers, TODAY) == []
    assert [note.partition(";")[0] for note in notes(teachers)] == ["gpt-4 is retired"]


def test_an_empty_key_is_a_missing_key() -> None:
    assert "gpt-4o needs OPENAI_API_KEY" in fault("gpt-4o,claude", KEYS | {"OPENAI_API_KEY": ""})


def test_any_of_a_providers_variables_will_do() -> None:
    assert preflight(parse_teachers("gemini,sim"), {"GOOGLE_API_KEY": "x"}, TODAY) == []


def test_a_provider_without_a_row_is_looked_up_in_litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEBIUS_API_KEY", raising=False)

    assert "nebius/foo needs NEBIUS_API_KEY" in fault("nebius/foo,sim", {})


def test_a_server_needs_an_address_but_no_key() -> None:
    assert "hosted_vllm/foo needs ?api_base=" in fault("hosted_vllm/foo,sim", {})
    assert preflight(parse_teachers("hosted_vllm/foo?api_base=http://gpu1/v1,sim"), {}, TODAY) == []


def test_calls_to_this_machine_are_said_to_be_free() -> None:
    notes = preflight(parse_teachers("hosted_vllm/foo?api_base=http://127.0.0.1:80/v1,sim"), {}, TODAY)

    assert notes == ["http://127.0.0.1:80/v1 is this machine: its calls count as free"]


def test_a_server_on_this_machine_costs_what_its_seat_says() -> None:
    teachers = parse_teachers("hosted_vllm/foo?api_base=http://127.0.0.1:80/v1&price=1:2,sim")

    assert notes(teachers) == []


@pytest.mark.parametrize(
    ("seat", "environ", "variable", "found"),
    [
        ("gpt-4o", {}, "OPENAI_API_KEY", False),
        ("gemini", {}, "GEMINI_API_KEY", False),
        ("gemini", {"GOOGLE_API_KEY": "x"}, "GOOGLE_API_KEY", True),
        ("gpt-3.5", {}, "OPENAI_API_KEY", False),
        ("sim", {}, "", True),
        ("local:smollm2-135m", {}, "", True),
        ("ollama/llama3", {}, "", True),
        ("hosted_vllm/foo", {}, "HOSTED_VLLM_API_BASE", False),
        ("hosted_vllm/foo?api_base=http://gpu1/v1", {}, "", True),
    ],
)
def test_the_variable_of_a_seat_is_the_one_that_is_set_or_the_first(
    seat: str, environ: dict[str, str], variable: str, found: bool
) -> None:
    key = key_of(parse_seat(seat), environ)

    assert (key.variable, key.found) == (variable, found)


@pytest.mark.parametrize(
    "name",
    ["claude-2.1", "claude-instant", "claude-3-opus-20240229", "gemini-1.0-pro", "text-davinci-003", "palm", "gpt-3.5"],
)
def test_a_retired_model_fails_with_its_successor(name: str) -> None:
    assert f"{name} is no longer served by its provider; use " in fault(f"{name},sim", KEYS)


def test_a_model_past_its_last_day_by_the_map_fails_from_that_day_on() -> None:
    teachers = parse_teachers("openai/gpt-4o-2024-08-06,sim")

    assert preflight(teachers, KEYS, date(2027, 1, 14)) == []
    with pytest.raises(AccessProblem, match="no longer served by its provider since 2027-01-14; use openai/"):
        preflight(teachers, KEYS, date(2027, 1, 15))


def test_a_provider_prefix_does_not_bring_a_retired_model_back() -> None:
    assert "anthropic/claude-2.1 is no longer served" in fault("anthropic/claude-2.1,sim", KEYS)


def test_the_papers_teachers_have_stand_ins_and_it_is_said() -> None:
    notes = preflight(parse_teachers("gpt-4,bard,claude-2"), KEYS, TODAY)

    assert [note.partition(";")[0] for note in notes] == ["gpt-4 is retired", "bard is retired", "claude-2 is retired"]


def test_two_seats_of_one_name_are_said() -> None:
    assert preflight(parse_teachers("sim,sim"), {}, TODAY) == ["sim has 2 seats: sim#1, sim#2"]


def test_keys_in_a_dotenv_file_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("XAI_API_KEY=from-the-file\n")
    monkeypatch.chdir(tmp_path)
    # set first, so that what the file adds is taken back after the test
    monkeypatch.setenv("XAI_API_KEY", "")
    monkeypatch.delenv("XAI_API_KEY")

    assert preflight(parse_teachers("grok,sim")) == []
