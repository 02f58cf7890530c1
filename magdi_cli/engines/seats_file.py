"""Panels in a file: TOML, a `[[seat]]` table for each seat, with the keys of the seat grammar."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from magdi_cli.core.errors import DataProblem, UnknownName, UsageProblem
from magdi_cli.engines.seat_keys import SEAT_KEYS, Key, as_fields, fault
from magdi_cli.engines.teachers import Teacher, model_seat, numbered, parse_teachers, require_panel

OWN_KEYS = ("name", "model")
"""What a table holds besides the settings of its seat."""


def seats(teachers: str, teachers_file: Path | None) -> tuple[Teacher, ...]:
    """The panel of `--teachers` or of `--teachers-file`, whichever is given."""
    if teachers_file is None:
        return parse_teachers(teachers)
    if teachers.strip():
        raise UsageProblem("the panel is named twice, once by --teachers-file; take one")
    return read_seats_file(teachers_file)


def read_seats_file(path: Path) -> tuple[Teacher, ...]:
    """The seats of a file; one error names all that is wrong with them."""
    found: list[Teacher] = []
    faults: list[str] = []
    for number, table in enumerate(_tables(path), start=1):
        seat = _Seat(table, f"seat {number}")
        faults += seat.faults
        if seat.teacher is not None:
            found.append(seat.teacher)
    if faults:
        raise UsageProblem(f"{path}: {'. '.join(faults)}")
    require_panel(
        len(found),
        str(path),
        none=f"give {path} a [[seat]] table for each",
        one=f"for a single model use --rounds 0 and write the [[seat]] of {path} twice, or 'magdi evaluate'",
    )
    return numbered(found)


def _tables(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataProblem(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageProblem(_not_toml(path, str(error))) from None
    for key in content:
        if key != "seat":
            raise UnknownName(f"table in {path}", key, ["seat"])
    tables = content.get("seat", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageProblem(f"{path}: write each seat under [[seat]], in double brackets")
    return tables


def _not_toml(path: Path, message: str) -> str:
    """`FILE:LINE: what is wrong`, as far as the parser says where."""
    place = re.search(r" \(at line (\d+), column \d+\)$", message)
    if place is None:
        return f"{path} is not TOML: {message}"
    return f"{path}:{place[1]}: is not TOML: {message[: place.start()]}"


class _Seat:
    """One table, read: the teacher, or all that keeps it from being one."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self.where = where
        self.faults: list[str] = []
        seat = self._model_seat(table.get("name"), table.get("model"))
        settings = {key: value for key, value in table.items() if key not in OWN_KEYS}
        fields = self._settings(settings, seat) if seat is not None else {}
        self.teacher = replace(seat, **fields) if seat is not None and not self.faults else None

    def _model_seat(self, name: object, model: object) -> Teacher | None:
        if name is not None and not (isinstance(name, str) and name.strip()):
            self.faults.append(f"{self.where}: name must be text in quotes")
        if not isinstance(model, str) or not model.strip():
            self.faults.append(f'{self.where}: model is missing; name one, such as model = "gpt-4o"')
        elif "?" in model:
            self.faults.append(f"{self.where}: model {model!r} holds a ?; give each setting a line of its own")
        else:
            return self._resolved(name.strip() if isinstance(name, str) else "", model.strip())
        return None

    def _resolved(self, name: str, model: str) -> Teacher | None:
        try:
            return model_seat(name or model, model, named=bool(name))
        except UsageProblem as error:
            self.faults.append(f"{self.where}: {error}")
            return None

    def _settings(self, settings: Mapping[str, Any], seat: Teacher) -> dict[str, Any]:
        keys = SEAT_KEYS[seat.engine]
        found: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in keys:
                self.faults.append(str(UnknownName(f"key in {self.where}", name, [*OWN_KEYS, *keys])))
                continue
            try:
                found[name] = keys[name].read(_as_text(value, keys[name]))
            except ValueError as error:
                self.faults.append(f"{self.where}: {name} = {value!r} {fault(error)}")
        return as_fields(found)


def _as_text(value: object, key: Key) -> str:
    """A TOML value as the seat grammar would write it."""
    match value:
        case str() if key.text:
            return value
        case {"input": int() | float() as prompt, "output": int() | float() as completion, **rest} if key.table:
            if not rest:
                return f"{prompt}:{completion}"
        case int() | float() if not (key.text or isinstance(value, bool)):
            return str(value)
    if key.table:
        raise ValueError('must be "IN:OUT" or {input = IN, output = OUT}')
    raise ValueError("must be text in quotes" if key.text else "must be a number, without quotes")
