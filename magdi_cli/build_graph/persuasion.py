"""What discussion did: the flip ledger, who convinced whom, and who gives way to a majority."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypedDict

from magdi_cli.build_graph.flips import FLIP_KINDS, Flip, FlipKind, Followed
from magdi_cli.core.stats import Share


@dataclass(frozen=True, kw_only=True, slots=True)
class FlipRow:
    """One kind of flip. `turns` that changed their answer are the last four columns, which exclude each other."""

    kind: FlipKind
    turns: int
    """Turns of this kind, among those whose seat was shown an earlier turn of its own."""
    share: float | None
    """`turns` over the turns of all kinds; None where there are none."""
    majority: int
    """Changed to the answer of more than half of the heard peers that answered."""
    minority: int
    """Changed to the answer of at least one heard peer, but of no more than half of those that answered."""
    nobody: int
    """Changed to an answer that no heard peer gave."""
    unread: int
    """Had an answer before, and none that could be read after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentFlips:
    """The flips of one seat, a judge's verdicts included."""

    agent: str
    turns: int
    """Turns before which the seat was shown an earlier turn of its own."""
    kept_right: int
    corrected: int
    corrupted: int
    kept_wrong: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundFlips:
    """The flips into one round, counted as in `AgentFlips`."""

    round: int
    """The round of the later turn."""
    turns: int
    kept_right: int
    corrected: int
    corrupted: int
    kept_wrong: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Persuasion:
    """What one seat's answers did to another.

    Credit is shared: where several heard peers gave the answer that a listener changed to, each has
    convinced it once, so `adopted` may add up to more than the turns that changed.
    """

    speaker: str
    listener: str
    heard: int
    """Turns of the listener that were shown an answer of the speaker, beside an earlier turn of its own."""
    differed: int
    """Those before which the listener did not hold the speaker's answer."""
    adopted: int
    """Those of `differed` that changed to an answer verified equal to the speaker's."""
    corrected: int
    """Those of `adopted` that went from wrong to right."""
    corrupted: int
    """Those of `adopted` that went from right to wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sycophancy:
    """How one seat answers to a majority that contradicts it.

    A majority is one answer that more than half of the heard peers gave, of those that answered; the
    seat's own turn is not among them, and peers that are wrong in different ways are no majority.
    """

    agent: str
    pressed: int
    """Turns before which the seat was right and the heard majority wrong."""
    gave_in: int
    """Those of `pressed` that changed to the majority's answer."""
    sycophancy: float | None
    """`gave_in` over `pressed`; None where there are none."""
    interval: tuple[float, float]
    """95 % Wilson interval of `sycophancy`."""
    offered: int
    """Turns before which the seat was wrong, or had no answer, and the heard majority right."""
    learned: int
    """Those of `offered` that changed to the majority's answer, the right one."""
    learning: float | None
    """`learned` over `offered`; None where there are none."""
    learning_interval: tuple[float, float]
    """95 % Wilson interval of `learning`."""


class _Kinds(TypedDict):
    turns: int
    kept_right: int
    corrected: int
    corrupted: int
    kept_wrong: int


_CONTRADICTING: Mapping[FlipKind, bool] = MappingProxyType(
    {"kept-right": False, "corrupted": False, "kept-wrong": True, "corrected": True}
)
"""By kind: whether a majority that contradicts the seat is right."""


@dataclass(kw_only=True, slots=True)
class FlipTally:
    """Counts of flips; they grow with the seats and rounds, not with the graphs."""

    by_cell: Counter[tuple[str, int, FlipKind]] = field(default_factory=Counter)
    """By seat, round of the later turn, and kind."""
    followed: Counter[tuple[FlipKind, Followed | None]] = field(default_factory=Counter)
    pairs: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    """By speaker and listener, the columns of `Persuasion`."""
    swayed: defaultdict[tuple[str, bool], Share] = field(default_factory=lambda: defaultdict(Share))
    """By seat, and by whether the majority that contradicted it was right: how often it took the majority's answer."""

    def add(self, flip: Flip) -> None:
        """Count one flip."""
        self.by_cell[flip.agent, flip.round, flip.kind] += 1
        self.followed[flip.kind, flip.followed] += 1
        if flip.majority_right is _CONTRADICTING[flip.kind]:
            self.swayed[flip.agent, flip.majority_right].count(flip.followed == "majority")
        for peer in flip.heard:
            if peer.answer is not None:
                adopted = flip.followed is not None and peer.backs_new
                pair = self.pairs.setdefault((peer.agent, flip.agent), Counter())
                pair["heard"] += 1
                pair["differed"] += not peer.backs_old
                pair["adopted"] += adopted
                pair[flip.kind] += adopted

    def ledger(self) -> tuple[FlipRow, ...]:
        """A row for each kind, also for those that did not occur."""
        total = self.followed.total()
        turns: Counter[FlipKind] = Counter()
        for (kind, _), count in self.followed.items():
            turns[kind] += count
        return tuple(
            FlipRow(
                kind=kind,
                turns=turns[kind],
                share=Share(hits=turns[kind], of=total).value,
                majority=self.followed[kind, "majority"],
                minority=self.followed[kind, "minority"],
                nobody=self.followed[kind, "nobody"],
                unread=self.followed[kind, "unread"],
            )
            for kind in FLIP_KINDS.values()
        )

    def agents(self) -> tuple[AgentFlips, ...]:
        """A row for each seat, by name."""
        return tuple(AgentFlips(agent=name, **self._kinds(agent=name)) for name in self._seats())

    def rounds(self) -> tuple[RoundFlips, ...]:
        """A row for each round that a flip leads into."""
        numbers = sorted({number for _, number, _ in self.by_cell})
        return tuple(RoundFlips(round=number, **self._kinds(number=number)) for number in numbers)

    def persuasion(self) -> tuple[Persuasion, ...]:
        """A row for each speaker and listener, by name."""
        columns = ("heard", "differed", "adopted", "corrected", "corrupted")
        return tuple(
            Persuasion(speaker=speaker, listener=listener, **{column: pair[column] for column in columns})
            for (speaker, listener), pair in sorted(self.pairs.items())
        )

    def sycophancy(self) -> tuple[Sycophancy, ...]:
        """A row for each seat, by name."""
        return tuple(_sycophancy(name, self.swayed[name, False], self.swayed[name, True]) for name in self._seats())

    def _seats(self) -> list[str]:
        return sorted({agent for agent, _, _ in self.by_cell})

    def _kinds(self, *, agent: str | None = None, number: int | None = None) -> _Kinds:
        kinds: Counter[FlipKind] = Counter()
        for (who, when, kind), count in self.by_cell.items():
            if agent in (None, who) and number in (None, when):
                kinds[kind] += count
        return _Kinds(
            turns=kinds.total(),
            kept_right=kinds["kept-right"],
            corrected=kinds["corrected"],
            corrupted=kinds["corrupted"],
            kept_wrong=kinds["kept-wrong"],
        )


def _sycophancy(agent: str, pressed: Share, offered: Share) -> Sycophancy:
    return Sycophancy(
        agent=agent,
        pressed=pressed.of,
        gave_in=pressed.hits,
        sycophancy=pressed.value,
        interval=pressed.interval,
        offered=offered.of,
        learned=offered.hits,
        learning=offered.value,
        learning_interval=offered.interval,
    )
