"""What a training needs of the device's memory, estimated from the model's shape and the largest batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log1p
from types import MappingProxyType

import torch
from peft.tuners.lora import LoraLayer
from torch import nn

from magdi_cli.distill.encoding.attention import FLEX
from magdi_cli.distill.encoding.batches import Batch
from magdi_cli.distill.encoding.rows import Rows
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.student.token_losses import CHUNK

TRAINED_BYTES = 16
"""A trained parameter in float32: itself, its gradient, and AdamW's two moments."""
LOGIT_BYTES = 12
"""A logit in float32, its log-probability, and its gradient."""
NORM_BYTES = 4
"""Normalisation keeps float32, whatever the model computes in."""
INDEX_BYTES = 8
QUANTISED: Mapping[str, float] = MappingProxyType({"8bit": 1.0, "4bit": 0.516})
"""Bytes of a weight of the base's linear layers; 4bit is NF4 with double quantisation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryPart:
    """One summand, with its formula in numbers."""

    what: str
    formula: str
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What of a model decides how much a token's activations take."""

    layers: int
    hidden: int
    intermediate: int
    attention: int
    """All query heads side by side."""
    vocabulary: int
    inputs: int
    """Widths of what a layer's adapted modules read and keep, summed."""
    ranks: int
    """Their ranks, summed."""
    checkpointed: bool
    """Whether a layer's activations are recomputed, so that only one layer's exist."""
    width: int
    """Bytes of a number that the model computes with."""
    dropout_bytes: float
    """What dropout remembers of one input: on a CPU the dropped ones' indices, else a mask."""
    masked: bool
    """Whether each layer keeps an attention mask of its own."""


class Estimate:
    """The peak of a training in torch's tensors, summand by summand.

    Against torch's own account of a CPU's peak, on StrategyQA graphs with prompts apart and shared: 0.1 to
    3.8 % too high for SmolLM2-135M (bfloat16 and float32; all-linear and q_proj,v_proj; with dropout and
    without), 2.1 % too low to 0.9 % too high for a two-layer Llama. It was not measured on a GPU. It counts
    tensors: a process on a CPU holds 0.6 GB of libraries besides, and 1.3 to 1.7 times the tensors where the
    C library keeps pieces of what was freed.
    Made for decoders of Llama's kind: other attention or feed-forward blocks keep more or less.
    """

    def __init__(self, student: Student, device: torch.device, *, quantize: str = "none") -> None:
        self._student, self._quantize = student, quantize
        self._shape = _shape(student, device)

    def of_batch(self, batch: Batch) -> tuple[MemoryPart, ...]:
        """What exists only while the batch is encoded and differentiated."""
        return tuple(summand(self._shape, batch) for summand in (_activations, _masks, _logits))

    def batch_bytes(self, batch: Batch) -> int:
        """The same in all."""
        return sum(part.bytes for part in self.of_batch(batch))

    def of_weights(self) -> tuple[MemoryPart, ...]:
        """What is there all the time."""
        trained = sum(p.numel() for p in self._student.trainable().values())
        return (
            self._base(),
            MemoryPart(
                what="adapter and heads",
                formula=f"{trained:,} parameters x {TRAINED_BYTES} (float32, gradient, AdamW's two moments)",
                bytes=trained * TRAINED_BYTES,
            ),
        )

    def _base(self) -> MemoryPart:
        base, width = (
            sum(p.numel() for p in self._student.backbone.parameters() if not p.requires_grad),
            self._shape.width,
        )
        if self._quantize not in QUANTISED:
            return MemoryPart(what="frozen base", formula=f"{base:,} parameters x {width}", bytes=base * width)
        linear, short = _linear_weights(self._student), QUANTISED[self._quantize]
        return MemoryPart(
            what=f"frozen base, {self._quantize}",
            formula=f"{linear:,} linear weights x {short} + {base - linear:,} others x {width}",
            bytes=round(linear * short) + (base - linear) * width,
        )


