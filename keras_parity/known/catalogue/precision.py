"""Digits that one backend loses."""

from keras_parity.known.divergence import (
    NOBODY,
    ONE_OR_EQUAL,
    ORDINARY,
    DrawKind,
    KnownDivergence,
    Sign,
    gradient,
    output,
)
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind

_PRECISION = Cause.PRECISION
_FLOAT64 = ("float64",)
_HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
_ELU = "Elu ELU Selu"
_VARIANCES = frozenset({"BatchNormalization", "GroupNormalization", "Moments", "Var", "Std"})

DIVERGENCES = (
    KnownDivergence(
        name="variance-of-near-constants",
        title=(
            "The variance of close values loses its digits on PyTorch, and where it is negative "
            "BatchNormalization gives NaN."
        ),
        signs=(
            Sign(
                operations=_VARIANCES,
                alone=frozenset({"torch"}),
                kinds=frozenset({Kind.OUTPUT, Kind.GRADIENT, Kind.STATE}),
                causes=frozenset({_PRECISION, Cause.NAN}),
                draws=ONE_OR_EQUAL | {DrawKind.TINY},
                # A unit is half a rounding of the result's largest entry at least: this is all of the result.
                most_units=2.0**25,
            ),
            Sign(  # with a momentum of 0 the state is the variance itself, of which nothing is left
                operations=_VARIANCES,
                alone=frozenset({"torch"}),
                kinds=frozenset({Kind.STATE}),
                causes=frozenset({_PRECISION}),
                draws=ONE_OR_EQUAL | {DrawKind.TINY},
                names=("*moving_variance",),
            ),
            Sign(
                operations=_VARIANCES,
                alone=frozenset({"torch"}),
                kinds=frozenset({Kind.OUTPUT, Kind.GRADIENT, Kind.STATE}),
                causes=frozenset({_PRECISION}),
                draws=ORDINARY | {DrawKind.LARGE},
                # Half of what a single detour through float16 costs. It takes a mean a hundred times the deviation.
                most_units=4096.0,
            ),
        ),
        matters_when="a channel is nearly constant over a batch and its mean is large beside its deviation.",
        what_to_do="Raise the normalisation's epsilon (1e-3 in place of 1e-5), or do not train on blank images.",
    ),
    KnownDivergence(
        name="batch-normalization-of-equal-values",
        title="BatchNormalization of equal values, as in a batch of one, is off by 1e-5 or more on TensorFlow and JAX.",
        signs=(
            output(
                "tensorflow jax",
                "BatchNormalization",
                ONE_OR_EQUAL | {DrawKind.TINY},
                _PRECISION,
                # The mean's rounding over the root of epsilon: of pixels up to 255 and epsilon 1e-5, 5e-3.
                largest=1e-2,
            ),
        ),
        matters_when="epsilon is small (1e-5) and a channel is constant over a batch, as with one example.",
        what_to_do="Raise the normalisation's epsilon to 1e-3, or do not train on a batch of one.",
    ),
    KnownDivergence(
        name="elu-near-zero",
        title="ops.elu and ops.selu of numbers close to zero lose their digits on TensorFlow.",
        # They are off by a unit of the dtype beside 1, and what encloses them may double that a few times.
        signs=(
            output("tensorflow", _ELU, {DrawKind.TINY}, _PRECISION, largest=1e-6),
            output("tensorflow", _ELU, {DrawKind.TINY}, _PRECISION, largest=3e-2, dtypes=_HALF),
            *(
                output("tensorflow", "Activation", {DrawKind.TINY}, _PRECISION, largest=1e-6).where(activation=name)
                for name in ("elu", "selu")
            ),
        ),
        matters_when="the arguments are as small as 1e-4 throughout, and their relative error counts.",
        what_to_do="Use ops.where(x > 0, x, ops.expm1(ops.minimum(x, 0))).",
    ),
    KnownDivergence(
        name="logaddexp2-in-float64",
        title="ops.logaddexp2 of float64 takes log 2 in float32 on TensorFlow.",
        signs=(
            output("tensorflow", "Logaddexp2", ORDINARY, dtypes=_FLOAT64, largest=1e-5),
            gradient("tensorflow", "Logaddexp2", ORDINARY, dtypes=_FLOAT64, largest=1e-5),
        ),
        matters_when="a float64 model needs more digits than float32 has.",
        what_to_do="Divide ops.logaddexp of both, times log 2, by log 2 in float64.",
    ),
    KnownDivergence(
        name="precision-of-attention-in-float64",
        title="ops.dot_product_attention of float64 computes in float32 on JAX, and with a rounded scale elsewhere.",
        signs=(
            Sign(
                operations=frozenset({"DotProductAttention", "MultiHeadAttention", "GroupedQueryAttention"}),
                alone=frozenset({"tensorflow", "jax", "torch", NOBODY}),
                kinds=frozenset({Kind.OUTPUT, Kind.GRADIENT}),
                causes=frozenset({_PRECISION}),
                draws=ORDINARY,
                dtypes=frozenset(_FLOAT64),
                largest=1e-5,
            ),
        ),
        matters_when="a float64 model needs more digits than float32 has.",
        what_to_do="Set JAX_ENABLE_X64=1; elsewhere nothing helps.",
    ),
    KnownDivergence(
        name="precision-of-mel-filters",
        title="MelSpectrogram of float64 computes its filters in float32, on every backend.",
        signs=(
            output(f"tensorflow jax torch {NOBODY}", "MelSpectrogram", ORDINARY, dtypes=_FLOAT64, largest=1e-3),
            output(f"tensorflow jax torch {NOBODY}", "MelSpectrogram", ORDINARY, Cause.SEMANTIC, largest=1e-4),
        ),
        matters_when="a spectrogram needs more than five digits.",
        what_to_do="Compute the filters with NumPy, and multiply by them.",
    ),
    KnownDivergence(
        name="precision-of-scale-and-translate-in-float64",
        title="ops.image.scale_and_translate of float64 computes its weights in float32 on TensorFlow and PyTorch.",
        signs=(
            output(f"tensorflow torch {NOBODY}", "ScaleAndTranslate", ORDINARY, dtypes=_FLOAT64, largest=1e-4),
            gradient("tensorflow", "ScaleAndTranslate", ORDINARY, largest=1e-4),
        ),
        matters_when="a float64 model needs more digits than float32 has.",
        what_to_do="On TensorFlow give scale and translation as float64 arrays.",
    ),
    KnownDivergence(
        name="quantile-in-float64",
        title="ops.quantile of float64 computes in float32 on TensorFlow, in part, and on PyTorch.",
        signs=(
            output(f"tensorflow torch {NOBODY}", "Quantile Percentile Median", ORDINARY, dtypes=_FLOAT64, largest=1e-5),
            gradient("tensorflow", "Quantile Percentile", ORDINARY, largest=1e-6),
        ),
        matters_when="a float64 model needs more digits than float32 has.",
        what_to_do="Sort, and interpolate yourself.",
    ),
)
