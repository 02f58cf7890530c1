"""Everything a debate run needs to know, settled before the first call."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magdi_cli.core.artifact import CALLS, Artifact
from magdi_cli.core.config import DebateConfig
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Engine, Report, Sampling
from magdi_cli.core.records import sha256
from magdi_cli.debate.aggregate import Aggregate, parse_aggregate
from magdi_cli.debate.demos import Demo, read_demos
from magdi_cli.debate.probe import own_templates
from magdi_cli.debate.prompts import Templates
from magdi_cli.debate.rounds import RoundTable, Seat
from magdi_cli.engines.lanes import LaneLimits, parse_limits
from magdi_cli.engines.panel import provider_of
from magdi_cli.engines.preflight import environment, missing_keys, notes, preflight, retirements
from magdi_cli.engines.pricing import price_of
from magdi_cli.engines.seats_file import seats
from magdi_cli.engines.teachers import Teacher, seat_identity
from magdi_cli.tasks.loading import load_file, load_problems


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A config with its names resolved and its files read."""

    config: DebateConfig
    teachers: tuple[Teacher, ...]
    problems: list[Problem]
    templates: Templates
    demos: tuple[Demo, ...]
    aggregate: Aggregate
    limits: Mapping[str, LaneLimits]

    @property
    def folder(self) -> Path:
        """Where the debates go."""
        return self.config.home / "debates"

    @property
    def artifact(self) -> Artifact:
        """The folder of the debates, as stages keep it."""
        way_out = "reuse what still matches with --fork NEWDIR, use another --run-dir"
        return Artifact(kind="debates", path=self.folder, way_out=way_out)

    @property
    def elder(self) -> Path | None:
        """The calls of the run this one is forked from; None for a run of its own."""
        return self.config.run_dir / "debates" / CALLS if self.config.fork else None

    @property
    def identity(self) -> dict[str, Any]:
        """What the records depend on beyond the flags."""
        return {
            "prompts": self.templates.fingerprint,
            "demos": sha256(self.config.demos) if self.config.demos else None,
            "seats": {teacher.name: seat_identity(teacher) for teacher in self.teachers},
            # who is heard by whom, and who wins a tie, depends on it
            "order": [teacher.name for teacher in self.teachers],
        }

    @property
    def inputs(self) -> list[Path]:
        """The files the run read."""
        return [path for path in (self.config.problems, self.config.demos) if path]

    def longest_reply(self, teacher: Teacher) -> int:
        """Tokens that a teacher's reply may have at most."""
        return teacher.max_tokens or self.config.max_tokens

    def table(self, panel: Mapping[str, Engine]) -> RoundTable:
        """The round table with these engines in its seats."""
        config = self.config
        return RoundTable(
            seats=self._seats(panel),
            templates=self.templates,
            rounds=config.rounds,
            stop=config.stop,
            topology=config.topology,
            aggregate=self.aggregate,
            demos=self.demos,
            deadline_seconds=config.deadline,
        )

    def _seats(self, panel: Mapping[str, Engine]) -> tuple[Seat, ...]:
        sampling = Sampling(temperature=self.config.temperature, max_tokens=self.config.max_tokens)
        before: list[str] = []
        found = []
        for teacher in self.teachers:
            engine = panel[teacher.name]
            found.append(
                Seat(
                    name=teacher.name,
                    engine=engine,
                    sampling=teacher.sampling(sampling),
                    index=before.count(engine.model),
                    persona=teacher.persona,
                )
            )
            before.append(engine.model)
        return tuple(found)


def make_plan(config: DebateConfig, report: Report) -> Plan:
    """The plan of a config; whatever can be known to be wrong is raised here, before any call."""
    teachers = seats(config.teachers, config.teachers_file)
    aggregate = parse_aggregate(config.aggregate, [teacher.name for teacher in teachers])
    limits = parse_limits(config.concurrency, config.rpm, config.tpm, sorted({provider_of(t) for t in teachers}))
    _require_prices(config, teachers)
    if config.dry_run:
        _say_what_is_missing(teachers, report)
    for note in notes(teachers) if config.dry_run else preflight(teachers):
        report.note(note)
    plan = Plan(
        config=config,
        teachers=teachers,
        aggregate=aggregate,
        limits=limits,
        templates=own_templates(config.prompts) if config.prompts else Templates.packaged(),
        demos=read_demos(config.demos) if config.demos else (),
        problems=_problems(config, report),
    )
    _require_elder(plan)
    return plan


def _require_prices(config: DebateConfig, teachers: tuple[Teacher, ...]) -> None:
    unknown = [teacher.name for teacher in teachers if price_of(teacher) is None]
    if unknown and config.max_cost is not None and not config.dry_run:
        raise UsageProblem(
            f"--max-cost needs a price for {', '.join(unknown)}; give dollars per million tokens in and out with "
            f"the seat: {unknown[0]}?price=2.5:10, or price=0:0 for a model that costs nothing"
        )


def _say_what_is_missing(teachers: tuple[Teacher, ...], report: Report) -> None:
    """What would end a real run before its first call, and a dry run does not need."""
    for fault in (*retirements(teachers), *missing_keys(teachers, environment())):
        report.warn(fault)


def _require_elder(plan: Plan) -> None:
    if plan.elder is None:
        return
    if plan.config.home.resolve() == plan.config.run_dir.resolve():
        raise UsageProblem(f"--fork {plan.config.fork} is the run directory itself; name a new one")
    if not plan.elder.exists():
        raise DataProblem(f"no calls in {plan.elder}; --run-dir names the run to fork from")


def _problems(config: DebateConfig, report: Report) -> list[Problem]:
    if config.problems is not None:
        problems = list(load_file(config.problems, limit=config.limit))
    else:
        problems = list(load_problems(config.task, config.split, data_dir=config.data_dir, limit=config.limit))
    if len(problems) == config.limit:
        report.note(f"debating the first {config.limit} problems; --limit 0 takes all")
    return problems
