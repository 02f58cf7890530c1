"""The model card: what a student is, what it was made from and how, and what it is not good for."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.level import Level
from magdi_cli.core.options import arguments, resolved
from magdi_cli.distill.leaving.agreement import Agreement
from magdi_cli.distill.leaving.curve import CURVE
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.metrics import Validation
from magdi_cli.distill.lessons.settings import applied
from magdi_cli.tasks.catalog import TASKS

CARD = "README.md"
TAGS = ("magdi", "distillation", "multi-agent-debate")
RESULTS = "Results"
TEACHERS = {"one": "one teacher", "all": "all teachers"}
DEVICES = ("launch", "accelerate_config", "processes", "print_launch")
LOOKING = ("dry_run", "check_gradients", "report_to")
NO_SETTINGS = ("graphs", "level", "ladder", "seeds", "student", "run_dir", "resume", *DEVICES, *LOOKING)
"""Options that other parts of the card speak of, or that leave no trace in the student."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a card tells besides the settings."""

    name: str
    """The student's folder in its run."""
    base: str
    teachers: tuple[str, ...]
    tasks: Mapping[str, int]
    """Graphs of each task."""
    sources: Mapping[str, str]
    """The sha256 of each file of graphs."""
    counts: Mapping[str, int]
    losses: Mapping[str, float]
    validation: Validation | None
    """Of the step whose student this is."""


def model_card(facts: Facts, level: Level, config: DistillConfig, *, curve: bool) -> str:
    """The text of a student's README.md; `curve` says whether a loss curve lies beside it."""
    metadata = ModelCardData(
        base_model=_hub_id(facts.base),
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["lora", *TAGS],
        datasets=_datasets(facts.tasks),
    )
    sections = {
        "Data": _data(facts),
        "Objectives": _table(("objective", "weight"), {name: level.objectives[name] for name in active(level)}),
        "Losses": _losses(facts.losses, curve=curve),
        **({"Validation": _validated(facts.validation)} if facts.validation else {}),
        RESULTS: _no_results(facts, config),
        "Command": _command(config),
        "Settings": _table(("option", "value"), _settings(config)),
        "Limits": _limits(facts),
    }
    return _card(metadata, _summary(facts, level), sections)


def merged_card(
    student: str, *, name: str, base: str, logits: Sequence[Agreement], evaluations: Sequence[Evaluation]
) -> str:
    """The text of a merged model's README.md, made from the card of its student and what is known by now."""
    metadata = ModelCardData(
        base_model=_hub_id(base),
        base_model_relation="finetune",
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=list(TAGS),
        datasets=ModelCard(student).data.get("datasets") if student else None,
        model_name=name if evaluations else None,
        eval_results=[_eval_result(evaluation) for evaluation in evaluations] or None,
    )
    sections = {"Merge": _comparison(logits)} | _sections(student)
    if evaluations:
        sections[RESULTS] = _results(evaluations)
    return _card(metadata, _merged_summary(base, logits[-1].dtype), sections)


def _card(metadata: ModelCardData, summary: str, sections: Mapping[str, str]) -> str:
    parts = [f"---\n{metadata.to_yaml()}\n---", summary, *(f"## {title}\n\n{text}" for title, text in sections.items())]
    return "\n\n".join(parts) + "\n"


def _sections(card: str) -> dict[str, str]:
    """A card's sections by title."""
    parts = (part.partition("\n") for part in card.split("\n## ")[1:])
    return {title: text.strip() for title, _, text in parts}


def _hub_id(base: str) -> str | None:
    """The base as the hub's metadata may name it; a folder has no name there."""
    return None if Path(base).exists() or base.count("/") != 1 else base


def _datasets(tasks: Iterable[str]) -> list[str] | None:
    known = (TASKS[task].hub for task in tasks if task in TASKS)
    return [hub.name for hub in known if hub is not None] or None


def _summary(facts: Facts, level: Level) -> str:
    return f"""# {level.name} student of {facts.base}

A LoRA adapter for {facts.base}, distilled by `magdi` from debates of {", ".join(facts.teachers)} on
{", ".join(facts.tasks)} (method: MAGDi, arXiv 2402.01620). Level `{level.name}`: {TEACHERS[level.teachers]},
{level.rounds} rounds, {level.nodes} nodes.

```python
from peft import AutoPeftModelForCausalLM

student = AutoPeftModelForCausalLM.from_pretrained("THIS FOLDER")
```

Answering needs the adapter alone: `magdi_heads.safetensors` holds what served training only (the score head, the graph
encoder and the flip head, each where its objective has weight). `magdi merge` adds the adapter to its base."""


