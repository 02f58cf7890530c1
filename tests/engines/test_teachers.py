"""The seat grammar: what `--teachers` may say, and what is said about what it may not."""

import json
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import MagdiError, UnknownName, UsageProblem
from magdi_cli.core.protocols import Sampling
from magdi_cli.engines.aliases import ALIASES, RETIRED, STAND_INS, SUCCESSORS
from magdi_cli.engines.catalogue import find_entry, providers
from magdi_cli.engines.prices import Price
from magdi_cli.engines.teachers import overrides, parse_seat, parse_teachers, seat_identity


def test_names_stand_for_models_that_exist() -> None:
    gpt, claude, gemini = parse_teachers("gpt-4,claude-2,gemini")

    assert [gpt.name, claude.name, gemini.name] == ["gpt-4", "claude-2", "gemini"]
    assert gpt.model.startswith("openai/gpt-")
    assert claude.model.startswith("anthropic/claude-")
    assert gemini.model.startswith("gemini/gemini-")


def test_a_seat_is_a_name_a_model_and_its_own_sampling() -> None:
    (ada, _) = parse_teachers("ada=gpt-4o?temperature=0.2&top_p=0.9&max_tokens=50, sim")

    assert (ada.name, ada.engine, ada.model) == ("ada", "api", "openai/gpt-4o")
    assert ada.sampling(Sampling(temperature=0.7, max_tokens=1000, n=3)) == Sampling(
        temperature=0.2, top_p=0.9, max_tokens=50, n=3
    )


def test_a_seat_without_its_own_sampling_takes_the_runs() -> None:
    run = Sampling(temperature=0.7, max_tokens=99)

    assert parse_teachers("sim,gpt-4o")[0].sampling(run) == run


def test_simulated_teachers_carry_their_plant() -> None:
    teacher = parse_teachers("sim?accuracy=0.8&conformity=0.3&failure=0.02,sim")[0]

    assert teacher.engine == "simulated"
    assert teacher.behaviour == {"accuracy": 0.8, "conformity": 0.3, "failure": 0.02}


def test_a_local_seat_is_named_by_the_last_part_of_its_model() -> None:
    local, other = parse_teachers("local:models/llama/,bob=local:smollm2-135m")

    assert (local.name, local.engine, local.model) == ("llama", "local", "models/llama")
    assert (other.name, other.model) == ("bob", "smollm2-135m")


def test_a_server_is_reached_by_its_address() -> None:
    teacher = parse_teachers("hosted_vllm/foo?api_base=http://127.0.0.1:8000/v1,sim")[0]

    assert (teacher.model, teacher.api_base) == ("hosted_vllm/foo", "http://127.0.0.1:8000/v1")


@pytest.mark.parametrize("seat", ["sim", "gpt-4o", "local:smollm2-135m"])
def test_every_kind_of_seat_takes_a_persona_and_a_price(seat: str) -> None:
    teacher = parse_seat(f"{seat}?persona=kind%2C%20100%25%20honest %26 calm&price=2.5:10&temperature=0")

    assert teacher.persona == "kind, 100% honest & calm"
    assert teacher.price == Price(prompt=2.5e-6, completion=1e-5)
    assert teacher.temperature == 0.0


def test_the_identity_of_a_seat_is_all_that_its_answers_depend_on() -> None:
    ada = parse_seat("ada=gpt-4o?temperature=0&persona=kind&price=1:2&api_base=http://gpu1/v1")

    assert seat_identity(ada) == {
        "name": "ada",
        "engine": "api",
        "model": "openai/gpt-4o",
        "temperature": 0.0,
        "api_base": "http://gpu1/v1",
        "persona": "kind",
    }
    assert json.loads(json.dumps(seat_identity(ada))) == seat_identity(ada)
    assert overrides(parse_seat("sim?accuracy=0.5")) == {"accuracy": 0.5}
    assert overrides(parse_seat("sim")) == {}


def test_seats_of_one_name_are_numbered() -> None:
    assert [teacher.name for teacher in parse_teachers("sim,gpt-4o,sim")] == ["sim#1", "gpt-4o", "sim#2"]


def test_a_debate_has_two_to_eight_seats() -> None:
    assert len(parse_teachers(",".join(["sim"] * 8))) == 8
    with pytest.raises(UsageProblem, match="2-8 teachers, got 1; for a single model use --rounds 0"):
        parse_teachers("gpt-4")
    with pytest.raises(UsageProblem, match="2-8 teachers, got 9"):
        parse_teachers(",".join(["sim"] * 9))
    with pytest.raises(UsageProblem, match=r"got none; .* or in a file: --teachers-file seats.toml"):
        parse_teachers(" , ")


