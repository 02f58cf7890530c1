"""Text of others made safe to print: nothing in it moves a cursor, hides or turns around other text."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|\u2028|\u2029")
_KEPT = frozenset("\n\u200c\u200d")
"""Line ends, and the joiners without which Persian and many emoji are spelled wrong."""
_CONTROL_PICTURES = 0x2400
_DELETE, _DELETE_PICTURE = "\x7f", "\u2421"


def harmless(text: str) -> str:
    """The text with every control and invisible format character replaced by a visible stand-in."""
    if text.isascii() and text.isprintable():
        return text
    lines = _LINE_ENDS.sub("\n", text).replace("\t", "    ")
    return "".join(character if _is_harmless(character) else _stand_in(character) for character in lines)


def harmless_document(value: object) -> object:
    """A JSON value whose strings, keys included, are harmless."""
    match value:
        case str():
            return harmless(value)
        case list():
            return [harmless_document(item) for item in value]
        case dict():
            return {harmless(key): harmless_document(item) for key, item in value.items()}
        case _:
            return value


def _is_harmless(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def _stand_in(character: str) -> str:
    if character < " ":
        return chr(_CONTROL_PICTURES + ord(character))
    return _DELETE_PICTURE if character == _DELETE else f"<U+{ord(character):04X}>"
