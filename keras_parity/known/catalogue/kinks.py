"""Derivatives at kinks and ties, where several are right or one backend takes a wrong one, and at zeros."""

from keras_parity.known.divergence import (
    EQUAL,
    EVERY,
    NOBODY,
    NORMAL,
    ONE_OR_EQUAL,
    SATURATED,
    DrawKind,
    KnownDivergence,
    gradient,
    raises,
)
from keras_parity.protocol.cause import Cause

_TINY = frozenset({DrawKind.TINY})
_MEANT = Cause.SEMANTIC

DIVERGENCES = (
    KnownDivergence(
        name="abs-gradient-at-zero",
        title="The gradient of ops.abs at zero is 1 on JAX and 0 elsewhere.",
        signs=(
            gradient("jax", "Abs Absolute Fabs", EQUAL, _MEANT, largest=NORMAL),
            gradient("jax", "L1 L1L2", {DrawKind.BLANK}, _MEANT, largest=NORMAL),
        ),
        matters_when="the argument is exactly 0 for many elements, as the difference of two ReLU outputs.",
        what_to_do="Use ops.sqrt(ops.square(x) + epsilon), or accept it: any number from -1 to 1 is a subgradient.",
    ),
    KnownDivergence(
        name="adaptive-max-pooling-gradient-at-ties",
        title="The gradient of AdaptiveMaxPooling2D goes to another one of equal maxima on PyTorch.",
        signs=(
            gradient("torch", "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D", EQUAL, _MEANT),
            gradient("torch", "AdaptiveMaxPool", EQUAL, _MEANT),
        ),
        matters_when="windows hold equal maxima, as zeros behind a ReLU, and which of them learns is of importance.",
        what_to_do="Accept it, or use MaxPooling, which takes the first maximum everywhere.",
    ),
    KnownDivergence(
        name="cbrt-gradient-at-zero",
        title="The gradient of ops.cbrt at zero is infinite on JAX and NaN elsewhere.",
        signs=(gradient("jax", "Cbrt", EQUAL, Cause.NAN, says=r"infinite of \d+; \w+: \d+ NaN"),),
        matters_when="the argument is exactly 0: the gradient is not finite on any backend, and training stops.",
        what_to_do="Keep the argument away from 0.",
    ),
    KnownDivergence(
        name="celu-gradient-at-zero",
        title="The gradient of ops.celu at zero is 2 on TensorFlow.",
        signs=(
            gradient("tensorflow", "Celu", EQUAL, _MEANT, largest=NORMAL),
            gradient("tensorflow", "Activation", EQUAL, _MEANT, largest=NORMAL).where(activation="celu"),
        ),
        matters_when="the argument is exactly 0 for many elements, as behind a ReLU or for blank images.",
        what_to_do="Use elu in place of celu on TensorFlow.",
    ),
    KnownDivergence(
        name="clip-gradient-at-bounds",
        title="The gradient of ops.clip where the input equals a bound is 1/2 on JAX and 1 elsewhere.",
        signs=(gradient("jax", "Clip", EQUAL, _MEANT, largest=NORMAL / 2),),
        matters_when="many elements lie exactly on a bound, as zeros behind a ReLU that are clipped to 0 and 1.",
        what_to_do="Accept it: any number from 0 to 1 is a subgradient.",
    ),
    KnownDivergence(
        name="cumprod-gradient-of-zeros",
        title="The gradient of ops.cumprod at a zero is wrong on TensorFlow.",
        signs=(
            gradient("tensorflow", "Cumprod", EQUAL, _MEANT),
            gradient(NOBODY, "Nancumprod", EQUAL, Cause.NAN),
        ),
        matters_when="a factor is exactly 0.",
        what_to_do="On TensorFlow, multiply step by step, or keep the factors away from 0.",
    ),
    KnownDivergence(
        name="det-gradient-of-singular-matrices",
        title="The gradient of ops.det of a singular matrix is 0 on PyTorch and raises on TensorFlow.",
        signs=(
            raises("tensorflow", "Det Slogdet", "Input is not invertible|MatrixInverse", EQUAL),
            gradient(f"torch {NOBODY}", "Det Slogdet", EQUAL, _MEANT, Cause.NAN),
        ),
        matters_when="a matrix may be singular, as of blank or repeated rows.",
        what_to_do="Add a small multiple of the identity to the matrix.",
    ),
    KnownDivergence(
        name="fmax-gradient-at-ties",
        title=(
            "The gradient of ops.fmax and ops.fmin at ties goes to the second argument on JAX and to the first "
            "elsewhere."
        ),
        signs=(gradient("jax", "Fmax Fmin", EQUAL, _MEANT, names=("input*",), largest=NORMAL),),
        matters_when="both arguments are equal for many elements.",
        what_to_do="Accept it: any split of the gradient is a subgradient.",
    ),
    KnownDivergence(
        name="fmod-gradient-at-zero",
        title="The gradient of ops.fmod at a dividend of zero is 0 on TensorFlow and 1 elsewhere.",
        signs=(
            gradient("tensorflow", "Fmod", EQUAL, _MEANT, names=("input", "input[0]"), largest=NORMAL),
            gradient("tensorflow", "Fmod", EQUAL, Cause.NAN, names=("input[1]",)),
        ),
        matters_when="the dividend is exactly 0.",
        what_to_do="Keep the dividend away from 0 where its gradient is needed.",
    ),
    KnownDivergence(
        name="hard-tanh-gradient-at-bounds",
        title="The gradient of ops.hard_tanh at -1 and 1 is 0 on PyTorch and 1 elsewhere.",
        signs=(gradient("torch", "HardTanh", EQUAL | SATURATED, _MEANT, largest=NORMAL),),
        matters_when="many elements are exactly -1 or 1.",
        what_to_do="Accept it: any number from 0 to 1 is a subgradient.",
    ),
    KnownDivergence(
        name="hypot-gradient-of-equal-sides",
        title="The gradient of ops.hypot is wrong on TensorFlow where both sides are equally long.",
        signs=(
            gradient(f"tensorflow {NOBODY}", "Hypot", EQUAL, _MEANT, names=("input*",), largest=NORMAL),
            gradient("torch", "Hypot", EQUAL, Cause.NAN, names=("input*",), says=r"NaN of \d+; \w+: finite"),
        ),
        matters_when="both sides are often equally long, or both are 0.",
        what_to_do="Use ops.sqrt(x * x + y * y + epsilon).",
    ),
    KnownDivergence(
        name="i0-gradient-of-large-numbers",
        title="The gradient of ops.i0 beyond float32 is NaN on JAX and infinite elsewhere.",
        signs=(gradient("jax", "I0", SATURATED, Cause.NAN, says=r"NaN of \d+; \w+: \d+ infinite"),),
        matters_when="the argument exceeds 90: the gradient is not finite on any backend.",
        what_to_do="Keep the argument below 90.",
    ),
    KnownDivergence(
        name="leaky-relu-gradient-at-zero",
        title="The gradient of ops.leaky_relu at zero is 1 on JAX and the slope elsewhere.",
        signs=(
            gradient("jax", "LeakyReLU LeakyRelu", EQUAL, _MEANT, largest=2 * NORMAL),
            gradient("jax", "Activation", EQUAL, _MEANT, largest=2 * NORMAL).where(activation="leaky_relu"),
        ),
        matters_when="the argument is exactly 0 for many elements, as behind a ReLU or for blank images.",
        what_to_do="Accept it: any number from the slope to 1 is a subgradient.",
    ),
    KnownDivergence(
        name="logaddexp-gradient-of-equals",
        title="The gradient of ops.logaddexp and logaddexp2 is wrong on TensorFlow where both arguments are equal.",
        signs=(gradient("tensorflow", "Logaddexp Logaddexp2", EQUAL, _MEANT, names=("input*",), largest=NORMAL),),
        matters_when="both arguments are often equal.",
        what_to_do="Use ops.logsumexp of both, stacked.",
    ),
    KnownDivergence(
        name="max-pooling-3d-gradient-at-ties",
        title="The gradient of MaxPooling3D goes to all of equal maxima on TensorFlow, in full to each.",
        signs=(gradient("tensorflow", "MaxPooling3D", EVERY, Cause.SEMANTIC, Cause.PRECISION),),
        matters_when="windows hold equal maxima, as zeros behind a ReLU: their gradients are several times too large.",
        what_to_do="Pool before the ReLU, or with AveragePooling3D, on TensorFlow.",
    ),
    KnownDivergence(
        name="maximum-gradient-at-ties",
        title=(
            "The gradient of ops.maximum and ops.minimum at ties goes to the first argument on TensorFlow and is "
            "halved elsewhere."
        ),
        signs=(gradient("tensorflow", "Maximum Minimum", EQUAL, _MEANT, names=("input*",), largest=NORMAL / 2),),
        matters_when="both arguments are equal for many elements, as zeros behind two ReLUs.",
        what_to_do="Accept it: any split of the gradient is a subgradient; for a bound of 0 use ops.relu.",
    ),
    KnownDivergence(
        name="norm-gradient-at-zero",
        title="The gradient of ops.norm of zeros is 0 on PyTorch and NaN elsewhere.",
        signs=(gradient(f"torch {NOBODY}", "Norm", EQUAL, Cause.NAN, says="^finite; |: finite"),),
        matters_when="a vector may be all zeros: training then gets NaN on TensorFlow and JAX.",
        what_to_do="Use ops.sqrt(ops.sum(ops.square(x), axis) + epsilon).",
    ),
    KnownDivergence(
        name="normalize-gradient-at-zero",
        title="The gradient of ops.normalize of zeros is finite on TensorFlow and NaN elsewhere.",
        signs=(
            gradient("tensorflow", "UnitNormalization Normalize", EQUAL, Cause.NAN, says="^finite; "),
            gradient(
                "tensorflow",
                "CosineSimilarity cosine_similarity",
                frozenset({DrawKind.CERTAIN}),
                Cause.NAN,
                names=("prediction*",),
                says="^finite; ",
            ),
        ),
        matters_when="a vector may be all zeros, as a masked or padded one: training then gets NaN on JAX and PyTorch.",
        what_to_do="Divide by ops.sqrt(ops.sum(ops.square(x), axis, keepdims=True) + epsilon) instead.",
    ),
    KnownDivergence(
        name="power-gradient-of-exponent",
        title="The gradient of ops.power differs for the exponent of a base of 0 or less, and for w ** 0 at w = 0.",
        signs=(gradient(f"torch {NOBODY}", "Power", EQUAL, Cause.NAN, names=("input*",)),),
        matters_when="the base may be 0 or less and the exponent is learned.",
        what_to_do="Use ops.exp(y * ops.log(x)) of a base that is kept above 0.",
    ),
    KnownDivergence(
        name="rgb-to-hsv-gradient-at-ties",
        title="The gradient of ops.image.rgb_to_hsv where two colours are equal is another one on TensorFlow.",
        signs=(gradient(f"tensorflow {NOBODY}", "RGBToHSV", EQUAL, _MEANT),),
        matters_when="the loss depends on the hue of grey or two-coloured pixels.",
        what_to_do="Accept it: the hue has no derivative there.",
    ),
    KnownDivergence(
        name="rsqrt-gradient-at-negative-zero",
        title="The gradient of ops.rsqrt at -0.0 is minus infinity on JAX and plus infinity elsewhere.",
        signs=(gradient("jax", "Rsqrt", EQUAL, Cause.NAN, says="infinite"),),
        matters_when="the argument may be 0: the gradient is infinite on all backends.",
        what_to_do="Add an epsilon to the argument.",
    ),
    KnownDivergence(
        name="selu-gradient-at-zero",
        title="The gradient of ops.selu at zero is the right-hand one on TensorFlow and the left-hand one elsewhere.",
        signs=(
            gradient("tensorflow", "Selu", EQUAL, _MEANT, largest=0.71 * NORMAL),
            gradient("tensorflow", "Activation", EQUAL, _MEANT, largest=0.71 * NORMAL).where(activation="selu"),
        ),
        matters_when="the argument is exactly 0 for many elements, as behind a ReLU or for blank images.",
        what_to_do="Accept it: any number from 1.0507 to 1.7581 is a subgradient.",
    ),
    KnownDivergence(
        name="sinc-gradient-near-zero",
        title="The gradient of ops.sinc is NaN at zero on TensorFlow, and inaccurate to useless near zero everywhere.",
        signs=(
            gradient("tensorflow", "Sinc", EQUAL, Cause.NAN, says=r"NaN of \d+; \w+: finite"),
            gradient(f"tensorflow jax {NOBODY}", "Sinc", _TINY, Cause.PRECISION, Cause.NAN),
        ),
        matters_when="the argument comes close to 0 and is learned.",
        what_to_do="Near 0 use the series 1 - (pi x)^2 / 6.",
    ),
    KnownDivergence(
        name="sparse-activation-gradient-at-bounds",
        title=(
            "The gradient of ops.sparse_sigmoid and ops.sparsemax where an output just reaches 0 or 1 is halved on JAX."
        ),
        signs=(
            gradient("jax", "SparseSigmoid Sparsemax", EQUAL, _MEANT, largest=NORMAL),
            *(
                gradient("jax", "Activation", EQUAL, _MEANT, largest=NORMAL).where(activation=name)
                for name in ("sparse_sigmoid", "sparsemax")
            ),
        ),
        matters_when="many arguments lie exactly on a bound, as -1 or 1 before a sparse_sigmoid.",
        what_to_do="Accept it: each backend gives one of the subgradients.",
    ),
    KnownDivergence(
        name="std-gradient-of-constants",
        title="The gradient of ops.std of equal numbers, or of one number, is 0 on PyTorch and NaN elsewhere.",
        signs=(gradient("torch", "Std Nanstd", ONE_OR_EQUAL, Cause.NAN, says="^finite; "),),
        matters_when="a row or channel may be constant: training then gets NaN on TensorFlow and JAX.",
        what_to_do="Use ops.sqrt(ops.var(x, axis) + epsilon).",
    ),
)