def test_an_unknown_teacher_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(UnknownName, match=r"no teacher named 'gpt4'; close: gpt-4, .*'magdi teachers' lists the known"):
        parse_teachers("gpt4,gpt-4o")


@pytest.mark.parametrize("name", ["nowhere/model", "openai/", "/x", "gemini/"])
def test_a_model_nobody_can_route_is_unknown(name: str) -> None:
    with pytest.raises(UnknownName):
        parse_teachers(f"{name},sim")


@pytest.mark.parametrize(
    ("seat", "words"),
    [
        ("sim?acuracy=1", "no key 'acuracy'; known: accuracy, conformity, failure"),
        ("gpt-4o?accuracy=1", "no key 'accuracy'; known: api_base"),
        ("sim?accuracy=1.5", "accuracy=1.5 must lie between 0 and 1"),
        ("sim?failure=nan", "failure=nan must lie between 0 and 1"),
        ("gpt-4o?max_tokens=many", "max_tokens=many is not a number"),
        ("gpt-4o?max_tokens=0", "max_tokens=0 must be at least 1"),
        ("hosted_vllm/a?api_base=localhost", "must begin with http://"),
        ("=gpt-4o", "is not NAME"),
        ("ada=", "is not NAME"),
        ("local:", "needs a model"),
        ("gpt-4o?max_tokens=1.5", "max_tokens=1.5 must be a whole number"),
        ("gpt-4o?max_tokens=inf", "max_tokens=inf must be a whole number"),
        ("gpt-4o?persona=", "persona= must say who the seat should be"),
        ("gpt-4o?persona=%20", "must say who the seat should be"),
        ("gpt-4o?persona=%1b[2J", "must be text without control characters"),
        ("gpt-4o?persona=%E9", "must be UTF-8 behind its percent signs"),
        ("gpt-4o?price=2", "price=2 must be IN:OUT, dollars per million tokens, such as 2.5:10"),
        ("gpt-4o?price=1:2:3", "must be IN:OUT"),
        ("gpt-4o?price=-1:2", "must be IN:OUT"),
        ("gpt-4o?price=nan:inf", "must be IN:OUT"),
        ("gpt-4o?price=1:2&price=3:4", "gives price twice"),
        (
            "gpt-4o?persona=kind & honest",
            "has no key ' honest'; .* inside a persona, write a comma as %2C and & as %26",
        ),
        ("gpt-4o?persona=kind, honest", "no teacher named 'honest'; .* inside a persona, write a comma as %2C"),
        ("text-embedding-3-small", "cannot debate: it is a model for embedding"),
    ],
)
def test_a_bad_seat_is_refused_with_what_is_wrong_about_it(seat: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words.replace("?", r"\?")):
        parse_teachers(f"{seat},sim")


def test_a_numbered_name_that_is_taken_is_refused() -> None:
    with pytest.raises(UsageProblem, match="two seats would both be named 'sim#1'"):
        parse_teachers("sim#1=sim,sim,sim")


@given(st.text(alphabet="ab1sim:/=?&,.#%-_ é", max_size=40))
def test_whatever_is_typed_ends_in_seats_or_in_a_message(text: str) -> None:
    with suppress(MagdiError):
        teachers = parse_teachers(text)
        assert 2 <= len({teacher.name for teacher in teachers}) == len(teachers) <= 8


@pytest.mark.parametrize(
    "model", sorted({*ALIASES.values(), *STAND_INS.values(), *RETIRED.values(), *SUCCESSORS.values()})
)
def test_what_a_short_name_runs_is_in_the_price_map_with_no_end_announced(model: str) -> None:
    entry = find_entry(model)

    assert entry is not None
    assert entry.mode == "chat"
    assert model.partition("/")[0] in providers()
    assert entry.retires is None


def test_no_alias_is_the_name_of_a_retired_model() -> None:
    assert not ALIASES.keys() & RETIRED.keys()
    assert not ALIASES.keys() & STAND_INS.keys()


def test_litellm_itself_routes_every_alias() -> None:
    import litellm

    for model in {*ALIASES.values(), *STAND_INS.values()}:
        _, provider, _, _ = litellm.get_llm_provider(model)
        assert provider == model.partition("/")[0]


def test_reading_seats_loads_nothing_heavy() -> None:
    program = (
        "import sys; from magdi_cli.engines.teachers import parse_teachers; "
        "from magdi_cli.engines.preflight import preflight; import magdi_cli.engines.panel; "
        "preflight(parse_teachers('sim,local:smollm2-135m,hosted_vllm/a?api_base=http://127.0.0.1/v1')); "
        "print([m for m in ('torch', 'transformers', 'vllm', 'litellm', 'peft') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
