"""What a numeric class allows, in words for readers who do not know opcov's names of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

EXACT = "nothing is rounded here, so results are equal to eager's bit for bit, any NaN to any other"
_PROMISED = re.compile(r", promised by (\S+)$")
_CLASS = re.compile(r"([\w ]+?)(?:\((.*)\))?$")
_WORDS: Mapping[str, str] = {
    "exact": EXACT,
    "ulp": "each element is within {} units of roundoff of eager's result in float64",
    "linear": "a sum of products is within roundoff times its length, {}, times the op on absolute inputs, of eager's "
    "result in float64 (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1)",
    "tail": "each element is within {} units of roundoff of the op on absolute inputs in float64",
    "composite": "each element is within the roundoffs of the parts, {}, of eager's result in float64, and as much "
    "more as the result changes when every input moves by one roundoff",
    "distribution": "random values have the range, the mean and the standard deviation of their law",
    "shape only": "values are not compared, only shape and dtype",
}


def bound_in_words(numeric: str | None) -> str:
    """What a numeric class, as a journal names it, allows; a class that is not known is named."""
    if not numeric:
        return EXACT
    promised = _PROMISED.search(numeric)
    if promised:
        name = numeric.partition("(")[0]
        return f"that is the accuracy which the {promised[1].upper()} specification states of {name}, from float64"
    found = _CLASS.match(numeric)
    name, inside = (found[1], found[2] or "") if found else ("", "")
    if name in _WORDS:
        return _WORDS[name].format(inside)
    if re.fullmatch(r"[\d.e+]+", inside):
        return f"{name} is within {inside} units of roundoff of its value in float64"
    return numeric
