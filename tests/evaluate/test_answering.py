"""Real answers over HTTP, from a server on loopback."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.errors import AccessProblem, DataProblem, TooManyFailures, UnknownName, UsageProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluation, Evaluations, Prediction
from magdi_cli.core.records import read_records
from magdi_cli.evaluate.stage import run
from tests.commands import MAGDI, clean, magdi
from tests.engines.servers import playing, refuses, says
from tests.loopback import Server, serving
from tests.reports import Heard


def problems_file(folder: Path, n: int = 6, name: str = "sums.jsonl", **also: str) -> Path:
    path = folder / name
    rows = [{"id": f"p{i}", "question": f"What is {i} + 1?", "answer": str(i + 1), **also} for i in range(n)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def adds(prompt: str) -> str:
    """Right for even numbers, unreadable for 3, wrong otherwise."""
    number = int(prompt.partition("What is ")[2].partition(" ")[0])
    if number == 3:
        return "I would rather not say."
    return f"So the answer is {number + 1 if number % 2 == 0 else number + 5}."


@pytest.fixture
def evaluate(tmp_path: Path) -> Callable[..., Evaluation | Evaluations]:
    def evaluate(server: Server, report: Heard | None = None, **settings: Any) -> Evaluation | Evaluations:
        settings = {"run_dir": tmp_path, "api_base": server.api_base} | settings
        return run(EvaluateConfig(**settings), report or Heard(), settings.pop("emit", lambda _: None))

    return evaluate


def test_the_only_model_of_a_server_answers_and_every_prediction_says_how_it_was_judged(
    tmp_path: Path, evaluate: Callable[..., Evaluation]
) -> None:
    with serving(adds) as server:
        evaluation = evaluate(server, problems=problems_file(tmp_path))
    assert (evaluation.subject, evaluation.task, evaluation.engine) == ("m", "sums", "api")
    assert (evaluation.n, evaluation.correct, evaluation.unanswered) == (6, 3, 1)
    stored = list(read_records(tmp_path / "evaluations/m--sums/predictions.jsonl", Prediction))
    assert [one.problem.id for one in stored] == [f"p{i}" for i in range(6)]
    assert [(one.rule, one.method) for one in stored] == [
        ("answer-is", "exact"),
        ("answer-is", "number"),
        ("answer-is", "exact"),
        (None, "no-answer"),
        ("answer-is", "exact"),
        ("answer-is", "number"),
    ]
    assert [one.samples[0].method for one in stored] == [one.method for one in stored]


def test_a_file_of_several_tasks_becomes_an_evaluation_of_each(
    tmp_path: Path, evaluate: Callable[..., Evaluations]
) -> None:
    path = tmp_path / "mixed.jsonl"
    rows = [("a", "svamp", "1"), ("b", "gsm8k", "1"), ("c", "svamp", "1")]
    path.write_text(
        "".join(json.dumps({"id": i, "task": t, "question": "What is 0 + 1?", "answer": a}) + "\n" for i, t, a in rows)
    )
    with serving(adds) as server:
        result = evaluate(server, problems=path)
    assert [(one.task, one.n, one.out_of_domain) for one in result.evaluations] == [
        ("svamp", 2, True),
        ("gsm8k", 1, False),
    ]


def test_a_finished_evaluation_asks_nobody_and_a_larger_limit_asks_for_the_rest(
    tmp_path: Path, evaluate: Callable[..., Evaluation]
) -> None:
    path = problems_file(tmp_path)
    with serving(adds) as server:
        first = evaluate(server, problems=path, limit=2)
        assert evaluate(server, problems=path, limit=2) == first
        assert len(server.prompts) == 2
        whole = evaluate(server, problems=path)
        assert len(server.prompts) == len(set(server.prompts)) == 6
        report = Heard()
        assert evaluate(server, report, problems=path, limit=1).n == 6
        assert len(server.prompts) == 6
    assert whole.n == 6
    assert "sums: 5 problems beyond these were answered before and are counted, too" in report.notes


def test_other_sampling_in_the_same_folder_is_refused(tmp_path: Path, evaluate: Callable[..., Evaluation]) -> None:
    path = problems_file(tmp_path, 1)
    with serving(adds) as server:
        evaluate(server, problems=path)
        with pytest.raises(DataProblem, match="max_tokens: 512 there, 9 here"):
            evaluate(server, problems=path, max_tokens=9)


def test_too_many_failures_keep_what_was_answered(tmp_path: Path) -> None:
    path = problems_file(tmp_path)

    def refuses_five(handler: Any) -> None:
        prompt = handler.body["messages"][-1]["content"]
        act = refuses(400, "not this one") if "What is 5" in prompt else says(adds(prompt))
        act(handler)

    with playing(refuses_five) as server:
        config = EvaluateConfig(
            run_dir=tmp_path, problems=path, engine="api", student=f"hosted_vllm/m?api_base={server.api_base}"
        )
        report = Heard()
        with pytest.raises(TooManyFailures, match="1 of 6 problems got no reply; the same command tries them again"):
            run(config, report, lambda _: None)
        assert "not this one" in report.warnings[0]
        server.acts = (says("So the answer is 6."),)
        evaluation = run(config, Heard(), lambda _: None)
    assert isinstance(evaluation, Evaluation)
    assert evaluation.n == 6
    assert 7 <= len(server.bodies) <= 12


def test_a_server_that_serves_several_models_must_be_asked_for_one(
    tmp_path: Path, evaluate: Callable[..., Evaluation]
) -> None:
    path = problems_file(tmp_path, 1)
    with serving(adds) as server:
        server.models = ["small", "large"]
        with pytest.raises(UsageProblem, match="serves small, large; name one with --student"):
            evaluate(server, problems=path)
        with pytest.raises(UnknownName, match="close: large"):
            evaluate(server, problems=path, student="larg")
        assert evaluate(server, problems=path, student="large").subject == "large"


def test_an_address_where_nobody_answers_is_told(tmp_path: Path) -> None:
    config = EvaluateConfig(run_dir=tmp_path, api_base="http://127.0.0.1:9/v1", problems=problems_file(tmp_path))
    with pytest.raises(AccessProblem, match=r"no server answers at http://127\.0\.0\.1:9/v1/models"):
        run(config, Heard(), lambda _: None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_base": "http://h/v1", "engine": "vllm"}, "--api-base is for --engine api, not vllm"),
        ({"api_base": "h:8000/v1"}, "must begin with http"),
        ({"debates": True, "rescore": True}, "leave out --rescore"),
        ({"debates": True, "student": "base"}, "leave out --student"),
        ({"engine": "api", "tensor_parallel": 2}, "are for vLLM"),
        ({"student": "a,,b"}, "has an empty name"),
        ({"task": "gsm8k,"}, "has an empty name"),
    ],
)
def test_options_that_contradict_each_other_are_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    settings = {
        "problems": None if settings.get("debates") or "task" in settings else problems_file(tmp_path)
    } | settings
    with pytest.raises(UsageProblem, match=said):
        run(EvaluateConfig(run_dir=tmp_path, **settings), Heard(), lambda _: None)


def test_a_command_killed_in_the_middle_answers_only_the_rest(tmp_path: Path) -> None:
    path = problems_file(tmp_path, 400)
    predictions = tmp_path / "runs/default/evaluations/m--sums/predictions.jsonl"
    with serving(adds, seconds=0.05) as server:
        arguments = ["evaluate", str(path), "--api-base", server.api_base]
        process = subprocess.Popen(
            [*MAGDI, *arguments], cwd=tmp_path, env=clean(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not (predictions.exists() and predictions.read_bytes().count(b"\n") >= 20):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        kept = predictions.read_bytes().count(b"\n")
        assert 20 <= kept < 400
        before = len(server.prompts)
        magdi(*arguments, "--json", cwd=tmp_path)
        asked_again = len(server.prompts) - before
    assert asked_again == 400 - kept
    assert [one.problem.id for one in read_records(predictions, Prediction)] == [f"p{i}" for i in range(400)]
