"""Deciding: from what the executions computed to which of them is wrong, and in what way; NumPy alone.

`docs/how-it-decides.md` gives the reasons and the measurements behind each constant.
"""

from keras_parity.judge.accuracy import ACCURATE, compare_accuracy, unavoidable
from keras_parity.judge.difference import Difference, Error, count_compared, has_finite, largest, minority, raised
from keras_parity.judge.doubts import NEIGHBOURS, AskNeighbours, Nearby, sort_differences
from keras_parity.judge.equivalences import DECOMPOSITIONS, is_rounding, same_but_for_choices
from keras_parity.judge.judgement import (
    Judgement,
    agree_at_once,
    allowed_units,
    differ_around,
    judge_call,
    size_of,
)
from keras_parity.judge.meaning import SMALL, compare_meaning, is_meant, presence, smoothness
from keras_parity.judge.reloading import compare_reloaded, is_accurate
from keras_parity.judge.structure import compare_structure
from keras_parity.judge.training import (
    agree_closely,
    judge_fit,
    judge_own_loop,
    judge_part,
    judge_steps,
    same_steps,
)

__all__ = [
    "ACCURATE",
    "DECOMPOSITIONS",
    "NEIGHBOURS",
    "SMALL",
    "AskNeighbours",
    "Difference",
    "Error",
    "Judgement",
    "Nearby",
    "agree_at_once",
    "agree_closely",
    "allowed_units",
    "compare_accuracy",
    "compare_meaning",
    "compare_reloaded",
    "compare_structure",
    "count_compared",
    "differ_around",
    "has_finite",
    "is_accurate",
    "is_meant",
    "is_rounding",
    "judge_call",
    "judge_fit",
    "judge_own_loop",
    "judge_part",
    "judge_steps",
    "largest",
    "minority",
    "presence",
    "raised",
    "same_but_for_choices",
    "same_steps",
    "size_of",
    "smoothness",
    "sort_differences",
    "unavoidable",
]
