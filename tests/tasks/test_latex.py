import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from magdi_cli.tasks import latex
from magdi_cli.tasks.latex import LatexWorker, judge

ENDLESS = ("9^{9^{9^{9}}}", "9^{9^{9^{8}}}")


@pytest.fixture(scope="module")
def worker():
    worker = LatexWorker(patience_seconds=30.0)
    yield worker
    worker.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\\sqrt{12}", "2\\sqrt{3}"),
        ("(x+1)^2", "x^2+2x+1"),
        ("3x-y+13=0", "6x-2y+26=0"),
        ("(-\\infty,3]\\cup[4,\\infty)", "[4,\\infty)\\cup(-\\infty,3]"),
        ("1,2", "2,1"),
        ("2+3i", "3i+2"),
    ],
)
def test_equal_expressions_are_equal(one, other):
    assert judge(one, other).correct


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3x-y+13=0", "3x+4y+14=0"),
        ("\\frac{1}{2^{99}}", "\\frac{1}{2^{98}}"),
        ("(1,2)", "(2,1)"),
        ("(3,4]", "(3,4)"),
        ("\\{1,2\\}", "\\{1,3\\}"),
        ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1\\\\3\\end{pmatrix}"),
        ("x^2+1=0", "x^2+1"),
        ("x+1", "x+2"),
    ],
)
def test_what_math_verify_mistakes_for_equal_is_not(one, other):
    assert not judge(one, other).correct
    assert not judge(other, one).correct


def test_a_pair_that_takes_too_long_is_unequal_and_the_next_is_answered():
    worker = LatexWorker(patience_seconds=1.0)
    assert worker.compare(*ENDLESS).method == "latex-timeout"
    worker._patience_seconds = 30.0
    assert worker.compare("x+1", "1+x").correct
    worker.close()


def test_a_worker_that_dies_is_replaced(worker):
    assert worker.compare("x+1", "1+x").correct
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()
    assert worker.compare("x+1", "1+x").correct


def test_every_thread_gets_its_own_answer(worker):
    verdicts = {}

    def ask(number):
        verdicts[number] = worker.compare(f"x+{number}", f"{number}+x" if number % 2 else f"{number + 1}+x").correct

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == {number: bool(number % 2) for number in range(8)}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch PLANTED')",
        "\\input{/etc/passwd}",
        "(" * 900,
        "\\frac{" * 150,
        "\0\n\r\x1b[31m",
        '"],["',
        "\ud800",
        "x" * 1000,
    ],
)
def test_hostile_text_is_merely_unequal(worker, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not worker.compare(text, "1").correct
    assert list(tmp_path.iterdir()) == []


def test_a_closed_worker_leaves_no_process(worker):
    worker.compare("x", "y")
    process = worker._process
    worker.close()
    assert process.poll() is not None


def test_a_worker_outlives_no_parent_that_closes_its_pipe(worker):
    worker.compare("x", "y")
    worker._process.stdin.close()
    deadline = time.monotonic() + 30
    while worker._process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert worker._process.poll() == 0


def test_model_text_is_not_parsed_in_this_process():
    program = (
        "import sys\nfrom magdi_cli.tasks.latex import judge\n"
        "assert judge('x+1', '1+x').correct\n"
        "print({'sympy', 'math_verify', 'latex2sympy2_extended'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert latex.WORKER.is_file()
