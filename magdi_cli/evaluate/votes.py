"""What one set of samples says about fewer of them: exact expectations over all subsets, nothing drawn again."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import comb, log2

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.voting import group_answers
from magdi_cli.tasks.answers import same_answer, verify

Counts = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How the samples of a problem fall into groups of verified-equal answers."""

    right: Counts
    """Sizes of the groups whose answer is correct; more than one only where equality is not transitive."""
    wrong: Counts
    """Sizes of the others."""
    unread: int
    """Samples without an answer: never a winner, but in the way."""

    @property
    def samples(self) -> int:
        """All of them."""
        return sum(self.right) + sum(self.wrong) + self.unread

    @property
    def correct(self) -> int:
        """Correct samples."""
        return sum(self.right)

    @property
    def distinct(self) -> int:
        """Different answers."""
        return len(self.right) + len(self.wrong)

    @property
    def tied(self) -> bool:
        """Whether several answers share the most votes."""
        sizes = self.right + self.wrong
        return bool(sizes) and sizes.count(max(sizes)) > 1

    @property
    def entropy(self) -> float:
        """Entropy of the answers in bits; those that could not be read count as one answer."""
        counts = [count for count in (*self.right, *self.wrong, self.unread) if count]
        return -sum(count / self.samples * log2(count / self.samples) for count in counts) + 0.0

    @cached_property
    def maj_at(self) -> tuple[float, ...]:
        """Probability that a vote over 1, 2, ... of the samples, drawn without replacement, is correct.

        A tie is shared evenly among the tied answers, which is what it comes to over all orders of the samples;
        the vote itself gives it to the earliest. Where nobody answered, nothing is correct.
        """
        return _maj_at(tuple(sorted(self.right)), tuple(sorted(self.wrong)), self.unread)

    @cached_property
    def pass_at(self) -> tuple[float, ...]:
        """Probability that 1, 2, ... of the samples hold a correct one (pass@k, arXiv 2107.03374, equation 1)."""
        n, wrong = self.samples, self.samples - self.correct
        return tuple(float(1 - Fraction(comb(wrong, k), comb(n, k))) for k in range(1, n + 1))


def shape_of(answers: Sequence[Answer | None], problem: Problem) -> Shape:
    """The shape of a problem's answers."""
    groups = group_answers(answers, same_answer(problem))
    verdicts = [verify(answers[group[0]], problem).correct for group in groups]
    sizes = list(zip(map(len, groups), verdicts, strict=True))
    return Shape(
        right=tuple(size for size, correct in sizes if correct),
        wrong=tuple(size for size, correct in sizes if not correct),
        unread=sum(answer is None for answer in answers),
    )


@lru_cache(maxsize=4096)
def _maj_at(right: Counts, wrong: Counts, unread: int) -> tuple[float, ...]:
    n = sum(right) + sum(wrong) + unread
    won = [Fraction(0)] * (n + 1)
    for place, size in enumerate(right):
        others = (*right[:place], *right[place + 1 :], *wrong)
        for votes in range(1, size + 1):
            for rest, share in enumerate(_beaten(others, unread, votes)):
                won[votes + rest] += comb(size, votes) * share
    return tuple(float(won[k] / comb(n, k)) for k in range(1, n + 1))


def _beaten(others: Counts, unread: int, votes: int) -> list[Fraction]:
    """By how many samples are drawn besides: the ways in which no other group has more votes, each divided by the tied.

    A polynomial in two variables: the samples drawn, and the groups that are tied with ours.
    """
    ways: list[list[int]] = [[comb(unread, count)] for count in range(unread + 1)]
    for size in others:
        longer = [[0] * (len(ways[0]) + 1) for _ in range(len(ways) + size)]
        for drawn, by_tied in enumerate(ways):
            for count in range(min(size, votes) + 1):
                for tied, ways_so_far in enumerate(by_tied):
                    longer[drawn + count][tied + (count == votes)] += ways_so_far * comb(size, count)
        ways = longer
    return [sum((Fraction(count, tied + 1) for tied, count in enumerate(by_tied)), Fraction(0)) for by_tied in ways]
