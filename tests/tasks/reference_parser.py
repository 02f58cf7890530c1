"""How the released MAGDi code reads and compares answers, rebuilt from its description, to see where it differs."""

import re


def reference_verdict(kind: str, text: str, gold: str) -> bool:
    """What the released code would call correct."""
    return READERS[kind](text) == _plain(kind, gold)


def _plain(kind: str, gold: str) -> object:
    return float(gold.replace(",", "")) if kind == "number" and re.fullmatch(r"-?[0-9.,]+", gold) else gold


def _yes_no(text: str) -> object:
    """`no` anywhere inside of a word comes before `yes`."""
    lowered = text.lower()
    return "no" if "no" in lowered else "yes" if "yes" in lowered else None


def _choice(text: str) -> object:
    """The last capital from A to D, or the pipe between them, wherever it stands."""
    found = re.findall("[A|B|C|D]", text)
    return found[-1] if found else None


def _number(text: str) -> object:
    """What stands behind `answer is:`, which nobody writes; else the last run of digits and points, unsigned."""
    behind = re.findall(r"answer is: *([0-9.]+)", text)
    found = behind or re.findall(r"[0-9]+(?:\.[0-9]+)?", text)
    try:
        return float(found[-1]) if found else None
    except ValueError:
        return None


def _latex(text: str) -> object:
    """What stands between the announcement and the end token; without an end token nothing."""
    found = re.search(r"answer is (.*)</s>", text)
    return found[1] if found else None


READERS = {"yes-no": _yes_no, "choice": _choice, "number": _number, "latex": _latex}
