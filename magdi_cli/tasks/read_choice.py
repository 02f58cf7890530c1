"""Answers that name one of several options: by letter, by text or by number."""

import re

from magdi_cli.core.problem import Answer
from magdi_cli.tasks import option_text
from magdi_cli.tasks.anchors import Anchor
from magdi_cli.tasks.judgement import (
    Choices,
    Extraction,
    Reader,
    Verdict,
    conclusive,
    extraction,
    first_sentence,
    sentences,
)
from magdi_cli.tasks.normalise import key

_WRAPPING = re.compile(r"\\(?:text|textbf|mathrm|mathbf|boxed)\s*\{|[*_`\"$\\{}]")
_LETTER = re.compile(
    r"\W*?(?:(?:most likely|most probably|likely|probably|clearly|definitely|indeed|therefore|thus)\b[\s,:]*)?"
    r"(?P<word>(?:the )?(?:option|choice|letter|answer)\s+)?"
    r"(?P<open>[(\[])?(?P<letter>[A-Z])(?P<close>[)\]])?(?=\Z|[\s.,:;!?/&-])",
    re.IGNORECASE,
)
_AFTER_LETTER = re.compile(r"\s*(?:\Z|[.,:;!?)\]-])|\s+(?:is|was|because|since|as|and|or|for|would)\b", re.IGNORECASE)
_OR_ANOTHER = re.compile(r"[\s,.)]*(?:or|and|&|/|,)\s*(?:option\s+)?[(\[]?([A-Z])(?=\Z|[\s.,:;!?)\]])")
_OR_BRACKETED = re.compile(r"\b(?:or|and)\s+(?:option\s+)?\(?([A-Za-z])\)")
_SEVERAL = re.compile(r"\W*(?:both|either|neither|all of|none of)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\W*(?:option|choice|number)?\s*#?([0-9]{1,2})(?=\Z|[.,:;)\]\s])", re.IGNORECASE)
_IS_RIGHT = re.compile(
    r"(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer)\s+\(?([A-Z])\b\)?|\(([A-Z])\)|\A\W*([A-Z])\b|\n[^\w\n]*([A-Z])\b"
    r"|\b(?:[Ss]o|[Tt]hus|[Hh]ence|[Tt]herefore),?\s([A-Z])\b)[^.\n]{0,80}?"
    r"\bis\s+(?:therefore\s+|thus\s+|likely\s+)?(?:the\s+)?(?:(?:most|best|only)\s+)?(?:\w+\s+)?"
    r"(?:correct|right|answer|option|choice)\b"
)
_NAMED = re.compile(r"\(([A-Z])\)|\b[Oo]ption\s+\(?([A-Z])\b|\b[Cc]hoice\s+\(?([A-Z])\b")
_STRICT_LETTER = re.compile(r"\W*?(?:\(([A-Za-z])\)|\b([A-Z])[.):](?=\s|\Z)|\b([A-Z])(?=\W*\Z|\W*\n))")
_LEADING_NUMBER = re.compile(r"\W*(?:option\s+)?([0-9]{1,2})\W*?(?:[.):]|\Z)", re.IGNORECASE)
_LISTED = re.compile(r"^[^\w\n]*(?:([A-Z])|([0-9]{1,2}))[.):]\s", re.MULTILINE)
_RESTATED = re.compile(
    r"\W*\b" + r"[.):]\s[^.!?()]{1,80}\W{1,4}".join("ABC") + r"[.):]\s",
    re.IGNORECASE,
)
"""The options once more, one after the other."""
_NEGATION = re.compile(r"\bnot\b|n't\b|\bcannot\b|\bunlikely\b|\bneither\b|\bnor\b|\brather than\b", re.IGNORECASE)


def _canonical(text: str, choices: Choices) -> Answer | None:
    """The option a short text names; its whole text goes before a letter, a letter before a number."""
    plain = _WRAPPING.sub(" ", text).strip()
    if whole := option_text.whole(plain, choices):
        return whole
    if _SEVERAL.match(plain) or _RESTATED.match(plain):
        return None
    return _named(plain, choices) or option_text.contained(first_sentence(plain), choices)


def _named(text: str, choices: Choices) -> Answer | None:
    """The option with which a text begins; None for several."""
    if _SEVERAL.match(text):
        return None
    match = _LETTER.match(text)
    if match and _means_letter(match, text, choices):
        return _in_range(match["letter"], choices) if not _others(text, match, choices) else None
    return option_text.leading(text, choices) or _numbered(text, choices)


def _means_letter(match: re.Match[str], text: str, choices: Choices) -> bool:
    """Whether a single letter is an option's, not an article or a pronoun."""
    if match["open"] or match["close"] or match["word"]:
        return True
    alone = not text[match.end() :].strip(" .,:;!?")
    if match["letter"].islower():
        return alone
    follows = _AFTER_LETTER.match(text, match.end()) is not None
    return (
        follows
        or match["letter"] not in "AI"
        or _in_range(match["letter"], choices) == option_text.leading(text[match.end() :], choices)
    )


