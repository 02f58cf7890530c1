"""Who wins when answers differ.

Answers are first grouped by verified equality. A group's confidence weight is a whole number of
tenths, so sums are exact and ties are real. One tie rule everywhere: more weight, then more voices,
then the group whose first voice came first.
"""

from collections.abc import Callable, Sequence

from magdi_cli.core.problem import Answer

Same = Callable[[Answer, Answer], bool]
"""Whether two answers to one problem are verified equal."""

CONFIDENCE_STEPS: tuple[tuple[float, int], ...] = ((1.0, 10), (0.9, 8), (0.8, 5))
"""`(at least, weight in tenths)`; then above 0.6 weighs 3, anything else 1 (ReConcile's released code)."""


def confidence_weight(confidence: float | None) -> int:
    """The recalibrated weight of a confidence, in tenths; an unstated one weighs least."""
    if confidence is None:
        return 1
    for at_least, weight in CONFIDENCE_STEPS:
        if confidence >= at_least:
            return weight
    return 3 if confidence > 0.6 else 1


def group_answers(answers: Sequence[Answer | None], same: Same) -> list[list[int]]:
    """Positions of equal answers, grouped, in order of first appearance; None joins no group."""
    groups: list[list[int]] = []
    for position, answer in enumerate(answers):
        if answer is None:
            continue
        for group in groups:
            first = answers[group[0]]
            if first is not None and same(first, answer):
                group.append(position)
                break
        else:
            groups.append([position])
    return groups


def heaviest(groups: Sequence[Sequence[int]], weights: Sequence[int]) -> Sequence[int] | None:
    """The winning group by the tie rule above; None when there are no groups."""
    return max(
        groups,
        key=lambda group: (sum(weights[i] for i in group), len(group), -group[0]),
        default=None,
    )


def weighted_vote(answers: Sequence[Answer | None], weights: Sequence[int], same: Same) -> Answer | None:
    """The answer that weighs most, by the tie rule above; None when nobody answered."""
    winner = heaviest(group_answers(answers, same), weights)
    return answers[winner[0]] if winner else None


def confidence_vote(answers: Sequence[Answer | None], confidences: Sequence[float | None], same: Same) -> Answer | None:
    """ReConcile's team answer (arXiv 2309.13007): the confidence-weighted vote; None when nobody answered."""
    return weighted_vote(answers, [confidence_weight(c) for c in confidences], same)


def majority(answers: Sequence[Answer | None], same: Same) -> Answer | None:
    """The most common answer; the earliest wins a tie; None when nobody answered."""
    return weighted_vote(answers, [1] * len(answers), same)
