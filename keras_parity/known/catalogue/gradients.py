"""Gradients that are wrong, or missing, on data of every kind."""

from keras_parity.known.divergence import (
    EQUAL,
    EVERY,
    NOBODY,
    ORDINARY,
    SATURATED,
    DrawKind,
    KnownDivergence,
    gradient,
    raises,
)
from keras_parity.protocol.cause import Cause

_MEANT = Cause.SEMANTIC
_FLOAT16 = ("float16", "mixed_float16")

DIVERGENCES = (
    KnownDivergence(
        name="adaptive-max-pooling-gradient",
        title="The gradient of AdaptiveMaxPooling2D to one row holds uninitialised memory on TensorFlow.",
        signs=(gradient("tensorflow", "AdaptiveMaxPooling2D", EQUAL | ORDINARY, Cause.PRECISION, Cause.NAN),),
        matters_when="the layer pools to a single row or column and what comes before it is trained on TensorFlow.",
        what_to_do="Use GlobalMaxPooling2D, or MaxPooling2D of the image's own height.",
    ),
    KnownDivergence(
        name="affine-transform-gradient",
        title="The gradient of ops.image.affine_transform is wrong on TensorFlow.",
        signs=(
            gradient(
                f"tensorflow {NOBODY}",
                "AffineTransform PerspectiveTransform RandomRotation RandomShear RandomTranslation RandomZoom "
                "RandomPerspective RandAugment",
                ORDINARY,
                names=("input", "input[0]"),
            ),
        ),
        matters_when="something before the transform is trained, as a generator whose images are augmented.",
        what_to_do="On TensorFlow augment before the model, not within what is trained.",
    ),
    KnownDivergence(
        name="attention-gradient-of-masked-rows",
        title="The gradient of ops.dot_product_attention is wrong on PyTorch where a query may look at no key.",
        signs=(
            gradient(
                "torch",
                "MultiHeadAttention GroupedQueryAttention",
                EQUAL | ORDINARY,
                _MEANT,
                names=("input*", "*/query/*", "*/key/*", "*/value/*"),  # not attention_output
            ),
            gradient("torch", "DotProductAttention", EQUAL | ORDINARY, _MEANT, names=("input*",)),
        ),
        matters_when="a query may look at no key, as a padded first token under a causal mask, or a row of padding.",
        what_to_do="Pad at the end, and never mask all keys of a query.",
    ),
    KnownDivergence(
        name="crossentropy-gradient-of-weighted-targets",
        title=(
            "The gradient of ops.categorical_crossentropy from logits is wrong on TensorFlow where targets do not "
            "sum to one."
        ),
        signs=(
            gradient("tensorflow", "CategoricalCrossentropy", ORDINARY, _MEANT, names=("input*",)).where(
                from_logits="True"
            ),
        ),
        matters_when="targets do not sum to one, as multi-hot or weighted ones.",
        what_to_do="Normalise the targets, or use from_logits=False behind a softmax.",
    ),
    KnownDivergence(
        name="spectral-normalization-gradient",
        title="The gradient of a kernel behind SpectralNormalization passes the normalisation on JAX alone.",
        signs=(gradient("jax", "SpectralNormalization", EVERY, _MEANT, names=("kernel", "*/kernel")),),
        matters_when="a model with SpectralNormalization is trained, as a GAN's discriminator.",
        what_to_do="Train such a model on one backend; JAX has the paper's gradient.",
    ),
    KnownDivergence(
        name="sparse-crossentropy-of-sure-probabilities",
        title=(
            "The gradient of ops.sparse_categorical_crossentropy is off by 1e-7 for each probability near 0 on "
            "TensorFlow."
        ),
        signs=(
            gradient(
                "tensorflow",
                "sparse_categorical_crossentropy SparseCategoricalCrossentropy",
                ORDINARY | {DrawKind.CERTAIN},
                _MEANT,
                names=("prediction*", "input*"),
                # 1e-7 for each of some classes is 1.7 units of float32 for each.
                most_units=64.0,
            ),
        ),
        matters_when="you compare to the last digits: it is as small as the rounding of a few classes in float32.",
        what_to_do="Accept it, or leave the softmax out of the model and give the loss from_logits=True.",
    ),
    KnownDivergence(
        name="divide-gradient-in-float16",
        title="The gradient of ops.divide by small numbers is infinite or NaN on JAX.",
        signs=(
            gradient(
                "jax",
                "Divide TrueDivide DivideNoNan",
                ORDINARY | EQUAL | {DrawKind.TINY, DrawKind.LARGE},
                Cause.NAN,
                names=("input*",),
                dtypes=_FLOAT16,
            ),
            gradient("jax", "Softsign", SATURATED, Cause.NAN, Cause.PRECISION, dtypes=_FLOAT16),
            gradient("jax", "Dense Activation", SATURATED, Cause.NAN, Cause.PRECISION, dtypes=_FLOAT16).where(
                activation="softsign"
            ),
        ),
        matters_when="in float16 a divisor is smaller than 4e-3 or larger than 255, as within softsign.",
        what_to_do="Divide in float32: give the layer dtype='float32'.",
    ),
    KnownDivergence(
        name="gradients-of-step-functions",
        title="Step functions have the gradient 0 on some backends, and raise or have none on others.",
        signs=(
            raises(
                "torch", "FloorDivide Heaviside", "derivative for aten::(floor_divide|heaviside) is not implemented"
            ),
            raises("jax", "Nextafter", "Differentiation rule for 'nextafter"),
            gradient(NOBODY, "Nextafter", ORDINARY, _MEANT),
        ),
        matters_when="something before the operation is trained.",
        what_to_do="Put ops.stop_gradient around the argument.",
    ),
    KnownDivergence(
        name="gradients-of-truncated-solutions",
        title="The gradients of ops.pinv and ops.lstsq with an rcond that truncates are right on TensorFlow alone.",
        signs=(
            gradient("tensorflow", "Pinv", ORDINARY, _MEANT, names=("input*",)),
            gradient("torch", "Lstsq", ORDINARY, _MEANT, names=("input*",)),
        ),
        matters_when="rcond cuts off singular values and the matrix is trained; for pinv TensorFlow alone is right.",
        what_to_do="Regularise the matrix and leave rcond as it is.",
    ),
    KnownDivergence(
        name="gradients-that-raise",
        title="The gradient of some operations raises on one backend or two.",
        signs=(
            raises("torch", "Unique", "the derivative for '_unique2' is not implemented"),
            raises("tensorflow", "View SliceUpdate Unique", "gradient registry has no entry for: (Bitcast|Xla|Unique)"),
            raises("jax", "SegmentProd ScatterUpdate", "scatter_mul gradients are"),
            raises("torch", "Vander ScatterUpdate", "modified by an inplace operation"),
            raises("tensorflow", "RFFT IRFFT", "InvalidArgumentError.*__wrapped__(AddV2|Mul)_device"),
            gradient("tensorflow", "CTCDecode", ORDINARY, _MEANT, Cause.NAN),
        ),
        matters_when="something before the operation is trained on that backend.",
        what_to_do="Compute the same from other operations, or put ops.stop_gradient around the argument.",
    ),
    KnownDivergence(
        name="hsv-to-rgb-gradient",
        title="ops.image.hsv_to_rgb has no gradient on TensorFlow.",
        signs=(
            gradient(f"tensorflow {NOBODY}", "HSVToRGB RandomHue RandomSaturation RandomColorJitter", EQUAL | ORDINARY),
        ),
        matters_when="something before the conversion is trained, as a generator whose images are augmented.",
        what_to_do="Augment before the model, not within what is trained.",
    ),
    KnownDivergence(
        name="ldexp-gradient-of-negative-exponent",
        title="The gradient of ops.ldexp is 0 on PyTorch where the exponent is a negative integer.",
        signs=(gradient("torch", "Ldexp", ORDINARY, _MEANT, names=("input", "input[0]")),),
        matters_when="the exponent is a negative integer and the mantissa is trained.",
        what_to_do="Multiply by 2.0 ** y.",
    ),
)
