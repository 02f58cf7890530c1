import json
from dataclasses import replace
from pathlib import Path

import pytest

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.config import DebateConfig
from magdi_cli.core.errors import DataProblem


def finish(artifact: Artifact, config: DebateConfig) -> None:
    with artifact.begin(config):
        (artifact.path / "debates.jsonl").write_text("{}\n")
        artifact.complete(config, inputs=[], counts={"debates": 1})


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    return Artifact(kind="debates", path=tmp_path / "debates")


def test_the_manifest_appears_only_when_all_is_written(artifact: Artifact) -> None:
    config = DebateConfig(task="svamp")
    with artifact.begin(config) as state:
        assert state == "fresh"
        assert artifact.manifest() is None
    with artifact.begin(config) as state:
        assert state == "unfinished"
    finish(artifact, config)
    with artifact.begin(config) as state:
        assert state == "complete"
    manifest = artifact.manifest()
    assert manifest is not None
    assert manifest["counts"] == {"debates": 1}
    assert [output["name"] for output in manifest["outputs"]] == ["debates.jsonl"]
    assert sorted(p.name for p in artifact.path.iterdir()) == ["debates.jsonl", "manifest.json"]


def test_other_settings_are_refused_with_the_keys_that_differ(artifact: Artifact) -> None:
    finish(artifact, DebateConfig(task="svamp"))
    with pytest.raises(DataProblem, match=r"other settings \(rounds: 3 there, 2 here, task: 'svamp' there"):
        finish(artifact, DebateConfig(teachers="a,c", rounds=2))


def test_a_clash_is_told_beforehand_and_nothing_is_touched(artifact: Artifact) -> None:
    assert artifact.clash(DebateConfig(rounds=2), prompts="x") is None
    assert not artifact.path.exists()
    with artifact.begin(DebateConfig(rounds=2), prompts="x"):
        (artifact.path / "calls.jsonl").write_text("{}\n")
        before = sorted(artifact.path.iterdir())
        assert artifact.clash(DebateConfig(rounds=2, limit=3), prompts="x") is None
        for other in (artifact.clash(DebateConfig(rounds=2), prompts="y"), artifact.clash(DebateConfig(), prompts="x")):
            assert other is not None
            assert "was written with other settings" in other
        assert sorted(artifact.path.iterdir()) == before


def test_a_folder_claimed_by_what_failed_before_its_first_record_takes_other_settings(artifact: Artifact) -> None:
    with artifact.begin(DebateConfig(task="svamp")):
        pass
    finish(artifact, DebateConfig(task="gsm8k"))
    manifest = artifact.manifest()
    assert manifest is not None
    assert manifest["identity"]["task"] == "gsm8k"


def test_settings_that_change_no_record_may_change(artifact: Artifact) -> None:
    config = DebateConfig(task="svamp")
    finish(artifact, config)
    with artifact.begin(replace(config, limit=7, concurrency=2, timeout=1.0)) as state:
        assert state == "complete"


def test_two_writers_cannot_share_a_folder(artifact: Artifact) -> None:
    config = DebateConfig(task="svamp")
    with artifact.begin(config), pytest.raises(DataProblem, match="another magdi is writing"), artifact.begin(config):
        pass


def test_a_reader_that_blocks_is_not_taken_for_another_writer(artifact: Artifact) -> None:
    artifact.path.mkdir(parents=True)
    with pytest.raises(BlockingIOError), artifact.locked():
        raise BlockingIOError


def test_a_damaged_manifest_is_named(artifact: Artifact) -> None:
    finish(artifact, DebateConfig(task="svamp"))
    (artifact.path / "manifest.json").write_text("{")
    with pytest.raises(DataProblem, match=r"manifest.json is damaged .* delete it"):
        finish(artifact, DebateConfig(task="svamp"))


def test_a_manifest_is_refreshed_after_its_files_changed(artifact: Artifact) -> None:
    config = DebateConfig(task="svamp")
    assert not artifact.refresh(counts={})
    finish(artifact, config)
    before = artifact.manifest()
    (artifact.path / "debates.jsonl").write_text("[]\n")
    assert artifact.refresh(counts={"debates": 2})
    after = json.loads((artifact.path / "manifest.json").read_text())
    assert before is not None
    assert after["outputs"][0]["sha256"] != before["outputs"][0]["sha256"]
    assert after["config_digest"] == before["config_digest"]


def test_a_read_only_artifact_sees_what_another_process_writes_and_changes_nothing(artifact: Artifact) -> None:
    beside = replace(artifact, read_only=True)
    with artifact.begin(DebateConfig()):
        (artifact.path / "calls.jsonl").write_text("{}\n")
        before = {path.name: path.stat().st_mtime_ns for path in artifact.path.iterdir()}
        with beside.begin(DebateConfig()) as state:
            assert state == "unfinished"
        assert {path.name: path.stat().st_mtime_ns for path in artifact.path.iterdir()} == before
        with pytest.raises(DataProblem, match="other settings"), beside.begin(DebateConfig(rounds=2)):
            pass
