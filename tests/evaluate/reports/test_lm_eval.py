import json
from datetime import datetime
from hashlib import sha256
from math import sqrt
from pathlib import Path
from statistics import stdev
from typing import Any

import pytest

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluations, Prediction
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import decode
from magdi_cli.evaluate.baseline import read_baseline
from magdi_cli.evaluate.evaluated import Evaluated
from magdi_cli.evaluate.reports.lm_eval import write_lm_eval
from magdi_cli.tasks.prompts import student_messages
from tests.evaluate.made import prediction, some, stored

NOW = datetime(2030, 1, 2, 3, 4, 5, 678)
DATE = "2030-01-02T03-04-05.000678"

CHOICE = Problem(id="c1", task="toy", question="Which?", choices=("this", "that"), gold=Answer("B"), meta={"why": 1})


def written(tmp_path: Path, *evaluated: Evaluated) -> dict[str, Any]:
    """The results of the first subject."""
    path, *_ = write_lm_eval(tmp_path / "out", evaluated, NOW)
    results: dict[str, Any] = json.loads(path.read_text())
    return results


def samples(tmp_path: Path, subject: str = "graph", task: str = "toy") -> list[dict[str, Any]]:
    lines = (tmp_path / "out" / subject / f"samples_{task}_{DATE}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def manifested(made: Evaluated, **settings: Any) -> Evaluated:
    config = EvaluateConfig(**settings)
    artifact = Artifact(kind="evaluation", path=made.folder)
    artifact.complete(config, inputs=[], counts={}, subject="org/small-model+0a1b")
    return made


def test_a_folder_for_each_subject_with_results_and_samples_of_its_tasks(tmp_path: Path) -> None:
    two = [stored(tmp_path, some(), task=task) for task in ("toy", "arc-challenge")]
    write_lm_eval(tmp_path / "out", [*two, stored(tmp_path, some(), subject="org/base:1")], NOW)
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json*")) == [
        f"graph/results_{DATE}.json",
        f"graph/samples_arc-challenge_{DATE}.jsonl",
        f"graph/samples_toy_{DATE}.jsonl",
        f"org__base__1/results_{DATE}.json",
        f"org__base__1/samples_toy_{DATE}.jsonl",
    ]


def test_the_top_of_the_results_has_what_the_harness_writes_there(tmp_path: Path) -> None:
    assert written(tmp_path, stored(tmp_path, some())).keys() == {
        *("results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples", "config"),
        *("git_hash", "date", "task_hashes", "model_source", "model_name", "model_name_sanitized"),
        *("total_evaluation_time_seconds", "magdi"),
    }


def test_an_accuracy_is_exact_match_with_its_standard_error(tmp_path: Path) -> None:
    answers = ["4", "5", "4", None, "4"]
    (figures,) = written(tmp_path, stored(tmp_path, some(answers)))["results"].values()
    assert figures == {
        "alias": "toy",
        "exact_match,flexible": pytest.approx(3 / 5),
        "exact_match_stderr,flexible": pytest.approx(stdev(float(a == "4") for a in answers) / sqrt(5)),
    }


def test_one_problem_has_no_standard_error(tmp_path: Path) -> None:
    results = written(tmp_path, stored(tmp_path, some(["4"])))
    assert results["results"]["toy"]["exact_match_stderr,flexible"] == "N/A"


def test_votes_are_metrics_of_their_own_at_powers_of_two_and_the_last(tmp_path: Path) -> None:
    curve = tuple(i / 10 for i in range(6))
    results = written(tmp_path, stored(tmp_path, some(), self_consistency=6, maj_at=curve, pass_at=curve))
    keys = {f"{name}@{k}": (k - 1) / 10 for name in ("maj", "pass") for k in (1, 2, 4, 6)}
    figures = results["results"]["toy"]
    assert {key: figures[f"{key},flexible"] for key in keys} == keys
    assert {figures[f"{key}_stderr,flexible"] for key in keys} == {"N/A"}
    assert results["higher_is_better"]["toy"] == dict.fromkeys(["exact_match", *keys], True)
    assert results["configs"]["toy"]["repeats"] == 6


def test_the_settings_are_those_of_the_manifest(tmp_path: Path) -> None:
    made = manifested(stored(tmp_path, some(), task="gsm8k"), task="gsm8k", temperature=0.5, max_tokens=64, limit=3)
    results = written(tmp_path, made)
    sampling = {"until": [], "do_sample": True, "temperature": 0.5, "max_gen_toks": 64}
    assert results["config"]["gen_kwargs"] == results["configs"]["gsm8k"]["generation_kwargs"] == sampling
    assert results["config"]["model_args"] == "pretrained=org/small-model,peft=graph,peft_sha256=0a1b"
    assert (results["config"]["model"], results["config"]["limit"]) == ("vllm", 3)
    assert results["n-samples"] == {"gsm8k": {"original": None, "effective": 3}}
    assert results["configs"]["gsm8k"]["dataset_path"] == "openai/gsm8k"
    assert samples(tmp_path, task="gsm8k")[0]["arguments"]["gen_args_0"]["arg_1"] == sampling


