"""What a person probably meant by a name that there is not."""

import difflib
import re
from collections.abc import Iterable


def find_near(text: str, names: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the names that `text` is probably a misspelling of, or the initials of: `lr` is near `learning_rate`.

    Args:
        text: What was typed.
        names: All that there are; their words are separated by `_` or `-`.
        most: How many to return at most.
        cutoff: How alike they must be, from 0 to 1, as `difflib` measures it.
    """
    names = list(names)
    initials = text.strip("-").lower()
    by_initials = [name for name in names if len(initials) > 1 and _initials(name) == initials]
    alike = difflib.get_close_matches(text, names, most, cutoff)
    return [*by_initials, *(name for name in alike if name not in by_initials)][:most]


def _initials(name: str) -> str:
    return "".join(word[0] for word in re.split("[_-]", name) if word)
