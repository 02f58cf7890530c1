"""One way to train on some graphs, timed in a process of its own: `python -m tests.benchmarks.lessons WAY GRAPHS ...`.

Prints a JSON object: seconds and tokens of a pass forward and backward over all graphs, texts encoded, peak memory.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import LEVELS
from magdi_cli.core.records import read_records
from magdi_cli.distill.encoding.batches import Item, Layout, batches_of, tokenize
from magdi_cli.distill.encoding.rows import laid_out
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.student.loading import device_for, load_student, load_tokenizer, number_type
from magdi_cli.distill.student.objectives import objectives
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.step import accumulate_gradients
from magdi_cli.engines.weights import resolve_model

GRAPHS_A_STEP = 2
WEIGHTS = {"next-token": 1.0, "margin": 0.1, "node": 1.0}
Pass = Callable[[], tuple[int, int]]
"""Goes over all graphs once; tokens and texts that were encoded."""


def steps(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    ordered = sorted(items, key=lambda item: item.length)
    return (ordered[start : start + GRAPHS_A_STEP] for start in range(0, len(ordered), GRAPHS_A_STEP))


def ours(sharing: Any) -> Callable[[Student, Sequence[Item]], Pass]:
    """All three objectives over one encoding of each text, as `magdi distill` does it."""

    def way(student: Student, items: Sequence[Item]) -> Pass:
        known = {name: objective for name, objective in objectives(margin=1.0).items() if name in WEIGHTS}
        layout = Layout(pad_id=0, sharing=sharing)

        def once() -> tuple[int, int]:
            done = [accumulate_gradients(student, batches_of(s, layout), known, WEIGHTS) for s in steps(items)]
            return sum(m.tokens for m in done), sum(m.texts for m in done)

        return once

    return way


def bare(student: Student, items: Sequence[Item]) -> Pass:
    """PEFT alone on the same rows: next-token loss of correct nodes with the model's own full logits."""
    layout = Layout(pad_id=0, sharing="never")

    def once() -> tuple[int, int]:
        tokens = texts = 0
        for step in steps(items):
            for rows in (rows for batch in batches_of(step, layout) for rows in batch.rows):
                labels = rows.input_ids.where((rows.segments == 1) & (rows.target_nodes > 0), -100)
                if (labels < 0).all():
                    labels = rows.input_ids
                mask = rows.tokens.long()
                student.backbone(input_ids=rows.input_ids, attention_mask=mask, labels=labels).loss.backward()
                tokens, texts = tokens + int(mask.sum()), texts + len(mask)
        return tokens, texts

    return once


def pairwise(student: Student, items: Sequence[Item]) -> Pass:
    """Two whole forward passes a pair, full logits in both; the fewer of correct and incorrect nodes repeated."""

    def encoded(texts: Sequence[tuple[Any, Any]], *, learn: bool) -> tuple[Tensor, Tensor, int]:
        rows = laid_out([(prompt, (tokens,)) for prompt, tokens in texts], pad_id=0, targets={})
        mask = rows.tokens.long()
        out = student.backbone(input_ids=rows.input_ids, attention_mask=mask, output_hidden_states=True)
        weights = mask.cumsum(dim=1) * mask
        vectors = (out.hidden_states[-1].float() * (weights / weights.sum(dim=1, keepdim=True)).unsqueeze(2)).sum(dim=1)
        labels = rows.input_ids.where(rows.segments == 1, -100)[:, 1:]
        logits = out.logits[:, :-1].float().flatten(0, 1)
        loss = F.cross_entropy(logits, labels.flatten()) if learn else logits.new_zeros(())
        return loss, student.score_head(vectors), int(mask.sum())

    def once() -> tuple[int, int]:
        tokens = texts = 0
        for item in items:
            correct = [c for c, right in zip(item.completions, item.example.correct, strict=True) if right]
            wrong = [c for c, right in zip(item.completions, item.example.correct, strict=True) if not right]
            if not correct:
                continue
            count = max(len(correct), len(wrong))
            chosen = [(item.prompt, correct[n % len(correct)]) for n in range(count)]
            rejected = [(item.prompt, wrong[n % len(wrong)]) for n in range(count)] if wrong else []
            loss, scores, read = encoded(chosen, learn=True)
            if rejected:
                _, low, more = encoded(rejected, learn=False)
                loss = loss + 0.1 * F.relu(1 - scores + low).mean()
                read += more
            loss.backward()
            tokens, texts = tokens + read, texts + len(chosen) + len(rejected)
        return tokens, texts

    return once


WAYS: dict[str, Callable[[Student, Sequence[Item]], Pass]] = {
    "apart": ours("never"),
    "shared": ours("auto"),
    "all shared": ours("always"),
    "bare": bare,
    "pairwise": pairwise,
}


def main(way: str, source: str, graphs: str, prompt: str) -> None:
    model = resolve_model("smollm2-135m")
    tokenizer = load_tokenizer(model)
    torch.manual_seed(0)
    student = load_student(model, DistillConfig(), dtype=number_type(device_for(), "auto")[0])
    read = [g for g in read_records(Path(source), InteractionGraph) if len(g.nodes) >= 6]
    examples = [example_from(graph, LEVELS["graph"], teacher=None) for graph in read[: int(graphs)]]
    items = [tokenize(example, tokenizer) for example in examples if example]
    if int(prompt):
        items = [replace(i, prompt=(i.prompt * (int(prompt) // len(i.prompt) + 1))[: int(prompt)]) for i in items]
    student.train()
    WAYS[way](student, items[:1])()
    student.zero_grad()
    run = WAYS[way](student, items)
    started = time.perf_counter()
    tokens, texts = run()
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "tokens": tokens, "texts": texts, "peak_bytes": memory}))


if __name__ == "__main__":
    main(*sys.argv[1:])
