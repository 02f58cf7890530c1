"""The model card: what the adapter is, what it was made from, and what it is not good for."""

from collections.abc import Mapping
from dataclasses import dataclass

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.level import Level


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a card tells besides the settings."""

    base: str
    teachers: tuple[str, ...]
    tasks: tuple[str, ...]
    counts: Mapping[str, int]
    losses: Mapping[str, float]


def model_card(facts: Facts, level: Level, config: DistillConfig) -> str:
    """The text of a student's README.md."""
    sections = (
        _front_matter(facts),
        _summary(facts, level),
        _table("Data", facts.counts),
        _table("Objectives (weight)", level.objectives),
        _table("Losses at the end of training", {name: f"{loss:.4f}" for name, loss in facts.losses.items()}),
        _table("Settings", _settings(config)),
        _limits(facts),
    )
    return "\n\n".join(sections) + "\n"


def _front_matter(facts: Facts) -> str:
    return f"---\nbase_model: {facts.base}\nlibrary_name: peft\npipeline_tag: text-generation\ntags: [lora, magdi]\n---"


def _summary(facts: Facts, level: Level) -> str:
    return f"""# {level.name} student of {facts.base}

A LoRA adapter distilled by `magdi` from debates of {", ".join(facts.teachers)} on {", ".join(facts.tasks)}
(method: MAGDi, arXiv 2402.01620). Level `{level.name}`: {level.teachers} teachers, {level.rounds} rounds,
{level.nodes} nodes.

```python
from peft import AutoPeftModelForCausalLM

student = AutoPeftModelForCausalLM.from_pretrained("THIS FOLDER")
```

`magdi_heads.safetensors` holds what served training only: the score head, the graph encoder and the flip head, each
where its objective has weight. Answering needs the adapter alone."""


def _table(title: str, rows: Mapping[str, object]) -> str:
    lines = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"## {title}\n\n| | |\n|---|---|\n{lines}"


def _settings(config: DistillConfig) -> dict[str, object]:
    names = ("epochs", "max_steps", "batch_size", "learning_rate", "warmup_ratio", "max_length", "margin")
    graph = ("pairs", "gnn", "graph_features")
    lora = ("lora_r", "lora_alpha", "lora_dropout", "lora_targets")
    return {name: getattr(config, name) for name in (*names, *lora, *graph, "recipe", "seed")}


def _limits(facts: Facts) -> str:
    return f"""## Limits

It was trained on what its teachers said about {", ".join(facts.tasks)} and was not checked on anything else here;
a teacher's right answer may rest on wrong reasoning, and such texts were learned too. A node's text ends with its
answer, so the accuracy of the training-time heads says little about reasoning. The licences of the base model and
the terms of the teachers apply."""
