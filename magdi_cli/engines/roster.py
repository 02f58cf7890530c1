"""`magdi teachers`: who can sit on a panel, and what each seat would need; nobody is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from magdi_cli.core.config import TeachersConfig
from magdi_cli.core.protocols import Report
from magdi_cli.engines.aliases import ALIASES, STAND_INS
from magdi_cli.engines.preflight import ending_of, environment, key_of, notes, retirements
from magdi_cli.engines.pricing import price_of
from magdi_cli.engines.seat_keys import TOKENS_PRICED
from magdi_cli.engines.seats_file import seats
from magdi_cli.engines.teachers import Teacher, overrides, parse_seat


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One seat, as a person looks at it."""

    name: str
    model: str
    key: str
    """The environment variable its calls need; empty where none is needed."""
    set: bool
    """Whether a call would find what it needs; never the value."""
    usd_in: float | None
    """Dollars per million tokens of a prompt; None if unknown."""
    usd_out: float | None
    """Dollars per million tokens of a reply; None if unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a seat sets for itself."""

    seat: str
    setting: str
    value: float | int | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retirement:
    """The end of a seat's model at its provider, announced or past."""

    seat: str
    retires: date | None
    """The last day; None where nobody remembers it."""
    successor: str | None
    """What to name instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """The seats that were looked at."""

    schema: Literal["magdi.teachers/1"] = "magdi.teachers/1"
    prices: str = "dollars per million tokens"
    teachers: tuple[Row, ...]
    settings: tuple[Setting, ...]
    retirements: tuple[Retirement, ...]


def run(config: TeachersConfig, report: Report) -> Roster:
    """The seats of a panel, or all short names."""
    teachers = _panel(config)
    for fault in retirements(teachers):
        report.warn(fault)
    for note in notes(teachers):
        report.note(note)
    if not _names_a_panel(config):
        report.note("besides these: PROVIDER/MODEL for all that litellm can call, local:MODEL, and sim")
    environ = environment()
    return Roster(
        teachers=tuple(_row(teacher, environ) for teacher in teachers),
        settings=tuple(
            Setting(seat=teacher.name, setting=name, value=value)
            for teacher in teachers
            for name, value in overrides(teacher).items()
        ),
        retirements=tuple(
            Retirement(seat=teacher.name, retires=ending.last_day, successor=ending.successor)
            for teacher in teachers
            if (ending := ending_of(teacher)) is not None
        ),
    )


def _names_a_panel(config: TeachersConfig) -> bool:
    return bool(config.seats.strip()) or config.teachers_file is not None


def _panel(config: TeachersConfig) -> Sequence[Teacher]:
    if not _names_a_panel(config):
        return [parse_seat(name) for name in sorted({*ALIASES, *STAND_INS})]
    if config.teachers_file is None and "," not in config.seats:
        return [parse_seat(config.seats.strip())]  # one seat makes no debate, but can be looked at
    return seats(config.seats, config.teachers_file)


def _row(teacher: Teacher, environ: Mapping[str, str]) -> Row:
    key, price = key_of(teacher, environ), price_of(teacher)
    return Row(
        name=teacher.name,
        model=teacher.asked if teacher.engine == "local" else teacher.model,
        key=key.variable,
        set=key.found,
        usd_in=None if price is None else round(price.prompt * TOKENS_PRICED, 6),
        usd_out=None if price is None else round(price.completion * TOKENS_PRICED, 6),
    )