def _activations(shape: Shape, batch: Batch) -> MemoryPart:
    kept = shape.inputs + shape.ranks + 3 * shape.intermediate + 4 * shape.attention
    dropped = round(shape.dropout_bytes * shape.inputs)
    layer = shape.width * kept + NORM_BYTES * 2 * shape.hidden + dropped
    formula = (
        f"({shape.width} x ({shape.inputs:,} LoRA inputs + {shape.ranks} LoRA ranks + 3 x {shape.intermediate:,} "
        f"intermediate + 4 x {shape.attention:,} attention) + {NORM_BYTES} x 2 x {shape.hidden:,} hidden "
        f"+ {dropped:,} dropout)"
    )
    if not shape.checkpointed:
        return MemoryPart(
            what="activations",
            formula=f"{batch.area:,} tokens x {shape.layers} layers x {formula}",
            bytes=batch.area * shape.layers * layer,
        )
    kept_hidden = f"{shape.layers} layers x {shape.width} x {shape.hidden:,} hidden"
    return MemoryPart(
        what="activations, recomputed",
        formula=f"{batch.area:,} tokens x ({kept_hidden} + {formula})",
        bytes=batch.area * (shape.layers * shape.width * shape.hidden + layer),
    )


def _masks(shape: Shape, batch: Batch) -> MemoryPart:
    pairs = sum(rows.input_ids.numel() * rows.input_ids.shape[1] for rows in batch.rows if _needs_mask(rows))
    layers = (1 if shape.checkpointed else shape.layers) if shape.masked else 0
    return MemoryPart(
        what="attention masks",
        formula=f"{pairs:,} pairs of tokens x {layers} layers x {shape.width}",
        bytes=pairs * layers * shape.width,
    )


def _needs_mask(rows: Rows) -> bool:
    """Whether causal attention alone would let a token see what it should not."""
    return bool(rows.shared or not rows.tokens.all())


def _logits(shape: Shape, batch: Batch) -> MemoryPart:
    positions = min(CHUNK, sum(len(rows.learned[0]) for rows in batch.rows))
    return MemoryPart(
        what="logits",
        formula=f"{positions} positions at a time x {shape.vocabulary:,} vocabulary x {LOGIT_BYTES}",
        bytes=positions * shape.vocabulary * LOGIT_BYTES,
    )


def _shape(student: Student, device: torch.device) -> Shape:
    causal = student.backbone.get_base_model()
    config, lora = causal.config.get_text_config(), student.backbone.peft_config["default"]
    layers: int = config.num_hidden_layers
    adapted = [module for module in student.backbone.modules() if isinstance(module, LoraLayer)]
    heads = config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Shape(
        layers=layers,
        hidden=config.hidden_size,
        intermediate=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
        attention=heads * head_size,
        vocabulary=config.vocab_size,
        inputs=sum(_inputs(student.backbone, apart=lora.lora_dropout > 0)) // layers,
        ranks=len(adapted) * lora.r // layers,
        checkpointed=bool(causal.is_gradient_checkpointing),
        width=student.backbone.dtype.itemsize,
        dropout_bytes=_dropout_bytes(lora.lora_dropout, device),
        masked=causal.config._attn_implementation != FLEX,
    )


def _dropout_bytes(share: float, device: torch.device) -> float:
    if not 0 < share < 1:
        return 0.0
    return -INDEX_BYTES * log1p(-share) if device.type == "cpu" else 1.0


def _linear_weights(student: Student) -> int:
    """The weights that are held in fewer bits: those of the base's linear layers, but not the vocabulary's."""
    causal = student.backbone.get_base_model()
    linear = [module for module in causal.modules() if isinstance(module, nn.Linear)]
    head = causal.get_output_embeddings()
    return sum(m.weight.numel() for m in linear if m is not head and not m.weight.requires_grad)


def _inputs(backbone: nn.Module, *, apart: bool) -> Iterator[int]:
    """The width of each input that the adapted modules keep.

    Each drops out of its own copy, where there is dropout. Else those of one block read the same, but
    for its last projection, which reads what the block has made of it.
    """
    for block in backbone.modules():
        linear = [module for module in block.children() if isinstance(module, nn.Linear | LoraLayer)]
        adapted = [(module, module is linear[-1]) for module in linear if isinstance(module, LoraLayer)]
        if apart:
            yield from (module.in_features for module, _ in adapted)
        else:
            yield from (width for width, _ in {(module.in_features, last) for module, last in adapted})
