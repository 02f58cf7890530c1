"""Batches of prompts through a transformers model; synchronous, for one thread."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.core.protocols import Completion, Reply, Sampling
from magdi_cli.core.usage import Usage
from magdi_cli.engines.bars import without_bars
from magdi_cli.engines.chat import reply_to


@dataclass(frozen=True, kw_only=True, slots=True)
class Generator:
    """A model with its tokenizer, ready to generate."""

    model: Any
    tokenizer: Any
    context: int
    """Tokens that prompt and reply share."""

    def complete(
        self, prompts: Sequence[list[int]], sampling: Sampling, *, max_new_tokens: int, seed: int
    ) -> list[Completion]:
        """The completions of prompts drawn with one sampling; the batch's seconds are shared out evenly."""
        started = time.monotonic()
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(seed)
            generated = self._generate(prompts, self._settings(sampling, max_new_tokens))
        seconds = (time.monotonic() - started) / len(prompts)
        rows = generated.tolist()
        return [
            self._completion(prompt, rows[start : start + sampling.n], seconds)
            for start, prompt in zip(range(0, len(rows), sampling.n), prompts, strict=True)
        ]

    def _generate(self, prompts: Sequence[list[int]], settings: GenerationConfig) -> torch.Tensor:
        longest = max(len(prompt) for prompt in prompts)
        # padded on the left, so that every reply begins where its prompt ends
        padding = [[0] * (longest - len(prompt)) for prompt in prompts]
        device = self.model.device
        tokens = torch.tensor([pad + prompt for pad, prompt in zip(padding, prompts, strict=True)], device=device)
        mask = torch.tensor([pad + [1] * len(prompt) for pad, prompt in zip(padding, prompts, strict=True)])
        output: torch.Tensor = self.model.generate(
            input_ids=tokens, attention_mask=mask.to(device), generation_config=settings
        )
        return output[:, longest:]

    def _settings(self, sampling: Sampling, max_new_tokens: int) -> GenerationConfig:
        # all of the model's own sampling habits are left out, as in every other engine
        greedy = sampling.temperature == 0
        draw = {} if greedy else {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        return GenerationConfig(
            do_sample=not greedy,
            num_return_sequences=sampling.n,
            max_new_tokens=max_new_tokens,
            eos_token_id=sorted(self._stops()),
            pad_token_id=min(self._stops()),
            **draw,
        )

    def _stops(self) -> set[int]:
        """The tokens that end a reply."""
        own = self.model.generation_config.eos_token_id
        ids = own if isinstance(own, list) else [own, self.tokenizer.eos_token_id]
        return {token for token in ids if token is not None}

    def _completion(self, prompt: list[int], rows: list[list[int]], seconds: float) -> Completion:
        replies = tuple(self._reply(prompt, row) for row in rows)
        usage = Usage(
            calls=1,
            prompt_tokens=len(prompt),
            completion_tokens=sum(reply.completion_tokens for reply in replies),
            seconds=seconds,
        )
        return Completion(replies=replies, usage=usage)

    def _reply(self, prompt: list[int], row: list[int]) -> Reply:
        """The reply up to and with its end token; what follows is padding."""
        stops = self._stops()
        end = next((position + 1 for position, token in enumerate(row) if token in stops), None)
        text: str = self.tokenizer.decode(row[:end], skip_special_tokens=True)
        return reply_to(prompt, self.tokenizer, text, len(row[:end]), truncated=end is None)


def load_generator(model_folder: str, adapter: Path | None) -> Generator:
    """The model on the best device there is: bfloat16 on a GPU, float32 on a CPU."""
    on_gpu = torch.cuda.is_available()
    try:
        with without_bars():
            tokenizer = AutoTokenizer.from_pretrained(model_folder)
            model = AutoModelForCausalLM.from_pretrained(
                model_folder, dtype=torch.bfloat16 if on_gpu else torch.float32
            )
            if adapter is not None:
                from peft import PeftModel

                model = PeftModel.from_pretrained(model, str(adapter))
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(f"transformers cannot load {adapter or model_folder}: {error}") from error
    model = model.to("cuda" if on_gpu else "cpu").eval()
    context = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    return Generator(model=model, tokenizer=tokenizer, context=int(context))
