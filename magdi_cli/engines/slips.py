"""Wrong reasoning with a cause: one step of a right rationale goes wrong and the rest follows from it."""

import ast
import operator
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

# the true multiplication sign, and the letter that often stands for it
TIMES = "x\N{MULTIPLICATION SIGN}"
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
TERM = rf"\(*\$?{NUMBER}%?\)*"
EQUATION = re.compile(rf"(?P<left>{TERM}(?:\s*[-+*/{TIMES}÷]\s*{TERM})+)(?P<equals>\s*=\s*\$?)(?P<result>-?{NUMBER})")

OPERATORS: Mapping[type[ast.AST], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

STEP: Mapping[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
"""What the steps of a generated problem do."""

OFF_BY = (-2, -1, 1, 2, 10)
"""How far a slip leads."""

Values = dict[Fraction, Fraction]
"""Numbers that have changed, and what they are now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What somebody holds: reasoning and the answer it leads to."""

    reasoning: str
    answer: str


def retold(steps: Sequence[Mapping[str, Any]], rng: random.Random) -> View:
    """The steps of a generated problem told with one result off; the steps after it go on from there."""
    slipped, off = rng.randrange(len(steps)), rng.choice(OFF_BY)
    told: list[str] = []
    value = int(steps[0]["left"])
    for number, step in enumerate(steps):
        left, right = value, int(step["right"])
        value = int(STEP[step["op"]](left, right))
        if number == slipped:
            value += off if value + off >= 0 else -off
        told.append(step["text"].format(left=left, right=right, result=value))
    return View(reasoning=" ".join(told), answer=str(value))


def miscalculated(rationale: str, gold: str, rng: random.Random) -> View | None:
    """The rationale with one result off and all that follows; None where no slip reaches the answer."""
    right = calculate(gold)
    equations = [match for match in EQUATION.finditer(rationale) if _holds(match)]
    if right is None:
        return None
    for slipped in rng.sample(range(len(equations)), len(equations)):
        text, values = _carried_through(rationale, equations, slipped, rng.choice(OFF_BY))
        wrong = _written(values.get(right, right))
        if wrong != _written(right):
            return View(reasoning=text, answer=wrong)
    return None


def misread_number(gold: str, rng: random.Random) -> str:
    """An answer near the gold: its first number a little off, or one more than it where it has none."""
    number = re.search(r"\d+", gold)
    if number is None:
        return f"{gold}+1"
    off = str(int(number[0]) + rng.choice((1, 2, 3, 10)))
    return gold[: number.start()] + off + gold[number.end() :]


def _carried_through(text: str, equations: list[re.Match[str]], slipped: int, off: int) -> tuple[str, Values]:
    values: Values = {}
    parts: list[str] = []
    end = 0
    for number, match in enumerate(equations):
        left = _updated(match["left"], values)
        before, after = calculate(match["result"]), calculate(left)
        if before is None or after is None:
            continue
        after += off if number == slipped else 0
        parts += [_updated(text[end : match.start()], values), left, match["equals"], _written(after)]
        values.pop(before, None)
        if after != before:
            values[before] = after
        end = match.end()
    return "".join([*parts, _updated(text[end:], values)]), values


def _updated(text: str, values: Values) -> str:
    def replaced(match: re.Match[str]) -> str:
        value = calculate(match[0])
        return _written(values[value]) if value in values else match[0]

    return re.sub(NUMBER, replaced, text)


def _holds(match: re.Match[str]) -> bool:
    left, result = calculate(match["left"]), calculate(match["result"])
    return left is not None and result is not None and abs(left - result) < Fraction(1, 100)


def calculate(text: str) -> Fraction | None:
    """The value of a sum such as `2 x (3 + $4)`; None for anything that is not one."""
    plain = re.sub(r"[$\s,]", "", text).replace("%", "/100")
    try:
        return _value(ast.parse(re.sub(f"[{TIMES}]", "*", plain).replace("÷", "/"), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _value(node: ast.AST) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    raise ValueError("not a sum")


def _written(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.2f}".rstrip("0").rstrip(".")
