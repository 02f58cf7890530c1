"""A program of its own: reads pairs of expressions as JSON lines, answers true or false.

Nothing here is imported by magdi; it imports nothing of magdi. It runs text that a model wrote
through parsers, so whoever starts it must be ready to kill it.
"""

import json
import os
import random
import resource
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

MEMORY_BYTES = 4 << 30
PARSE_SECONDS = 3
POINTS = 4
"""Places at which expressions with variables are compared."""


def main() -> None:
    """Answer one line on stdout for each line on stdin, after an empty list that says "ready"."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
    import_module("math_verify")
    _reply(replies, [])
    for line in sys.stdin.buffer:
        try:
            verdict = equal(*json.loads(line))
        except Exception:
            verdict = False
        _reply(replies, verdict)


def _reply(replies: Any, content: object) -> None:
    replies.write(json.dumps(content).encode() + b"\n")
    replies.flush()


def equal(one: str, other: str) -> bool:
    """Whether math-verify holds two expressions to be equal, and numbers put into them agree."""
    from math_verify import verify

    left, right = _parse(one), _parse(other)
    if left is None or right is None:
        return False
    held = verify(left, right, timeout_seconds=PARSE_SECONDS) or verify(right, left, timeout_seconds=PARSE_SECONDS)
    return bool(held) and agree(left, right)


def _parse(text: str) -> Any:
    """The sympy object of an expression; None where only a string came out."""
    from math_verify import parse

    found = parse(f"${text}$", parsing_timeout=PARSE_SECONDS)
    return next((part for part in found if not isinstance(part, str)), None)


def agree(left: Any, right: Any) -> bool:
    """A second opinion in numbers: math-verify 0.9 takes 1/2^99 for 1/2^98, and one line for another."""
    sympy = _sympy()
    if isinstance(left, sympy.Eq) and isinstance(right, sympy.Eq):
        return _proportional(left.lhs - left.rhs, right.lhs - right.rhs)
    for equation, value in ((left, right), (right, left)):
        if isinstance(equation, sympy.Eq):
            return isinstance(equation.lhs, sympy.Symbol) and agree(equation.rhs, value)
    comparisons: dict[Any, Callable[[], bool]] = {
        sympy.MatrixBase: lambda: left.shape == right.shape and _each(left, right),
        sympy.Expr: lambda: _same_value(left, right),
        sympy.FiniteSet: lambda: len(left) == len(right) and all(any(agree(a, b) for b in right) for a in left),
        sympy.Interval: lambda: agree(left.start, right.start) and agree(left.end, right.end),
        sympy.Tuple: lambda: len(left) == len(right) and _each(left, right),
    }
    for shape, comparison in comparisons.items():
        if isinstance(left, shape) and isinstance(right, shape):
            return comparison()
    return True


def _sympy() -> Any:
    return import_module("sympy")


def _each(left: Iterable[Any], right: Iterable[Any]) -> bool:
    return all(agree(a, b) for a, b in zip(left, right, strict=True))


def _same_value(left: Any, right: Any) -> bool:
    float_type = _sympy().Float
    pairs = _values(left, right)
    tolerance = 1e-6 if left.atoms(float_type) or right.atoms(float_type) else 1e-12
    return bool(left == right) if not pairs else all(_close(a, b, tolerance) for a, b in pairs)


def _proportional(left: Any, right: Any) -> bool:
    """Whether one side is the other times a constant, so that `left = 0` and `right = 0` say the same."""
    pairs = [(a, b) for a, b in _values(left, right) if a != 0 and b != 0]
    if not pairs:
        return bool(left == right)
    ratio = pairs[0][0] / pairs[0][1]
    return all(_close(a, ratio * b, 1e-9) for a, b in pairs)


def _values(left: Any, right: Any) -> list[tuple[complex, complex]]:
    """Both expressions at the same places; a place where one has no value is left out."""
    sympy = _sympy()
    names = sorted(left.free_symbols | right.free_symbols, key=str)
    rng = random.Random(0)
    pairs = []
    for _ in range(POINTS if names else 1):
        place = {name: sympy.Rational(rng.randint(200, 2000), 731) for name in names}
        values = [sympy.N(side.subs(place), 30) for side in (left, right)]
        if all(value.is_number and value.is_finite for value in values):
            pairs.append((values[0], values[1]))
    return pairs


def _close(a: Any, b: Any, tolerance: float) -> bool:
    return bool(abs(a - b) <= tolerance * max(abs(a), abs(b)))


if __name__ == "__main__":
    main()
