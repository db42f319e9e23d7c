"""NaN and infinity: what backends make of them, and where one gives them and others do not."""

from keras_parity.known.divergence import (
    EQUAL,
    NOBODY,
    ORDINARY,
    SATURATED,
    SPECIAL,
    DrawKind,
    KnownDivergence,
    gradient,
    output,
    raises,
)
from keras_parity.protocol.cause import Cause

_NAN, _MEANT = Cause.NAN, Cause.SEMANTIC
_ACTIVATIONS = "Relu ReLU HardTanh SparseSigmoid Abs Absolute Elu ELU Selu Celu Softsign HardSilu Cbrt PReLU"

DIVERGENCES = (
    KnownDivergence(
        name="angle-of-negative-zero",
        title="ops.angle of -0.0 is pi on JAX and 0 elsewhere.",
        signs=(
            output("jax", "Angle", EQUAL, _MEANT, largest=3.2),
            gradient("jax", "Angle", EQUAL, _NAN),
        ),
        matters_when="the angle of real numbers that may be -0.0 is taken.",
        what_to_do="Add 0.0 to the argument, which turns -0.0 into 0.0.",
    ),
    KnownDivergence(
        name="argmax-of-nan",
        title="ops.argmax and argmin skip NaN on TensorFlow and find it elsewhere.",
        signs=(output("tensorflow", "Argmax Argmin", SPECIAL, _MEANT),),
        matters_when="the argument may hold NaN.",
        what_to_do="Replace NaN with ops.nan_to_num first.",
    ),
    KnownDivergence(
        name="cosh-near-overflow",
        title="ops.cosh and sinh of 89 are infinite on PyTorch in large arrays, and 2.2e38 in small ones.",
        signs=(output("torch", "Cosh Sinh", SATURATED, _NAN, says="infinite"),),
        matters_when="the argument is between 88.73 and 89.4.",
        what_to_do="Keep the argument below 88.",
    ),
    KnownDivergence(
        name="erf-of-infinity",
        title="ops.erf of infinity in float64 is NaN on TensorFlow.",
        signs=(output("tensorflow", "Erf", SPECIAL, _NAN, dtypes=("float64",)),),
        matters_when="a float64 model takes erf, or an exact gelu, of infinity.",
        what_to_do="Clip the argument to -10 and 10.",
    ),
    KnownDivergence(
        name="floor-divide-by-infinity",
        title="ops.floor_divide with an infinity differs on TensorFlow.",
        signs=(output(f"tensorflow {NOBODY}", "FloorDivide", SPECIAL, _NAN),),
        matters_when="a divisor or a dividend may be infinite.",
        what_to_do="Replace infinities first.",
    ),
    KnownDivergence(
        name="gradients-at-nan-and-infinity",
        title="The gradients of common functions at NaN and infinity depend on the backend.",
        signs=(
            gradient(f"tensorflow jax {NOBODY}", _ACTIVATIONS, SPECIAL, _NAN),
            gradient(f"jax torch {NOBODY}", _ACTIVATIONS, SPECIAL, _MEANT),
        ),
        matters_when="activations are NaN or infinite, and then training has failed already.",
        what_to_do="Find where NaN or infinity arises.",
    ),
    KnownDivergence(
        name="gradients-beyond-the-domain",
        title="The gradient of ops.arccosh below 1, where it has no value, is a number on JAX and PyTorch.",
        signs=(
            gradient(
                "tensorflow",
                "Arccosh",
                ORDINARY | EQUAL | {DrawKind.LARGE, DrawKind.TINY},
                _NAN,
                says=r"^\d+ NaN(, \d+ infinite)? of \d+; ",
            ),
        ),
        matters_when="the argument may be below 1, where arccosh is NaN on every backend.",
        what_to_do="Keep the argument above 1.",
    ),
    KnownDivergence(
        name="gradients-of-reductions-at-nan",
        title="The gradients of reductions of NaN depend on the backend.",
        signs=(
            gradient("jax", "Max Min Amax Amin Ptp", SPECIAL, _NAN),
            gradient("torch", "Nanstd Nanvar", SPECIAL, _NAN),
            gradient("torch", "Median", SPECIAL, _MEANT),
        ),
        matters_when="activations are NaN, and then training has failed already.",
        what_to_do="Find where NaN arises.",
    ),
    KnownDivergence(
        name="gradients-of-two-arguments-at-nan-and-infinity",
        title="The gradients of functions of two arguments at NaN and infinity depend on the backend.",
        signs=(
            gradient(
                f"tensorflow jax torch {NOBODY}",
                "Fmax Fmin Maximum Minimum Fmod Mod Power Logaddexp",
                SPECIAL,
                _NAN,
                _MEANT,
            ),
            gradient("torch", "Arctan2", SPECIAL | EQUAL, _NAN, says="^finite; |NaN"),
        ),
        matters_when="an argument is NaN or infinite, or both arguments of arctan2 are 0.",
        what_to_do="Replace what is not finite first; add an epsilon to an argument of arctan2.",
    ),
    KnownDivergence(
        name="heaviside-of-nan",
        title="ops.heaviside of NaN is three different things.",
        signs=(output(f"tensorflow torch {NOBODY}", "Heaviside", SPECIAL, _NAN),),
        matters_when="the argument may be NaN.",
        what_to_do="Replace NaN first.",
    ),
    KnownDivergence(
        name="hypot-of-infinity",
        title="ops.hypot of two infinities is NaN on TensorFlow.",
        signs=(
            output("tensorflow", "Hypot", SPECIAL, _NAN),
            gradient(NOBODY, "Hypot", SPECIAL, _NAN),
        ),
        matters_when="both sides may be infinite.",
        what_to_do="Replace infinities first.",
    ),
    KnownDivergence(
        name="isclose-of-infinity",
        title="ops.isclose calls equal infinities different, and a number close to infinity, on TensorFlow.",
        signs=(output("tensorflow", "Isclose", SPECIAL, _MEANT),),
        matters_when="infinities are compared.",
        what_to_do="Compare infinities with ops.equal.",
    ),
    KnownDivergence(
        name="linspace-of-one",
        title="ops.linspace of tensors with num=1 is NaN on PyTorch.",
        signs=(output("torch", "Linspace", ORDINARY, _NAN, says=r"NaN of \d+; \w+: finite"),),
        matters_when="num is 1.",
        what_to_do="Use the start itself.",
    ),
    KnownDivergence(
        name="logdet-of-negative-determinants",
        title="ops.logdet of a matrix with a negative determinant is a number on JAX and NaN elsewhere.",
        signs=(
            output(f"jax {NOBODY}", "Logdet", ORDINARY, _NAN),
            gradient(f"tensorflow jax {NOBODY}", "Logdet", ORDINARY, _NAN, _MEANT),
        ),
        matters_when="a determinant may be negative.",
        what_to_do="Use ops.slogdet, or matrices that are positive definite.",
    ),
    KnownDivergence(
        name="nancumsum-of-infinity",
        title="ops.nancumsum replaces infinities, too, on TensorFlow and PyTorch.",
        signs=(
            output("jax", "Nancumsum", SPECIAL, _NAN),
            output("jax", "Nancumprod", SPECIAL, _NAN),
            gradient("jax", "Nancumsum", SPECIAL, _MEANT),
        ),
        matters_when="the argument may hold infinities.",
        what_to_do="Replace NaN yourself, and use ops.cumsum.",
    ),
    KnownDivergence(
        name="segments-without-members",
        title="ops.segment_max and segment_min of an empty segment differ.",
        signs=(
            output("tensorflow", "SegmentMax SegmentMin", ORDINARY | EQUAL, _NAN, says="^finite; .*infinite"),
            output("torch", "SegmentMax SegmentMin", ORDINARY | EQUAL, _MEANT),
        ),
        matters_when="a segment may be empty, as a node without neighbours.",
        what_to_do="Replace the results of empty segments with ops.where, by a count from segment_sum.",
    ),
    KnownDivergence(
        name="shrinking-nan",
        title="ops.hard_shrink and soft_shrink turn NaN into 0 on TensorFlow and JAX.",
        signs=(output("torch", "HardShrink SoftShrink", SPECIAL, _NAN),),
        matters_when="the argument may be NaN, which TensorFlow and JAX then hide.",
        what_to_do="Look for NaN before the operation.",
    ),
    KnownDivergence(
        name="sign-of-nan",
        title="ops.sign of NaN is 0 on PyTorch and NaN elsewhere.",
        signs=(output("torch", "Sign", SPECIAL, _NAN),),
        matters_when="the argument may be NaN, which PyTorch then hides.",
        what_to_do="Look for NaN before the operation.",
    ),
    KnownDivergence(
        name="sort-of-nan",
        title="ops.sort and argsort put NaN elsewhere on TensorFlow.",
        signs=(
            output("tensorflow", "Sort Argsort", SPECIAL, _NAN, _MEANT),
            gradient("tensorflow", "Sort", SPECIAL, _MEANT),
        ),
        matters_when="the argument may be NaN.",
        what_to_do="Replace NaN first.",
    ),
    KnownDivergence(
        name="cholesky-of-indefinite-matrices",
        title=(
            "ops.cholesky of an indefinite matrix raises on TensorFlow and PyTorch, and is NaN on JAX within a "
            "compiled model."
        ),
        signs=(raises("tensorflow torch", "Cholesky", "(?i)cholesky.*(failed|not positive|could not be completed)"),),
        matters_when="a matrix may not be positive definite.",
        what_to_do="Add a multiple of the identity to the matrix.",
    ),
)
