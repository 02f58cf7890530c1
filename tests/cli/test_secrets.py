"""No secret of the environment gets into anything that `magdi debate` prints or writes."""

import json
import subprocess
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.commands import magdi
from tests.engines.servers import Act, playing, refuses, replies, says

PLANTED = MappingProxyType(
    {
        "OPENAI_API_KEY": "sk-proj-5f1e0c7ab2",
        "HOSTED_VLLM_API_KEY": "sk-proj-5f1e0c7ab2-and-more",
        "MY_DB_PASSWORD": "sk-hunter2hunter2",
    }
)
FOLDERS = ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "TMPDIR")
NAMES = tuple(f"[{name}]" for name in PLANTED)
"""What stands where a secret stood."""


def echoes(say: Any) -> Act:
    """An act that gives away the header a call came with, and everything else there is to give away."""

    def act(handler: Any) -> None:
        say(f"{handler.headers['Authorization']} or {' or '.join(PLANTED.values())}")(handler)

    return act


def reply(secrets: str) -> Act:
    """A good reply; a part of its JSON is escaped as some models do."""
    text = json.dumps({"reasoning": f"{secrets} it is", "answer": "4", "confidence_level": 0.8})
    return says(text.replace("hunter2", "\\u0068unter2"))


def in_an_error(status: int) -> Act:
    """An error, long enough for its end to be cut off within a secret."""
    return echoes(lambda secrets: refuses(status, f"{secrets} {'x' * 90} {PLANTED['MY_DB_PASSWORD']}"))


IN_A_PAGE = echoes(lambda secrets: replies(200, f"<html>{secrets}</html>", {"Content-Type": "text/html"}))
IN_PROSE = echoes(lambda secrets: says(f"I know {secrets}. The answer is 4."))


def debate(folder: Path, *arguments: str, code: int, question: str = "2 + 2?") -> subprocess.CompletedProcess[str]:
    """A command in a world of its own, told to say all it can."""
    (folder / "mine.jsonl").write_text(json.dumps({"id": "q", "question": question, "answer": "4"}) + "\n")
    for name in FOLDERS:
        (folder / name).mkdir()
    return magdi(
        *("debate", "mine.jsonl", "--rounds", "0", "--max-retries", "0", "--debug", "--verbose", *arguments),
        cwd=folder,
        code=code,
        **PLANTED,
        **{name: str(folder / name) for name in FOLDERS},
    )


def seats(api_base: str) -> str:
    return f"a=openai/gpt-4.1?api_base={api_base},b=hosted_vllm/toy?api_base={api_base}"


def everything(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """All that was printed or written."""
    files = [path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join([done.stdout, done.stderr, *files])


def assert_kept(text: str) -> None:
    for secret in PLANTED.values():
        # not even most of one
        assert secret[:12] not in text


@pytest.mark.parametrize(
    "acts",
    [
        pytest.param((in_an_error(500), in_an_error(400)), id="in errors"),
        pytest.param((IN_A_PAGE, IN_PROSE, echoes(reply)), id="in replies"),
    ],
)
def test_a_secret_that_a_provider_gives_away_is_kept(tmp_path: Path, acts: tuple[Act, ...]) -> None:
    with playing(*acts) as server:
        done = debate(tmp_path, "--teachers", seats(server.api_base), "--fail-on-error", "1", code=0)
        assert {body["model"] for body in server.bodies} == {"gpt-4.1", "toy"}
    assert_kept(everything(done, tmp_path))
    written = (tmp_path / "runs/default/debates/debates.jsonl").read_text()
    assert all(name in written for name in NAMES)


def test_a_secret_in_the_message_that_ends_a_run_is_kept(tmp_path: Path) -> None:
    with playing(in_an_error(401)) as server:
        done = debate(tmp_path, "--teachers", seats(server.api_base), code=4)
    assert_kept(everything(done, tmp_path))
    assert "Traceback" in done.stderr
    assert "error: " in done.stderr
    assert all(name in done.stderr for name in NAMES)


def test_a_secret_in_a_crash_is_kept(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    prompts = tmp_path_factory.mktemp("prompts")
    fault = f"{{{{ question['{PLANTED['MY_DB_PASSWORD']}'] }}}}"
    (prompts / "opening.j2").write_text(f"{{% if '2 + 2' in question %}}{fault}{{% endif %}}?\n")
    done = debate(tmp_path, "--teachers", "a=sim,b=sim", "--prompts", str(prompts), code=1)
    assert_kept(everything(done, tmp_path))
    assert "Traceback" in done.stderr
    assert "error: a bug in magdi: UndefinedError" in done.stderr
    assert "[MY_DB_PASSWORD]" in done.stderr


def test_a_secret_in_a_fault_of_the_user_is_kept(tmp_path: Path) -> None:
    run = f"mine.jsonl/{PLANTED['OPENAI_API_KEY']}"
    done = debate(tmp_path, "--teachers", "a=sim,b=sim", "--run-dir", run, code=8)
    assert_kept(everything(done, tmp_path))
    assert "Traceback" in done.stderr
    assert "error: mine.jsonl/[OPENAI_API_KEY]/debates: Not a directory" in done.stderr
