"""Rows of the Hugging Face hub's datasets turned into rows of a problem file, one function a dataset.

A row that a function cannot read raises KeyError, TypeError, ValueError or IndexError.
"""

import re
from collections.abc import Mapping
from typing import Any

from magdi_cli.tasks.anchors import boxed

_CALCULATOR_MARK = re.compile(r"<<[^<>]*>>")

Row = Mapping[str, Any]


def gsm8k(row: Row) -> dict[str, Any]:
    """`question`, `answer` (a solution with calculator marks, then `#### 72`)."""
    solution, _, answer = row["answer"].rpartition("####")
    rationale = _CALCULATOR_MARK.sub("", solution).strip()
    return {"question": row["question"], "answer": answer.strip(), "rationale": rationale}


def math(row: Row) -> dict[str, Any]:
    """`problem`, `solution` with the answer in its last box, `level`, `type`."""
    answer = boxed(row["solution"])[-1].span
    meta = {"level": row["level"], "type": row["type"]}
    return {"question": row["problem"], "answer": answer, "rationale": row["solution"], "meta": meta}


def svamp(row: Row) -> dict[str, Any]:
    """`ID`, `Body`, `Question`, `Equation`, `Answer`, `Type`."""
    body = row["Body"].strip()
    if body and body[-1] not in ".?!,":
        body += "."
    return {
        "id": row["ID"],
        "question": f"{body} {row['Question'].strip()}".strip(),
        "answer": row["Answer"],
        "rationale": row["Equation"],
        "meta": {"type": row["Type"]},
    }


def strategyqa(row: Row) -> dict[str, Any]:
    """`qid`, `term`, `question`, `answer` (a boolean), `facts` (one text or several)."""
    facts = row["facts"]
    return {
        "id": row["qid"],
        "question": row["question"],
        "answer": row["answer"],
        "rationale": facts if isinstance(facts, str) else " ".join(facts),
        "meta": {"term": row["term"]},
    }


def commonsenseqa(row: Row) -> dict[str, Any]:
    """`id`, `question`, `question_concept`, `choices` (`label`, `text`), `answerKey`."""
    return _labelled(row) | {"meta": {"concept": row["question_concept"]}}


def arc_challenge(row: Row) -> dict[str, Any]:
    """`id`, `question`, `choices` (`label`, `text`; the labels are A-E or 1-5), `answerKey`."""
    return _labelled(row)


def boolq(row: Row) -> dict[str, Any]:
    """`question` (without its question mark), `passage`, `answer` (a boolean)."""
    return {
        "question": row["question"].strip().removesuffix("?") + "?",
        "answer": row["answer"],
        "context": row["passage"],
    }


def _labelled(row: Row) -> dict[str, Any]:
    choices = row["choices"]
    gold = chr(ord("A") + list(choices["label"]).index(row["answerKey"]))
    return {"id": row["id"], "question": row["question"], "options": list(choices["text"]), "answer": gold}
