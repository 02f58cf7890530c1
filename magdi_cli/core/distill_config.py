"""The knobs of `magdi distill`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from magdi_cli.core.options import (
    DEVICES_PANEL,
    LOOK_PANEL,
    LORA_PANEL,
    TRAINING_PANEL,
    VALIDATION_PANEL,
    RunConfig,
    option,
)


@dataclass(frozen=True, kw_only=True)
class DistillConfig(RunConfig):
    """`magdi distill`."""

    graphs: tuple[Path, ...] = option(
        (), "graphs.jsonl files or folders; several make a multi-task student; default: the run's.", argument=True
    )
    level: str | None = option(
        None, "What to learn from: single-teacher, round-0, correct-nodes, all-nodes or graph (the default)."
    )
    ladder: str | None = option(
        None, "Several levels, one student after the other: FROM..TO, or levels, comma-separated.", identity=False
    )
    seeds: int = option(
        1, "Students of each kind, from --seed upwards: what differs between them is noise.", identity=False, minimum=1
    )
    teacher: str | None = option(
        None, "The seat that single-teacher learns from, or all: a student of each; default: the most accurate."
    )
    mixture: Literal["proportional", "sqrt", "equal"] = option(
        "proportional", "A task's share of an epoch: as its graphs, as their square root, or the same for all."
    )
    student: str = option("smollm2-135m", "Model to train: an alias, a Hugging Face id, or a folder.")
    epochs: float = option(3.0, "Passes over the graphs.", panel=TRAINING_PANEL, minimum=0)
    learning_rate: float = option(5e-4, "Peak learning rate.", panel=TRAINING_PANEL, minimum=0)
    batch_size: int = option(0, "Graphs a step; 0 means by --tokens-per-step.", panel=TRAINING_PANEL, minimum=0)
    tokens_per_step: int = option(
        1024, "Tokens a step, each graph's prompt counted once.", panel=TRAINING_PANEL, minimum=1
    )
    prompt_sharing: Literal["auto", "always", "never"] = option(
        "auto",
        "Encode a prompt once for several nodes; the losses stay the same. auto: where that is cheaper.",
        panel=TRAINING_PANEL,
        identity=False,
    )
    tokens_per_pass: int = option(
        2048,
        "Tokens encoded at once, which bounds memory; a graph with more is encoded in several passes, "
        "but differentiated whole.",
        panel=TRAINING_PANEL,
        identity=False,
        minimum=1,
    )
    attention: Literal["sdpa", "flex_attention"] = option(
        "sdpa",
        "How attention is computed; flex_attention (GPU) skips what nobody sees in shared prompts.",
        panel=TRAINING_PANEL,
        identity=False,
    )
    warmup_ratio: float = option(
        0.1, "Share of the steps that warm the learning rate up.", panel=TRAINING_PANEL, minimum=0
    )
    max_length: int = option(
        1024,
        "Longest prompt plus node, in tokens; longer nodes are dropped and counted.",
        panel=TRAINING_PANEL,
        minimum=2,
    )
    on_overflow: Literal["drop", "fail"] = option(
        "drop",
        "Nodes longer than --max-length: leave them out, or stop before training.",
        panel=TRAINING_PANEL,
        identity=False,
    )
    max_steps: int = option(0, "Stop after N steps; 0 means by --epochs.", panel=TRAINING_PANEL, minimum=0)
    weight: tuple[str, ...] = option(
        (), "OBJECTIVE=WEIGHT, such as margin=0.2, or flip=0.5 (else 0); may be repeated.", panel=TRAINING_PANEL
    )
    margin: float = option(1.0, "Distance the margin objective asks for.", panel=TRAINING_PANEL, minimum=0)
    pairs: Literal["all", "reference"] = option(
        "all",
        "What the margin objective compares: all correct with all incorrect nodes, or the released code's pairs.",
        panel=TRAINING_PANEL,
    )
    gnn: Literal["gcn", "sage", "gat"] = option("gcn", "Layers of the graph encoder.", panel=TRAINING_PANEL)
    graph_features: Literal["live", "frozen", "shuffled", "reversed", "none"] = option(
        "live",
        "What the graph encoder reads: live node features, which train the student, or the released code's frozen "
        "ones, which cannot; or live ones with the edges shuffled, reversed or left out.",
        panel=TRAINING_PANEL,
    )
    recipe: Literal["magdi", "reference"] = option(
        "magdi",
        "reference: the released code's LoRA targets, learning rate, epochs, batch and pairs, where you set none.",
        panel=TRAINING_PANEL,
    )
    resume: Literal["auto", "never"] = option(
        "auto", "Continue from the newest checkpoint.", panel=TRAINING_PANEL, identity=False
    )
    dtype: Literal["auto", "bf16", "fp16", "fp32"] = option(
        "auto", "Number type of the base model; auto: the fastest that the device computes in.", panel=TRAINING_PANEL
    )
    gradient_checkpointing: Literal["auto", "on", "off"] = option(
        "auto",
        "Compute activations twice rather than keep them; auto: from 1 billion parameters on.",
        panel=TRAINING_PANEL,
        identity=False,
    )
    report_to: tuple[str, ...] = option(
        (),
        "Also send every step to tensorboard, wandb, trackio or mlflow; comma-separated or repeated.",
        panel=TRAINING_PANEL,
        identity=False,
    )
    validation: Path | None = option(
        None,
        "Graphs to judge the student by, or none; default: the validation.jsonl beside each graphs.jsonl.",
        panel=VALIDATION_PANEL,
        identity=False,
    )
    eval_every: float = option(
        0.1, "Steps between two looks at them; below 1, a share of all steps.", panel=VALIDATION_PANEL, minimum=0
    )
    select: Literal["auto", "loss", "accuracy", "last"] = option(
        "auto",
        "Keep the step with the best validation loss or answer accuracy, or the last; "
        "auto: by loss where there is validation.",
        panel=VALIDATION_PANEL,
    )
    patience: int = option(
        0, "Stop after N looks without a better one; 0: never early.", panel=VALIDATION_PANEL, minimum=0
    )
    lora_r: int = option(16, "Rank of the adapter.", panel=LORA_PANEL, minimum=1)
    lora_alpha: int = option(32, "Scale of the adapter.", panel=LORA_PANEL, minimum=1)
    lora_dropout: float = option(0.05, "Dropout of the adapter.", panel=LORA_PANEL, minimum=0)
    lora_targets: str = option("all-linear", "all-linear, or module names, comma-separated.", panel=LORA_PANEL)
    quantize: Literal["none", "8bit", "4bit"] = option(
        "none", "Hold the frozen base in 8 or 4 bits (bitsandbytes); the adapter stays exact.", panel=LORA_PANEL
    )
    launch: Literal["none", "accelerate"] = option(
        "none", "Start as several processes, by accelerate.", panel=DEVICES_PANEL, identity=False
    )
    accelerate_config: str | None = option(
        None,
        "ddp, fsdp, zero2, zero3, or a file of 'accelerate config'; default: accelerate's own file, else ddp.",
        panel=DEVICES_PANEL,
        identity=False,
    )
    processes: int = option(
        0, "Processes in all; 0 means one a GPU, or as the file says.", panel=DEVICES_PANEL, identity=False, minimum=0
    )
    print_launch: bool = option(
        False, "Only print the command that starts the processes.", panel=DEVICES_PANEL, identity=False
    )
    dry_run: bool = option(
        False,
        "Say what would be trained: data, steps, tokens, parameters, memory, labels. No weights, nothing written.",
        panel=LOOK_PANEL,
        identity=False,
    )
    check_gradients: bool = option(
        False,
        "Say which objective trains which part, by the first step's gradients; code 7 where one does not reach the "
        "student. Nothing is trained or written.",
        panel=LOOK_PANEL,
        identity=False,
    )

    @property
    def writes(self) -> bool:
        """Whether a student is trained."""
        return not (self.dry_run or self.check_gradients)
