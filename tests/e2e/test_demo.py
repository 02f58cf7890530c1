"""The real student: the demo of the README, and a local teacher behind a real server. Minutes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from magdi_cli.core.records import read_records
from tests.commands import clean, magdi
from tests.files import debates_held

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory that `make demo` leaves."""
    run = tmp_path_factory.mktemp("demo") / "run"
    path = f"{Path(sys.executable).parent}:{clean()['PATH']}"
    subprocess.run([ROOT / "examples" / "arithmetic.sh", run], env=clean(PATH=path), check=True)
    return run


def test_the_student_beats_its_base_on_held_out_problems(demo: Path) -> None:
    base, student = (
        json.loads((demo / f"evaluations/{subject}--arithmetic/evaluation.json").read_text())
        for subject in ("base", "graph")
    )
    assert base["engine"] == student["engine"] == "vllm"
    assert base["n"] == student["n"] == 200
    assert student["interval"][0] > base["interval"][1]


def test_training_and_test_problems_are_disjoint(demo: Path) -> None:
    def questions(path: str) -> set[str]:
        return {json.loads(line)["problem"]["question"] for line in (demo / path).read_text().splitlines()}

    assert not questions("graphs/graphs.jsonl") & questions("evaluations/base--arithmetic/predictions.jsonl")


def test_the_adapter_loads_in_peft_as_it_is_and_answers_as_in_vllm(demo: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from magdi_cli.core.evaluation import Prediction
    from magdi_cli.engines.weights import resolve_model
    from magdi_cli.tasks.prompts import student_messages

    folder = demo / "students/graph"
    base = AutoModelForCausalLM.from_pretrained(resolve_model("smollm2-135m").path, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, str(folder)).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    same = 0
    predictions = list(read_records(demo / "evaluations/graph--arithmetic/predictions.jsonl", Prediction))[:8]
    for prediction in predictions:
        chat = [{"role": m.role, "content": m.content} for m in student_messages(prediction.problem)]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        tokens = model.generate(**prompt, max_new_tokens=128, do_sample=False)[0, prompt["input_ids"].shape[1] :]
        same += tokenizer.decode(tokens, skip_special_tokens=True).strip() == prediction.samples[0].text.strip()
    assert same >= 6  # bfloat16 there, float32 here: a near tie may fall the other way


def test_local_teachers_debate_over_http_and_their_server_is_gone_afterwards(tmp_path: Path) -> None:
    seats = "cool=local:smollm2-135m?temperature=0.3,warm=local:smollm2-135m?temperature=0.9"
    magdi(
        *(
            "debate",
            "--task",
            "arithmetic",
            "--limit",
            "2",
            "--rounds",
            "1",
            "--teachers",
            seats,
            "--max-tokens",
            "200",
        ),
        cwd=tmp_path,
    )
    debates = debates_held(tmp_path)
    assert len(debates) == 2
    assert all(turn.error is None and turn.usage.completion_tokens > 0 for debate in debates for turn in debate.turns)
    servers = subprocess.run(["pgrep", "-f", "vllm.entrypoints.openai.api_server"], capture_output=True, check=False)
    assert servers.stdout == b""
