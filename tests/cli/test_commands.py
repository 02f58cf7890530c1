"""What every command does with its flags, streams, errors and signals; in real processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.cli.console import rendered
from magdi_cli.core import errors
from magdi_cli.core.config import DebateConfig
from magdi_cli.core.options import resolved

ROOT = Path(__file__).parent.parent.parent
PROBE = [sys.executable, "-m", "tests.cli.probe", "debate"]


def probe(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROBE, *arguments], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def settings(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    config: dict[str, Any] = json.loads(json.loads(done.stdout)["config"])
    return config


def test_without_flags_a_config_has_its_own_defaults() -> None:
    assert settings(probe("--json")) == resolved(DebateConfig())


def test_a_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "magdi.toml"
    file.write_text('[debate]\nrounds = 5\nmax-tokens = 6\nseed = 7\nteachers = "a,b"\n[distill]\nlevel = "graph"\n')
    found = settings(
        probe("--config", str(file), "--rounds", "1", "--json", MAGDI_DEBATE_ROUNDS="2", MAGDI_DEBATE_MAX_TOKENS="3")
    )
    assert [found[key] for key in ("rounds", "max_tokens", "seed", "teachers", "limit")] == [1, 3, 7, "a,b", 20]


def test_run_dir_and_data_dir_have_one_variable_for_all_commands() -> None:
    found = settings(probe("--json", MAGDI_RUN_DIR="here", MAGDI_DATA_DIR="there"))
    assert (found["run_dir"], found["data_dir"]) == ("here", "there")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[debate]\nround = 5\n", "named 'round'; close: rounds"),
        ("[debate\n", "is not TOML"),
        ("debate = 3\n", "debate must be a table"),
        ("[debate]\nrounds = 'many'\n", "Invalid value for '--rounds'"),
    ],
)
def test_a_faulty_config_file_is_a_usage_error(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "magdi.toml"
    file.write_text(content)
    done = probe("--config", str(file), COLUMNS="300")
    assert done.returncode == 2
    assert said in done.stderr


def test_nothing_that_others_print_reaches_stdout() -> None:
    done = probe("--task", "noise", "--json")
    assert json.loads(done.stdout)["schema"] == "magdi.probe/1"
    assert done.stdout.count("\n") == 1
    for words in ("python prints", "a C library prints", "a child prints", "a note", "warning: a warning"):
        assert words in done.stderr


def test_quiet_leaves_warnings() -> None:
    done = probe("--quiet")
    assert "a note" not in done.stderr
    assert "warning: a warning" in done.stderr


def test_a_table_goes_to_stdout_and_the_next_step_to_stderr() -> None:
    done = probe(MAGDI_RUN_DIR="here")
    assert done.stdout.startswith("config")
    assert done.stderr.rstrip().endswith("next: magdi x --run-dir here")


def test_records_stream_alone() -> None:
    done = probe("--task", "records", "-o", "-")
    assert done.stdout.splitlines() == [f'{{"record":{n}}}' for n in range(100_000)]


@pytest.mark.parametrize(
    "flags", ["--json -o -", "-o file.jsonl", "--rounds -1", "--rounds x", "--roundz 1", "--stop sometimes"]
)
def test_flags_that_make_no_sense_are_usage_errors(flags: str) -> None:
    assert probe(*flags.split()).returncode == 2


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("MagdiError", 1), ("UsageProblem", 2), ("DataProblem", 3), ("AccessProblem", 4),
        ("TooManyFailures", 5), ("BudgetReached", 6), ("GateFailed", 7), ("EnvironmentProblem", 8),
    ],
)  # fmt: skip
def test_every_error_has_its_exit_code_and_one_line(name: str, code: int) -> None:
    done = probe("--task", f"raise:{name}")
    assert getattr(errors, name).exit_code == code
    assert done.returncode == code
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "error: what, where, the way out"
    resumes = [f"nothing is lost; resume with: magdi debate --task raise:{name}"]
    assert lines[1:] == (resumes if code in (5, 6) else [])


def test_a_bug_is_one_line_and_a_traceback_only_with_debug() -> None:
    done = probe("--task", "bug")
    assert done.returncode == 1
    assert done.stderr == "error: a bug in magdi: ZeroDivisionError: oh (--debug shows where)\n"
    assert "Traceback" in probe("--task", "bug", "--debug").stderr


def test_a_full_disk_is_an_environment_error() -> None:
    done = probe("--task", "disk")
    assert (done.returncode, done.stderr) == (8, "error: runs/x: No space left on device\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_its_code_and_the_command_that_resumes(number: signal.Signals, code: int) -> None:
    with subprocess.Popen([*PROBE, "--task", "hang"], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "hanging\n"
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code
    assert rest == "error: stopped\nnothing is lost; resume with: magdi debate --task hang\n"


def test_a_background_job_that_is_deaf_to_ctrl_c_still_ends_when_told_to() -> None:
    script = f"trap '' INT; exec {' '.join(PROBE)} --task hang"
    with subprocess.Popen(["bash", "-c", script], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "hanging\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read().startswith("error: stopped\n")
    assert process.returncode == 143


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    with subprocess.Popen(
        [*PROBE, "--task", "records", "-o", "-"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 141
    assert said.splitlines()[0] == "error: whoever read our output has closed it"
    assert "Traceback" not in said


def test_a_table_whose_reader_left_is_still_a_success() -> None:
    done = subprocess.run(
        f"{' '.join(PROBE)} --quiet | head -c 1", cwd=ROOT, shell=True, capture_output=True, check=False
    )
    assert done.stdout == b"c"
    assert b"Error" not in done.stderr


def test_a_table_shows_lists_of_words_and_rows() -> None:
    shown = rendered(
        {"schema": "x", "teachers": ["ada", "ben"], "rows": [{"a": 1.0, "b": None}]}, terminal=False
    ).decode()
    assert "[ada, ben]" in shown
    assert "schema" not in shown
    assert [line for line in shown.splitlines() if "1.000" in line and "unknown" in line]


def test_a_list_of_nothing_is_not_shown_and_a_long_name_is_shown_whole() -> None:
    name = "provider/" + "a" * 150
    shown = rendered(
        {"schema": "x", "settings": [], "rows": [{"name": name, "usd": None}, {"name": "b", "usd": 2.5}]},
        terminal=False,
    )
    lines = shown.decode().splitlines()

    assert not [line for line in lines if "settings" in line]
    assert sum(line.count("a") for line in lines) == name.count("a") + "name".count("a")