def test_the_whole_split_is_counted_only_where_it_was_asked_for(tmp_path: Path) -> None:
    results = written(tmp_path, manifested(stored(tmp_path, some()), limit=0))
    assert results["n-samples"]["toy"] == {"original": 3, "effective": 3}
    assert results["config"]["limit"] is None


def test_without_a_manifest_nothing_is_made_up(tmp_path: Path) -> None:
    results = written(tmp_path, stored(tmp_path, some(), subject="theirs"))
    assert results["config"]["model_args"] == "model=theirs"
    assert results["config"]["gen_kwargs"] == {"until": []}
    assert results["n-samples"]["toy"]["original"] is None


def test_a_sample_has_what_the_harness_writes_there(tmp_path: Path) -> None:
    asked = prediction("A", "It is A.", "So A.", of=CHOICE)
    written(tmp_path, manifested(stored(tmp_path, [asked, prediction(None, "Hm?")])))
    first, second = samples(tmp_path)
    prompt = student_messages(CHOICE)[0].content
    assert {key: value for key, value in first.items() if not key.endswith("_hash")} == {
        "doc_id": 0,
        "doc": {"id": "c1", "task": "toy", "question": "Which?", "choices": ["this", "that"], "gold": "B"},
        "target": "B",
        "arguments": {
            "gen_args_0": {
                "arg_0": prompt,
                "arg_1": {"until": [], "do_sample": False, "temperature": 0.0, "max_gen_toks": 512},
            }
        },
        "resps": [["It is A.", "So A."]],
        "filtered_resps": ["A"],
        "filter": "flexible",
        "metrics": ["exact_match"],
        "exact_match": 0.0,
    }
    assert (second["doc_id"], second["filtered_resps"], second["exact_match"]) == (1, ["[invalid]"], 0.0)
    assert first.keys() == second.keys()


def test_the_digests_are_the_harnesss(tmp_path: Path) -> None:
    results = written(tmp_path, manifested(stored(tmp_path, some())))
    lines = samples(tmp_path)
    for line in lines:
        texts = {
            "doc": json.dumps(line["doc"], indent=2, ensure_ascii=False),
            "prompt": line["arguments"]["gen_args_0"]["arg_0"],
            "target": line["target"],
        }
        assert {name: line[f"{name}_hash"] for name in texts} == {
            name: sha256(text.encode()).hexdigest() for name, text in texts.items()
        }
    joined = "".join(line["doc_hash"] + line["prompt_hash"] + line["target_hash"] for line in lines)
    assert results["task_hashes"] == {"toy": sha256(joined.encode()).hexdigest()}


def test_a_debate_was_not_asked_with_our_prompt(tmp_path: Path) -> None:
    written(tmp_path, manifested(stored(tmp_path, [prediction("A", of=CHOICE)]), debates=True))
    (line,) = samples(tmp_path)
    assert line["arguments"]["gen_args_0"]["arg_0"] == "Which?\n\nA. this\nB. that"


def test_a_problem_without_a_reply_has_no_responses(tmp_path: Path) -> None:
    nothing = Prediction(problem=CHOICE, samples=(), answer=None, correct=False)
    written(tmp_path, stored(tmp_path, [nothing]))
    assert samples(tmp_path)[0]["resps"] == [[]]


def test_our_evaluations_are_there_whole_and_serve_as_a_baseline(tmp_path: Path) -> None:
    made = [stored(tmp_path, some(), task=task, out_of_domain=task == "toy") for task in ("toy", "svamp")]
    (path,) = write_lm_eval(tmp_path / "out", made, NOW)
    block = json.dumps(json.loads(path.read_text())["magdi"]).encode()
    assert decode(Evaluations, block, "").evaluations == tuple(one.evaluation for one in made)
    baseline = read_baseline(f"{path}:0.02")
    assert baseline is not None
    assert [one.evaluation for one in baseline.earlier] == [one.evaluation for one in made]


def test_a_later_time_stands_beside_an_earlier_one(tmp_path: Path) -> None:
    made = stored(tmp_path, some())
    paths = [*write_lm_eval(tmp_path, [made], NOW), *write_lm_eval(tmp_path, [made], NOW.replace(year=2031))]
    assert len({path for path in paths if path.exists()}) == 2


def test_seconds_are_those_of_all_tasks(tmp_path: Path) -> None:
    made = [stored(tmp_path, some(), task=task) for task in ("toy", "svamp")]
    assert written(tmp_path, *made)["total_evaluation_time_seconds"] == "3.0"
