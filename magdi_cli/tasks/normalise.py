"""Text made comparable: one form for characters that look alike, and only what a reader of a reply would see."""

import re
import unicodedata

from magdi_cli.core.thoughts import THOUGHT_TAG

_DASHES = re.compile("[\u2010-\u2013\u2212\ufe63\uff0d]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_BETWEEN_THOUSANDS = re.compile("(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_SUPERSCRIPTS = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_FRACTION_AFTER_DIGIT = re.compile("(?<=[0-9])(?=[\u00bc-\u00be\u2150-\u215e])")

_END_OF_REPLY = re.compile(r"</s>|<eos>|<end_of_turn>|<\|(?:im_end|endoftext|end_of_text|eot_id)\|>")
_NEXT_QUESTION = re.compile(r"\n[ \t]*(?:Q:|Question:|#+ ?Question\b|#+ ?Instruction\b|User:|Human:)")
_ANSWERED = re.compile(r"\banswer\b|\\boxed|####", re.IGNORECASE)


def normalise(text: str) -> str:
    """The text in NFKC with plain minus signs, digits and newlines; superscripts and fractions keep their meaning."""
    text = _NEWLINES.sub("\n", _INVISIBLE.sub("", _DASHES.sub("-", text)))
    text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), _BETWEEN_THOUSANDS.sub("", text))
    text = _SUPERSCRIPTS.sub(lambda digits: f"^{{{unicodedata.normalize('NFKC', digits[0])}}}", text)
    text = _FRACTION_AFTER_DIGIT.sub(" ", text)
    return unicodedata.normalize("NFKC", text).replace("\u2044", "/")


def visible(text: str) -> str:
    """The reply proper: without thoughts, end markers, and questions that the model goes on to ask itself."""
    text = without_thoughts(text)
    if end := _END_OF_REPLY.search(text):
        text = text[: end.start()]
    answered = _ANSWERED.search(text)
    if answered and (question := _NEXT_QUESTION.search(text, answered.end())):
        text = text[: question.start()]
    return text.strip()


def without_thoughts(text: str) -> str:
    """What stands outside `<think>...</think>`; a thought may lack either tag."""
    shown: list[str] = []
    pieces = THOUGHT_TAG.split(text)
    thinking = False
    for piece, closing in zip(pieces[::2], [*pieces[1::2], None], strict=True):
        if not thinking and closing != "/":
            shown.append(piece)
        elif not thinking:
            shown.clear()  # the prompt opened this thought
        thinking = closing == ""
    return " ".join(shown)


def key(text: str, *, cased: bool = False) -> str:
    """A text for comparing words: lower case, no articles, no punctuation around it, single spaces."""
    text = normalise(text)
    words = (text if cased else text.casefold()).split()
    plain = " ".join(words).strip(" .,;:!?\"'`*_()[]{}$")
    return re.sub(r"^(?:an?|the) (?=.)", "", plain)
