"""Who sits on the panel: the seat grammar `NAME[=MODEL][?key=value&...]`, parsed once, at the door."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import unquote

from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.core.protocols import Sampling
from magdi_cli.engines.aliases import ALIASES, RETIRED, STAND_INS
from magdi_cli.engines.catalogue import CHAT_MODES, find_entry, resolve_model_id

Kind = Literal["simulated", "local", "api"]

SIMULATED = "sim"
LOCAL = "local:"


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


def parse_teachers(text: str) -> tuple[Teacher, ...]:
    """The seats of `--teachers`; two of one name become `name#1` and `name#2`."""
    seats = [seat.strip() for seat in text.split(",") if seat.strip()]
    if not seats:
        raise UsageProblem("a debate needs 2-8 teachers, got none; name them: --teachers gpt-4,claude-2,gemini")
    if len(seats) == 1:
        raise UsageProblem(
            f"a debate needs 2-8 teachers, got 1; for a single model use --rounds 0 --teachers {seats[0]},{seats[0]} "
            "or 'magdi evaluate'"
        )
    if len(seats) > 8:
        raise UsageProblem(f"a debate needs 2-8 teachers, got {len(seats)}; leave some out of --teachers")
    return _numbered([parse_seat(seat) for seat in seats])


def _numbered(teachers: Sequence[Teacher]) -> tuple[Teacher, ...]:
    times = Counter(teacher.name for teacher in teachers)
    given: Counter[str] = Counter()
    numbered = []
    for teacher in teachers:
        given[teacher.name] += 1
        name = f"{teacher.name}#{given[teacher.name]}" if times[teacher.name] > 1 else teacher.name
        numbered.append(replace(teacher, name=name))
    clashing = [name for name, count in Counter(t.name for t in numbered).items() if count > 1]
    if clashing:
        raise UsageProblem(f"two seats would both be named {clashing[0]!r}; rename one: NAME=MODEL")
    return tuple(numbered)


def parse_seat(seat: str) -> Teacher:
    """The teacher of one `NAME[=MODEL][?key=value&...]`."""
    head, _, query = seat.partition("?")
    name, equals, model = (part.strip() for part in head.partition("="))
    if not name or (equals and not model):
        raise UsageProblem(f"--teachers: seat {seat!r} is not NAME[=MODEL][?key=value&...]")
    teacher = _model_seat(name, model or name, named=bool(equals))
    return replace(teacher, **_parse_query(query, teacher.engine, seat))


def _model_seat(name: str, model: str, *, named: bool) -> Teacher:
    if model == SIMULATED:
        return Teacher(name=name, engine="simulated", model=model, asked=model)
    if model.startswith(LOCAL):
        path = model.removeprefix(LOCAL).rstrip("/")
        if not path:
            raise UsageProblem("--teachers: local: needs a model, such as local:smollm2-135m or local:FOLDER")
        return Teacher(name=name if named else path.split("/")[-1], engine="local", model=path, asked=model)
    return Teacher(name=name, engine="api", model=_api_model(model), asked=model)


def _api_model(name: str) -> str:
    """The litellm model of a name; a retired name stays as it is, for the preflight to explain."""
    if known := ALIASES.get(name) or STAND_INS.get(name):
        return known
    if name in RETIRED:
        return name
    model = resolve_model_id(name)
    if model is None:
        raise UnknownName("teacher", name, [*ALIASES, *STAND_INS, SIMULATED, "local:MODEL", "PROVIDER/MODEL"])
    entry = find_entry(model)
    if entry is not None and entry.mode not in CHAT_MODES:
        raise UsageProblem(f"teacher {name!r} cannot debate: it is a model for {entry.mode.replace('_', ' ')}")
    return model


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return value

    return parse


def _tokens(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("must be at least 1")
    return value


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return text


Parse = Callable[[str], Any]

SAMPLING_KEYS: dict[str, Parse] = {
    "temperature": _number(0.0, 2.0),
    "top_p": _number(0.01, 1.0),
    "max_tokens": _tokens,
}
BEHAVIOUR_KEYS: dict[str, Parse] = {
    "accuracy": _number(0.0, 1.0),
    "conformity": _number(0.0, 1.0),
    "failure": _number(0.0, 1.0),
}
SEAT_KEYS: Mapping[Kind, dict[str, Parse]] = {
    "simulated": SAMPLING_KEYS | BEHAVIOUR_KEYS,
    "local": SAMPLING_KEYS,
    "api": SAMPLING_KEYS | {"api_base": _address},
}
"""What may follow the `?` of a seat, and how each value is read."""


def _parse_query(query: str, engine: Kind, seat: str) -> dict[str, Any]:
    parsers = SEAT_KEYS[engine]
    found: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        if key not in parsers:
            raise UsageProblem(f"--teachers: seat {seat!r} has no key {key!r}; known: {', '.join(sorted(parsers))}")
        try:
            found[key] = parsers[key](unquote(value))
        except ValueError as error:
            raise UsageProblem(f"--teachers: seat {seat!r}: {key}={value} {_fault(error)}") from None
    behaviour = {key: found.pop(key) for key in BEHAVIOUR_KEYS if key in found}
    return found | ({"behaviour": behaviour} if behaviour else {})


def _fault(error: ValueError) -> str:
    message = str(error)
    return message if message.startswith("must") else "is not a number"