def _merged_summary(base: str, dtype: str) -> str:
    return f"""# Student of {base}, merged

A LoRA student distilled by `magdi` from debates of larger models (method: MAGDi, arXiv 2402.01620), added to its base
{base} in float32 and written in {dtype}. It needs no PEFT:

```python
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("THIS FOLDER")
```"""


def _comparison(logits: Sequence[Agreement]) -> str:
    columns = ("model", "numbers", "relative difference", "largest", "mean", "same next token")
    rows = [
        (one.model, one.dtype, f"{one.relative:.2g}", f"{one.largest:.2g}", f"{one.mean:.2g}", f"{one.same_token:.1%}")
        for one in logits
    ]
    return f"Logits against those of the base with the adapter on top, in float32:\n\n{_rows(columns, rows)}"


def _data(facts: Facts) -> str:
    graphs = {f"graphs of {task}": count for task, count in facts.tasks.items()}
    counts = {name.replace("_", " "): count for name, count in facts.counts.items()}
    files = _table(("file of graphs", "sha256"), facts.sources)
    return f"{_table(('what', 'count'), graphs | counts)}\n\n{files}"


def _losses(losses: Mapping[str, float], *, curve: bool) -> str:
    table = _table(("mean of the last tenth", "loss"), {name: f"{loss:.4f}" for name, loss in losses.items()})
    return f"{table}\n\n![Losses over the steps of training]({CURVE})" if curve else table


def _validated(kept: Validation) -> str:
    answers = kept.answers
    right = {"problems answered right": f"{answers.correct} of {answers.n}"} if answers else {}
    losses = {f"{name} loss": f"{loss:.4f}" for name, loss in {"total": kept.loss, **kept.terms}.items()}
    accuracies = {f"{name} accuracy": f"{share:.4f}" for name, share in kept.accuracy.items()}
    return _table(("on held-out graphs", "value"), {"kept after step": kept.step, **right, **losses, **accuracies})


def _no_results(facts: Facts, config: DistillConfig) -> str:
    words = ["magdi", "evaluate", "--student", facts.name, "--run-dir", str(config.run_dir)]
    return (
        f"None when this card was written. `{shlex.join(words)}` measures the student, and `magdi merge` puts what was "
        "measured on the merged model's card."
    )


def _results(evaluations: Sequence[Evaluation]) -> str:
    columns = ("task", "split", "problems", "samples each", "accuracy", "95 % interval", "tokens a question")
    rows = [
        (
            one.task,
            one.split,
            one.n,
            one.self_consistency,
            f"{one.accuracy:.3f}",
            "{:.3f} to {:.3f}".format(*one.interval),
            f"{one.tokens_per_question:.1f}",
        )
        for one in evaluations
    ]
    return f"Of base and adapter, by `magdi evaluate`:\n\n{_rows(columns, rows)}"


def _eval_result(evaluation: Evaluation) -> EvalResult:
    hub = TASKS[evaluation.task].hub if evaluation.task in TASKS else None
    return EvalResult(
        task_type="text-generation",
        dataset_type=hub.name if hub else evaluation.task,
        dataset_name=evaluation.task,
        dataset_split=evaluation.split,
        metric_type="accuracy",
        metric_value=round(evaluation.accuracy, 4),
    )


def _command(config: DistillConfig) -> str:
    # what the recipe sets already need not be said
    plain = replace(applied(DistillConfig(recipe=config.recipe)), recipe=DistillConfig().recipe)
    return f"```bash\n{shlex.join(['magdi', 'distill', *arguments(config, plain)])}\n```"


def _settings(config: DistillConfig) -> dict[str, object]:
    return {name: _shown(value) for name, value in resolved(config).items() if name not in NO_SETTINGS}


def _shown(value: object) -> object:
    match value:
        case None | []:
            return "default"
        case list():
            return " ".join(map(str, value))
        case _:
            return value


def _limits(facts: Facts) -> str:
    return f"""It was trained on what its teachers said about {", ".join(facts.tasks)} and on nothing else; a teacher's
right answer may rest on wrong reasoning, and such texts were learned too. A node's text ends with its answer, so the
accuracy of the training-time heads says little about reasoning. The licences of the base model and of the problems,
and the terms of the teachers' providers, apply."""


def _table(columns: tuple[str, str], rows: Mapping[str, object]) -> str:
    return _rows(columns, list(rows.items()))


def _rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")
