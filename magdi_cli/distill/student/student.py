"""The student: a causal language model with LoRA, and its heads over one live encoding of each text."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from peft import PeftModel
from peft.helpers import disable_input_dtype_casting
from torch import Tensor, nn

from magdi_cli.distill.encoding.attention import attention_mask
from magdi_cli.distill.encoding.batches import Batch
from magdi_cli.distill.encoding.rows import Rows
from magdi_cli.distill.lessons.ablations import GRAPH_FEATURES
from magdi_cli.distill.student.encoder import FlipHead, GraphEncoder
from magdi_cli.distill.student.objectives import Objective, Term
from magdi_cli.distill.student.pooling import pool
from magdi_cli.distill.student.token_losses import token_losses

ADAPTER = "backbone"
"""The part whose trainable parameters are the adapter's; all others are heads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A batch as the objectives see it."""

    terms: Mapping[str, Term]
    states: tuple[Tensor, ...]
    """The last hidden states of each of the batch's `rows`, which all terms were computed from."""


class Student(nn.Module):
    """Backbone, adapter, score head, graph encoder and flip head; only the first is frozen."""

    def __init__(self, backbone: PeftModel, *, gnn: str = "gcn", graph_features: str = "live") -> None:
        super().__init__()
        hidden_size: int = backbone.config.get_text_config().hidden_size
        self.backbone = backbone
        # what wrappers that shard a model take as a unit
        self._no_split_modules = backbone.get_base_model()._no_split_modules
        self.graph_features = GRAPH_FEATURES[graph_features]
        self.score_head = nn.Sequential(
            nn.Linear(hidden_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, 1), nn.Tanh()
        )
        self.graph_encoder = GraphEncoder(hidden_size, gnn=gnn)
        self.flip_head = FlipHead(self.graph_encoder.width)

    def train_only(self, parts: Collection[str]) -> None:
        """Freeze every head but these; what no objective reads has no gradient to wait for, and is not kept."""
        for part in set(self.parts()) - {ADAPTER, *parts}:
            getattr(self, part).requires_grad_(False)

    def forward(self, batch: Batch, objectives: Mapping[str, Objective]) -> Judged:
        """Every text of the batch encoded once, and each objective's term.

        All of the student's weights are used in here, where wrappers that shard them expect it.
        """
        outputs = self.read(batch)
        terms = {name: objective.term(outputs, batch) for name, objective in objectives.items()}
        return Judged(terms=terms, states=outputs.states)

    def read(self, batch: Batch) -> "StudentOutputs":
        """The batch encoded; what objectives read is computed when they read it."""
        return StudentOutputs(student=self, batch=batch, states=tuple(self.encode(rows) for rows in batch.rows))

    def encode(self, rows: Rows) -> Tensor:
        """The last hidden states, as the vocabulary projection gets them, `[R, T, H]`."""
        causal = self.backbone.get_base_model()
        with self.number_type(rows.input_ids.device.type):
            encoded = causal.base_model(
                input_ids=rows.input_ids,
                attention_mask=attention_mask(rows, causal.config._attn_implementation),
                position_ids=rows.positions,
                use_cache=False,
            )
        states: Tensor = encoded.last_hidden_state
        return states

    @contextmanager
    def number_type(self, device: str) -> Iterator[None]:
        """Let the float32 adapter compute in the base's own type: by itself PEFT widens every input first."""
        dtype = self.backbone.dtype
        with disable_input_dtype_casting(self.backbone), torch.autocast(device, dtype, dtype != torch.float32):
            yield

    def vectors(self, batch: Batch, states: Sequence[Tensor]) -> Tensor:
        """Each node's vector: its completion's states, pooled, `[N, H]`."""
        pooled = [pool(part, rows.members).flatten(0, 1) for part, rows in zip(states, batch.rows, strict=True)]
        return torch.cat(pooled)[batch.node_texts]

    @torch.no_grad()
    def frozen_vectors(self, batch: Batch) -> Tensor:
        """The same vectors as the model without its adapter makes them, cut off from training."""
        training = self.backbone.training
        self.backbone.eval()
        with self.backbone.disable_adapter():
            vectors = self.vectors(batch, [self.encode(rows) for rows in batch.rows])
        self.backbone.train(training)
        return vectors

    def project(self, states: Tensor) -> Tensor:
        """Vocabulary logits."""
        causal = self.backbone.get_base_model()
        logits: Tensor = causal.get_output_embeddings()(states)
        cap = getattr(causal.config.get_text_config(), "final_logit_softcapping", None)
        return cap * torch.tanh(logits / cap) if cap else logits

    def trainable(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by name: the adapter's and the heads'."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}

    def parts(self) -> dict[str, dict[str, nn.Parameter]]:
        """The trainable parameters by part: `backbone`, `score_head`, `graph_encoder`, `flip_head`."""
        parts: dict[str, dict[str, nn.Parameter]] = {}
        for name, parameter in self.trainable().items():
            parts.setdefault(name.partition(".")[0], {})[name] = parameter
        return parts


@dataclass(frozen=True, kw_only=True)
class StudentOutputs:
    """What the student says about a batch; each part is computed when it is first read."""

    student: Student
    batch: Batch
    states: tuple[Tensor, ...]
    """The last hidden states of each of the batch's `rows`."""

    @cached_property
    def vectors(self) -> Tensor:
        """Live node vectors, `[N, H]`."""
        return self.student.vectors(self.batch, self.states)

    @cached_property
    def learned(self) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
        """For each of `rows`: the states `[k, H]` to predict from, the tokens `[k]`, their weights `[k]`."""
        return tuple(
            (states[row, source], rows.input_ids[row, column], weight)
            for states, rows in zip(self.states, self.batch.rows, strict=True)
            for row, source, column, weight in (rows.learned,)
        )

    @cached_property
    def token_losses(self) -> Tensor:
        """Negative log-likelihood of each target token, `[K]`."""
        states, tokens, _ = zip(*self.learned, strict=True)
        return token_losses(torch.cat(states), torch.cat(tokens), self.student.project)

    @cached_property
    def token_weights(self) -> Tensor:
        """How many target nodes each target token belongs to, `[K]`."""
        return torch.cat([weights for _, _, weights in self.learned])

    @cached_property
    def scores(self) -> Tensor:
        """How good each node looks to the student, -1 to 1, `[N]`."""
        scores: Tensor = self.student.score_head(self.vectors).squeeze(-1)
        return scores

    @cached_property
    def graph_states(self) -> Tensor:
        """What each node and those it heard come to, `[N, W]`."""
        live = self.student.graph_features.live
        vectors = self.vectors if live else self.student.frozen_vectors(self.batch)
        return self.student.graph_encoder.mixed(vectors, self.batch.edges)

    @cached_property
    def node_logits(self) -> Tensor:
        """Logits of "incorrect" and "correct" for each node, `[N, 2]`."""
        return self.student.graph_encoder.classified(self.graph_states, self.batch.edges)

    @cached_property
    def flip_logits(self) -> Tensor:
        """Logits of "keep", "fix" and "break" for each flip, `[F, 3]`."""
        logits: Tensor = self.student.flip_head(self.graph_states, self.batch.flips)
        return logits