def _others(text: str, match: re.Match[str], choices: Choices) -> bool:
    """Whether the sentence goes on to name another letter beside the first."""
    rest = first_sentence(text[match.end() :])
    also = _OR_ANOTHER.match(rest) or _OR_BRACKETED.search(rest)
    other = _in_range(also[1], choices) if also else None
    return other is not None and other != match["letter"].upper()


def _in_range(name: str, choices: Choices) -> Answer | None:
    return Answer(name.upper()) if ord(name.upper()) - ord("A") < len(choices) else None


def _numbered(text: str, choices: Choices) -> Answer | None:
    """Option `3` as `C`, unless the options are themselves numbers."""
    match = _NUMBER.match(text)
    if match is None or any(key(choice)[:1].isdigit() for choice in choices):
        return None
    return option_text.letter(int(match[1]) - 1) if 1 <= int(match[1]) <= len(choices) else None


def _anchored(anchor: Anchor, choices: Choices) -> Answer | None:
    if conclusive(anchor):
        return _canonical(anchor.span, choices)
    plain = _WRAPPING.sub(" ", anchor.span).strip()
    if _RESTATED.match(plain):
        return None
    return option_text.whole(first_sentence(plain), choices) or _named(plain, choices)


def _fallback(text: str, choices: Choices) -> Extraction | None:
    plain = _WRAPPING.sub(" ", text)
    lines = [line for line in plain.splitlines() if line.strip()] or [""]
    return (
        extraction(_leading(plain, lines[0], choices), "leading-option")
        or extraction(_declared_right(plain, choices), "declared-right")
        or extraction(_closing(lines, choices), "closing-option")
        or extraction(_only_letter(plain, choices), "only-letter")
        or extraction(_only_option(plain, choices), "only-option")
    )


def _leading(text: str, line: str, choices: Choices) -> Answer | None:
    """The option that stands before the reasoning; the first item of a list is none."""
    if len(_LISTED.findall(text)) > 1 or _RESTATED.match(line):
        return None
    first = first_sentence(line)
    if len(first) == 1 and first.isalpha() and len(text.strip(" .")) == 1:
        return _in_range(first, choices)
    return _strict_letter(line, choices) or option_text.whole(first, choices) or _leading_number(line, choices)


def _leading_number(line: str, choices: Choices) -> Answer | None:
    """The option whose number, or whose number and text, a line begins with; `1.` alone may begin a list."""
    match = _LEADING_NUMBER.match(line)
    if match is None:
        return None
    rest = line[match.end() :].strip()
    begins_list = match[1] == "1" and rest != ""
    return option_text.leading(rest, choices) or (None if begins_list else _numbered(line, choices))


def _strict_letter(line: str, choices: Choices) -> Answer | None:
    match = _STRICT_LETTER.match(line)
    name = next((group for group in match.groups() if group), None) if match else None
    return _in_range(name, choices) if name else None


def _declared_right(text: str, choices: Choices) -> Answer | None:
    """The last option that a sentence calls correct."""
    names = [next(filter(None, match.groups())) for match in _IS_RIGHT.finditer(text) if not _NEGATION.search(match[0])]
    return _in_range(names[-1], choices) if names else None


def _closing(lines: list[str], choices: Choices) -> Answer | None:
    """The option that is the last line; the last of a list of options is none."""
    if (lines[:-1] and _strict_letter(lines[-2], choices)) or _RESTATED.match(lines[-1]):
        return None
    return _strict_letter(lines[-1], choices) or option_text.whole(lines[-1], choices)


def _only_letter(text: str, choices: Choices) -> Answer | None:
    """The one letter named in the last sentence, or in all that deny nothing; None for several."""
    for said in (_conclusion(text), _affirmed(text)):
        named = {_in_range("".join(groups), choices) for sentence in said for groups in _NAMED.findall(sentence)}
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def _only_option(text: str, choices: Choices) -> Answer | None:
    """The only option mentioned in the last sentence, or in all that deny nothing."""
    closing = [option_text.contained(sentence, choices) for sentence in _conclusion(text)]
    return next(filter(None, closing), None) or option_text.contained(" ; ".join(_affirmed(text)), choices)


def _conclusion(text: str) -> list[str]:
    """The last sentence, in a list; an empty one where it denies something or is an item of a list."""
    listed = _LISTED.match(text.rstrip().rpartition("\n")[2])
    return [sentence for sentence in sentences(text)[-1:] if not listed and not _NEGATION.search(sentence)]


def _affirmed(text: str) -> list[str]:
    return [sentence for sentence in sentences(text) if not _NEGATION.search(sentence)]


def _same(one: Answer, other: Answer, choices: Choices) -> Verdict:
    """Equal letters, or letters of two options with the same text."""
    left, right = _canonical(one, choices), _canonical(other, choices)
    if left is None or right is None:
        return Verdict(correct=False, method="option")
    equal = left == right or option_text.alike(left, right, choices)
    return Verdict(correct=equal, method="option")


CHOICE = Reader(canonical=_canonical, anchored=_anchored, fallback=_fallback, same=_same)
