"""`magdi distill --launch accelerate`: what is started, and how it ends."""

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.commands.launch import launch_command_parser
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from magdi_cli.cli.launching import PROFILES, _reason, _shown, accelerate_arguments, handed_over
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import EnvironmentProblem, MagdiError, UnknownName, UsageProblem
from magdi_cli.core.launcher import is_main_process, launched, rank
from tests.commands import clean, magdi

ROOT = Path(__file__).parent.parent.parent
LINE = ("distill", "--level", "graph", "--weight", "margin=0.2", "--weight", "node=0", "graphs.jsonl")
MEANT = {
    "ddp": {"multi_gpu": True},
    "fsdp": {"use_fsdp": True, "fsdp_version": "2", "fsdp_state_dict_type": "FULL_STATE_DICT"},
    "zero2": {"use_deepspeed": True, "zero_stage": 2},
    "zero3": {"use_deepspeed": True, "zero_stage": 3},
}


@pytest.mark.parametrize("profile", list(PROFILES))
def test_accelerate_reads_of_every_profile_what_it_means(profile: str) -> None:
    given = accelerate_arguments(DistillConfig(accelerate_config=profile, processes=3), LINE)
    parsed = vars(launch_command_parser().parse_args(given))
    assert {name: parsed[name] for name in MEANT[profile]} == MEANT[profile]
    assert (parsed["module"], parsed["training_script"], parsed["num_processes"]) == (True, "magdi_cli", 3)
    assert parsed["training_script_args"] == list(LINE)


def test_a_file_of_accelerates_own_is_left_to_accelerate(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("distributed_type: MULTI_GPU\nnum_processes: 2\n")
    given = accelerate_arguments(DistillConfig(accelerate_config=str(file)), LINE)
    assert given == ["--config_file", str(file), "-m", "magdi_cli", *LINE]


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UnknownName, match=r"named 'zero4'; close: zero3, zero2\. known: ddp"):
        accelerate_arguments(DistillConfig(accelerate_config="zero4", processes=2), LINE)


def test_the_printed_command_is_a_line_for_a_shell_without_the_options_of_launching(tmp_path: Path) -> None:
    launching = ["--launch=accelerate", "--accelerate-config", "fsdp", "--processes", "2", "--print-launch"]
    done = magdi("distill", *launching, "--run-dir", "my runs/a", cwd=tmp_path, MAGDI_DISTILL_LEVEL="graph")
    assert done.stdout.count("\n") == 1
    words = shlex.split(done.stdout)
    assert words[:3] == [sys.executable, "-m", "accelerate.commands.launch"]
    assert launch_command_parser().parse_args(words[3:]).training_script_args == ["distill", "--run-dir", "my runs/a"]
    assert json.loads(_shown(words[3:], json_wanted=True)) == {"command": words}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine with GPUs can do some of it")
@pytest.mark.parametrize(
    ("settings", "problem", "said"),
    [
        ({"accelerate_config": "zero2", "processes": 2}, EnvironmentProblem, "DeepSpeed is not installed"),
        ({"accelerate_config": "ddp", "processes": 1}, UsageProblem, "at least 2 processes"),
        ({"accelerate_config": "fsdp", "processes": 2}, UsageProblem, "over GPUs only"),
        ({"accelerate_config": "ddp"}, UsageProblem, "no GPU to count; --processes N"),
        ({"processes": 2, "graphs": (Path("-"),)}, UsageProblem, "cannot share stdin; name a file"),
    ],
)
def test_what_cannot_be_launched_is_said(settings: dict[str, Any], problem: type[MagdiError], said: str) -> None:
    with pytest.raises(problem, match=said):
        handed_over(DistillConfig(launch="accelerate", **settings), json_wanted=False, verbose=False)


@pytest.mark.parametrize("settings", [{"processes": 2}, {"accelerate_config": "ddp"}])
def test_options_of_launching_are_not_passed_over_where_nothing_is_launched(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem, match="belongs to --launch accelerate"):
        handed_over(DistillConfig(**settings), json_wanted=False, verbose=False)
    assert not handed_over(DistillConfig(dry_run=True, **settings), json_wanted=False, verbose=False)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (False, 0, True)),
        # a pod of a cluster has a rank without being one of several processes
        ({"RANK": "1", "WORLD_SIZE": "2"}, (False, 0, True)),
        ({"RANK": "0", "LOCAL_RANK": "0"}, (True, 0, True)),
        ({"RANK": "5", "LOCAL_RANK": "1"}, (True, 5, False)),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}, (True, 2, False)),
        ({"PMI_RANK": "3", "MPI_LOCALRANKID": "3"}, (True, 3, False)),
    ],
)
def test_a_process_knows_from_its_environment_which_one_it_is(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: tuple[bool, int, bool]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (launched(), rank(), is_main_process()) == expected


@contextmanager
def several(*words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.cli.several", *words]
    with subprocess.Popen(
        command, cwd=ROOT, env=clean(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        yield started
        started.kill()


def end(started: "subprocess.Popen[str]") -> tuple[int, str]:
    _, stderr = started.communicate(timeout=60)
    return started.returncode, stderr.replace("waiting\n", "")


def test_one_process_that_fails_ends_all_and_its_message_and_code_are_the_commands() -> None:
    with several("wait", "DataProblem") as started:
        assert end(started) == (3, "error: what, where, the way out\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_every_process_and_gives_the_command_its_code(number: signal.Signals) -> None:
    with several("wait", "wait") as started:
        assert started.stderr is not None
        assert [started.stderr.readline() for _ in range(2)] == ["waiting\n"] * 2
        started.send_signal(number)
        code, stderr = end(started)
    assert code == 128 + number
    assert stderr == "error: stopped\nnothing is lost; resume with: magdi wait wait\n"


def failure(folder: Path, rank: int, exit_code: int, reason: str | None = None, second: int = 0) -> ProcessFailure:
    file = folder / f"{rank}.json"
    if reason is not None:
        file.write_text(json.dumps({"message": reason, "timestamp": second}))
    return ProcessFailure(local_rank=rank, pid=1, exitcode=exit_code, error_file=str(file))


@pytest.mark.parametrize(
    ("failures", "code", "said"),
    [
        # who loses a peer calls that a bug
        (((1, "a bug", 1), (-9, None, 0)), 8, "process 1 was ended by SIGKILL"),
        # a process deaf to the request to end is killed for it
        (((-9, None, 0), (3, "no such problem", 1)), 3, "no such problem"),
        (((1, "second", 2), (1, "first", 1)), 1, "first"),
        (((143, None, 0), (137, None, 0)), 8, "process 1 was ended by SIGKILL"),
        (((143, None, 0), (9, None, 0)), 9, "process 1 ended with code 9 and did not say why"),
    ],
)
def test_the_failure_that_brought_the_others_about_is_told(
    tmp_path: Path, failures: tuple[tuple[int, str | None, int], ...], code: int, said: str
) -> None:
    found = {n: failure(tmp_path, n, *details) for n, details in enumerate(failures)}
    reason = _reason(found)
    assert reason.exit_code == code
    assert said in str(reason)
