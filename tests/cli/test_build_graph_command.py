import json
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.records import encode
from tests.commands import magdi
from tests.debates import PERSUADED, RING

CHAT = {
    "question": "What is 2 + 2?",
    "answer": "4",
    "messages": [{"role": "assistant", "name": "ada", "content": "So the answer is 4."}],
}


def chats(folder: Path) -> Path:
    path = folder / "chats.jsonl"
    path.write_text(json.dumps(CHAT))
    return path


@pytest.mark.parametrize(
    ("arguments", "toml", "environment"),
    [
        (("--from", "messages"), "", {}),
        ((), "", {"MAGDI_BUILD_GRAPH_FROM": "messages"}),
        ((), '[build-graph]\nfrom = "messages"\n', {}),
        (("--from", "messages"), "", {"MAGDI_BUILD_GRAPH_FROM": "traces"}),
    ],
)
def test_the_layout_is_taken_from_flag_environment_and_file(
    tmp_path: Path, arguments: tuple[str, ...], toml: str, environment: dict[str, str]
) -> None:
    (tmp_path / "magdi.toml").write_text(toml)
    chats(tmp_path)
    done = magdi(
        *("build-graph", "chats.jsonl", "--config", "magdi.toml", "--json", *arguments), cwd=tmp_path, **environment
    )
    assert json.loads(done.stdout)["graphs"] == 1


def test_an_unknown_key_is_told_with_the_names_that_users_write(tmp_path: Path) -> None:
    (tmp_path / "magdi.toml").write_text('[build-graph]\nfrom_ = "messages"\n')
    done = magdi("build-graph", "--config", "magdi.toml", cwd=tmp_path, code=2, COLUMNS="300")
    assert "named 'from_'; close: from" in done.stderr


def test_the_summary_is_one_document_and_as_a_table_it_tells_who_was_right(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(encode(PERSUADED))
    document = json.loads(magdi("build-graph", "d.jsonl", "--json", cwd=tmp_path).stdout)
    assert (document["graphs"], document["statistics"]["nodes"]) == (1, 6)
    shown = magdi("build-graph", "d.jsonl", cwd=tmp_path).stdout
    for words in ("graphs", "agents", "ada", "flips", "corrupted", "agreement"):
        assert words in shown
    assert "agent rounds" not in shown


def test_two_sets_of_debates_make_one_set_of_graphs_with_a_page(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_bytes(encode(PERSUADED))
    other = json.loads(encode(RING))
    other["problem"]["id"] = "others"
    (tmp_path / "two.jsonl").write_text(json.dumps(other))
    magdi(
        *("build-graph", "one.jsonl", "two.jsonl", "--format", "trl-sft,kto", "--format", "mermaid"),
        *("--html", "page.html", "--run-dir", "r"),
        cwd=tmp_path,
    )
    names = {path.name for path in (tmp_path / "r" / "graphs").iterdir()}
    assert names == {"graphs.jsonl", "graphs.md", "kto.jsonl", "manifest.json", "trl-sft.jsonl"}
    assert "plums" in (tmp_path / "page.html").read_text()


def test_a_hostile_file_ends_with_a_report_and_no_artifact(tmp_path: Path) -> None:
    good = json.loads(encode(PERSUADED))
    cycle: Any = json.loads(encode(RING))
    cycle["turns"][0]["parents"] = [4]
    lines = [
        *(json.dumps(good).encode(), json.dumps(cycle).encode(), json.dumps(good).encode()),
        *(b'{"a": "\x00"}', b"\x1b[31m\xff", b"[" * 200_000, b'{"schema": 1}', b'{"half'),
        json.dumps({"text": "x" * 10_000_000}).encode(),
    ]
    (tmp_path / "h.jsonl").write_bytes(b"\n".join(lines))
    done = magdi("build-graph", "h.jsonl", "--run-dir", "r", cwd=tmp_path, code=3)
    assert done.stdout == ""
    for place in range(2, 10):
        assert f"h.jsonl:{place}: " in done.stderr
    assert "h.jsonl:1: " not in done.stderr.replace("that of h.jsonl:1", "")
    assert "cycle ada@0 -> ada@1 -> ada@0" in done.stderr
    assert not (tmp_path / "r" / "graphs").exists()


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mag.pkl").write_bytes(b"\x80\x04N.")
    done = magdi("build-graph", "--from", "magdi-reference", "mag.pkl", cwd=tmp_path, code=3)
    assert "runs whatever code is in it" in done.stderr
