"""vLLM alone answers problems, timed in a process of its own: `python -m tests.benchmarks.answers DATA LIMIT N ...`.

Prints a JSON object: seconds and tokens of one call of `LLM.generate`, and the seconds until it could be called.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from magdi_cli.engines.chat import render_chat
from magdi_cli.engines.vllm_settings import set_environment
from magdi_cli.engines.weights import resolve_model
from magdi_cli.tasks.loading import load_problems
from magdi_cli.tasks.prompts import student_messages

STUDENT = "smollm2-135m"
RANK = 16


def adapter_for(model: str, folder: str) -> None:
    """Write an adapter on all linear layers that changes nothing; its numbers cost what any others would."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(model), config).save_pretrained(folder)


def answer(prompts: Any, model: str, *, n: int, max_tokens: int, adapter: str | None) -> dict[str, float]:
    """What it took to draw `n` samples a prompt."""
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    started = time.perf_counter()
    lora = {"enable_lora": True, "max_loras": 1, "max_lora_rank": RANK} if adapter else {}
    llm = LLM(model=model, seed=0, enable_prefix_caching=True, enforce_eager=True, max_model_len=-1, **lora)
    ready = time.perf_counter()
    outputs = llm.generate(
        [{"prompt_token_ids": prompt} for prompt in prompts(llm.get_tokenizer())],
        SamplingParams(n=n, temperature=0.7 if n > 1 else 0.0, max_tokens=max_tokens),
        lora_request=LoRARequest("adapter", 1, adapter) if adapter else None,
        use_tqdm=False,
    )
    done = time.perf_counter()
    # left to the interpreter's end, it would wait for its own child for ever
    llm.llm_engine.engine_core.shutdown()
    tokens = sum(len(one.token_ids) for output in outputs for one in output.outputs)
    return {"seconds": done - ready, "start_seconds": ready - started, "tokens": tokens}


def main(data: str, limit: str, n: str, max_tokens: str, way: str) -> None:
    set_environment()
    problems = list(load_problems("gsm8k", "test", data_dir=Path(data), limit=int(limit)))
    model = resolve_model(STUDENT).path

    def prompts(tokenizer: Any) -> list[list[int]]:
        return [render_chat(tokenizer, student_messages(problem)) for problem in problems]

    with TemporaryDirectory() as folder:
        if way == "adapter":
            adapter_for(model, folder)
        adapter = folder if way == "adapter" else None
        print(json.dumps(answer(prompts, model, n=int(n), max_tokens=int(max_tokens), adapter=adapter)))


if __name__ == "__main__":
    main(*sys.argv[1:])
