"""Who sits on the panel: the seat grammar `NAME[=MODEL][?key=value&...]`, parsed once, at the door."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.core.protocols import Sampling
from magdi_cli.engines.aliases import ALIASES, RETIRED, STAND_INS
from magdi_cli.engines.catalogue import CHAT_MODES, find_entry, resolve_model_id
from magdi_cli.engines.prices import Price
from magdi_cli.engines.seat_keys import SEAT_KEYS, Kind, as_fields, fault

SIMULATED = "sim"
LOCAL = "local:"
FEWEST, MOST = 2, 8
"""Seats of a panel."""
QUOTING = "inside a persona, write a comma as %2C and & as %26"


@dataclass(frozen=True, kw_only=True, slots=True)
class Teacher:
    """One seat of a panel and what speaks from it."""

    name: str
    """The seat: unique on its panel, the `agent` of its turns."""
    engine: Kind
    model: str
    """What runs: litellm's `provider/model`, the MODEL of `local:MODEL`, or `sim`."""
    asked: str
    """The model as the user named it; differs from `model` for an alias."""
    temperature: float | None = None
    """The seat's own; None means the run's."""
    top_p: float | None = None
    """The seat's own; None means the run's."""
    max_tokens: int | None = None
    """The seat's own; None means the run's."""
    api_base: str | None = None
    """Address of an OpenAI-compatible server."""
    persona: str = ""
    """Who the seat should be; the system message of all its prompts."""
    price: Price | None = None
    """What the user says its tokens cost; None asks the price map."""
    behaviour: Mapping[str, float] = field(default_factory=dict)
    """What is planted in a simulated teacher: `accuracy`, `conformity`, `failure`."""

    def sampling(self, run: Sampling) -> Sampling:
        """The run's sampling with the seat's own values in place."""
        return replace(
            run,
            temperature=run.temperature if self.temperature is None else self.temperature,
            top_p=run.top_p if self.top_p is None else self.top_p,
            max_tokens=run.max_tokens if self.max_tokens is None else self.max_tokens,
        )


def overrides(teacher: Teacher) -> dict[str, Any]:
    """What a seat sets for itself, JSON-ready; its price aside, which changes no answer."""
    own = {
        "temperature": teacher.temperature,
        "top_p": teacher.top_p,
        "max_tokens": teacher.max_tokens,
        "api_base": teacher.api_base,
        "persona": teacher.persona or None,
        **teacher.behaviour,
    }
    return {key: value for key, value in own.items() if value is not None}


def seat_identity(teacher: Teacher) -> dict[str, Any]:
    """All that a seat's turns depend on, JSON-ready: another model behind an alias is another seat."""
    return {"name": teacher.name, "engine": teacher.engine, "model": teacher.model, **overrides(teacher)}


def parse_teachers(text: str) -> tuple[Teacher, ...]:
    """The seats of `--teachers`; two of one name become `name#1` and `name#2`."""
    seats = [seat.strip() for seat in text.split(",") if seat.strip()]
    require_panel(
        len(seats),
        "--teachers",
        none="name them: --teachers gpt-4,claude-2,gemini, or in a file: --teachers-file seats.toml",
        one=f"for a single model use --rounds 0 --teachers {seats[0]},{seats[0]} or 'magdi evaluate'" if seats else "",
    )
    return numbered(list(_parsed(seats)))


def require_panel(count: int, source: str, *, none: str, one: str) -> None:
    """Nothing, if so many seats make a panel; `none` and `one` are the ways out of having no more."""
    if FEWEST <= count <= MOST:
        return
    way_out = {0: none, 1: one}.get(count, f"leave some out of {source}")
    raise UsageProblem(f"a debate needs {FEWEST}-{MOST} teachers, got {count or 'none'}; {way_out}")


def _parsed(seats: Sequence[str]) -> Iterator[Teacher]:
    before: Teacher | None = None
    for seat in seats:
        try:
            before = parse_seat(seat)
        except UsageProblem as error:
            if before is None or not before.persona:
                raise
            raise UsageProblem(f"{error}; {QUOTING}") from None
        yield before


def numbered(teachers: Sequence[Teacher]) -> tuple[Teacher, ...]:
    """The seats under names of their own: two of one name become `name#1` and `name#2`."""
    times = Counter(teacher.name for teacher in teachers)
    given: Counter[str] = Counter()
    named = []
    for teacher in teachers:
        given[teacher.name] += 1
        name = f"{teacher.name}#{given[teacher.name]}" if times[teacher.name] > 1 else teacher.name
        named.append(replace(teacher, name=name))
    clashing = [name for name, count in Counter(t.name for t in named).items() if count > 1]
    if clashing:
        raise UsageProblem(f"two seats would both be named {clashing[0]!r}; rename one")
    return tuple(named)


def parse_seat(seat: str) -> Teacher:
    """The teacher of one `NAME[=MODEL][?key=value&...]`."""
    head, _, query = seat.partition("?")
    name, equals, model = (part.strip() for part in head.partition("="))
    if not name or (equals and not model):
        raise UsageProblem(f"--teachers: seat {seat!r} is not NAME[=MODEL][?key=value&...]")
    teacher = model_seat(name, model or name, named=bool(equals))
    return replace(teacher, **_parse_query(query, teacher.engine, seat))


def model_seat(name: str, model: str, *, named: bool) -> Teacher:
    """A seat without settings; one that is not `named` by the user is named for its model."""
    if model == SIMULATED:
        return Teacher(name=name, engine="simulated", model=model, asked=model)
    if model.startswith(LOCAL):
        path = model.removeprefix(LOCAL).rstrip("/")
        if not path:
            raise UsageProblem("local: needs a model, such as local:smollm2-135m or local:FOLDER")
        return Teacher(name=name if named else path.split("/")[-1], engine="local", model=path, asked=model)
    return Teacher(name=name, engine="api", model=_api_model(model), asked=model)


def _api_model(name: str) -> str:
    """The litellm model of a name; a retired name stays as it is, for the preflight to explain."""
    if short := ALIASES.get(name) or STAND_INS.get(name):
        return short
    if name in RETIRED:
        return name
    model = resolve_model_id(name)
    if model is None:
        known = [*ALIASES, *STAND_INS, SIMULATED, "local:MODEL", "PROVIDER/MODEL"]
        raise UnknownName("teacher", name, known, listed_by="magdi teachers")
    entry = find_entry(model)
    if entry is not None and entry.mode not in CHAT_MODES:
        raise UsageProblem(f"teacher {name!r} cannot debate: it is a model for {entry.mode.replace('_', ' ')}")
    return model


def _parse_query(query: str, engine: Kind, seat: str) -> dict[str, Any]:
    keys = SEAT_KEYS[engine]
    found: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        if key not in keys:
            hint = f"; {QUOTING}" if "persona" in found else ""
            known = ", ".join(sorted(keys))
            raise UsageProblem(f"--teachers: seat {seat!r} has no key {key!r}; known: {known}{hint}")
        if key in found:
            raise UsageProblem(f"--teachers: seat {seat!r} gives {key} twice; give it once")
        try:
            found[key] = keys[key].read(_unquoted(value))
        except ValueError as error:
            raise UsageProblem(f"--teachers: seat {seat!r}: {key}={value} {fault(error)}") from None
    return as_fields(found)


def _unquoted(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("must be UTF-8 behind its percent signs") from None
