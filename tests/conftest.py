"""The world every test lives in: offline, two threads, hypothesis without deadlines."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# before any library reads them
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["CI"] = "true"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# a runner in the background is deaf to Ctrl-C, and so would be every command that the tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("magdi", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("magdi")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real benchmarks and traces; the test is skipped where there is none."""
    repository = Path(__file__).parent.parent
    folder = Path(os.environ.get("MAGDI_TEST_DATA", repository.parent / "shared" / "data"))
    if not (folder / "benchmarks").is_dir():
        pytest.skip("no benchmark files; name their folder in MAGDI_TEST_DATA")
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MAGDI_") and name != "MAGDI_TEST_DATA":
            monkeypatch.delenv(name)
