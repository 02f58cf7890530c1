"""vLLM for real: a model and an adapter on it, started, asked and stopped."""

import asyncio
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from magdi_cli.core.errors import EnvironmentProblem, UnknownName
from magdi_cli.core.protocols import Completion, Reply, Request
from magdi_cli.engines.api import open_api
from magdi_cli.engines.local_server import open_local
from magdi_cli.engines.vllm import VllmEngine, open_vllm
from magdi_cli.engines.weights import ResolvedModel
from tests.engines.requests import ask
from tests.engines.test_guard import alive
from tests.engines.test_hf import completions, texts
from tests.reports import Heard

# vLLM warns about itself as it is imported
pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore")]
pytest.importorskip("vllm")

QUESTIONS = ["one", "a longer question", "why is that?"]


def from_vllm(model: str, *requests: Request, adapter: Path | None = None) -> list[Completion]:
    """What vLLM says to requests made all at once."""

    async def converse() -> list[Completion]:
        async with open_vllm(model, adapter=adapter, seed=0, max_tokens=16) as engine:
            return await asyncio.gather(*(engine.generate(request) for request in requests))

    return asyncio.run(converse())


def engines_left() -> list[int]:
    """Processes that this one has started for vLLM and that still run."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "VLLM|api_server|guard"], capture_output=True, text=True, check=False
    )
    return [pid for pid in map(int, found.stdout.split()) if alive(pid)]


def agreeing(found: list[Completion], others: list[Completion]) -> float:
    """The share of replies that are the same, but for the broken letters that the two decode differently."""
    pairs = zip(texts(found), texts(others), strict=True)
    same = [one.replace("\ufffd", "") == other.replace("\ufffd", "") for (one,), (other,) in pairs]
    return sum(same) / len(same)


@pytest.mark.parametrize("adapted", [False, True])
def test_vllm_and_transformers_say_the_same_with_and_without_an_adapter(
    tiny: str, adapter: Path, adapted: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    requests = [ask(f"question number {number}" * (1 + number % 3), max_tokens=2) for number in range(30)]
    used, other = (adapter, None) if adapted else (None, adapter)

    *greedy, sampled, too_long = from_vllm(
        tiny, *requests, ask("sample", n=3, temperature=1.0, max_tokens=5), ask("x" * 3000), adapter=used
    )
    said = capfd.readouterr()

    reference = completions(tiny, *requests, adapter=used)
    # vLLM rounds more coarsely, and these models waver
    assert agreeing(greedy, reference) >= 0.7
    assert agreeing(greedy, completions(tiny, *requests, adapter=other)) <= 0.3
    assert [c.usage.prompt_tokens for c in greedy] == [c.usage.prompt_tokens for c in reference]
    assert len(sampled.replies) == 3
    assert too_long.error is not None
    assert "context of 2048" in too_long.error
    assert said.out == ""
    assert engines_left() == []


def test_settings_arrive_and_win_over_magdis_own(tiny: str) -> None:
    async def converse() -> tuple[Any, int, Reply]:
        settings = {"max_num_seqs": 3, "max_model_len": 128, "enable_prefix_caching": False}
        async with open_vllm(tiny, adapter=None, seed=0, settings=settings) as opened:
            engine = cast(VllmEngine, opened)
            completion = await engine.generate(ask("one", max_tokens=5))
            return engine.llm.vllm_config, engine.context, completion.replies[0]

    config, context, reply = asyncio.run(converse())

    assert (config.scheduler_config.max_num_seqs, context) == (3, 128)
    assert config.cache_config.enable_prefix_caching is False
    assert reply.truncated is (reply.completion_tokens == 5)


def test_a_setting_that_vllm_does_not_know_is_refused(tiny: str) -> None:
    async def start() -> None:
        async with open_vllm(tiny, adapter=None, seed=0, settings={"max_num_seq": 3}):
            raise AssertionError

    with pytest.raises(UnknownName, match="close: max_num_seqs"):
        asyncio.run(start())


def test_a_folder_without_weights_is_said_to_be_no_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')

    with pytest.raises(EnvironmentProblem, match="vLLM cannot run"):
        from_vllm(str(tmp_path), ask())


def test_a_local_teacher_is_served_and_its_server_stopped(tiny: str) -> None:
    report = Heard()

    async def converse() -> list[Completion]:
        model = ResolvedModel(path=tiny, hub_id="owner/tiny")
        async with open_local(model, partial(open_api, timeout=60), seed=0, share=1.0, report=report) as engine:
            assert engine.model == "local:owner/tiny#0"
            return await asyncio.gather(*(engine.generate(ask(question, max_tokens=8)) for question in QUESTIONS))

    found = asyncio.run(converse())

    assert all(completion.error is None for completion in found)
    assert found[0].usage.cost_usd == 0.0
    assert report.notes == ["starting a vLLM server for tiny"]
    assert engines_left() == []
