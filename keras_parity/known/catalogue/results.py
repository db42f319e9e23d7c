"""Other values, or other shapes, than the other backends give."""

from keras_parity.known.divergence import (
    EQUAL,
    EVERY,
    NOBODY,
    NORMAL,
    ORDINARY,
    SATURATED,
    SPECIAL,
    DrawKind,
    KnownDivergence,
    Sign,
    gradient,
    output,
    raises,
)
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind

_MEANT, _NAN = Cause.SEMANTIC, Cause.NAN
_SHAPE = Aspect.SHAPE
_AVERAGE_POOLING = "AveragePooling1D AveragePooling2D AveragePooling3D AveragePool"
_RESIZING = "Resize Resizing UpSampling2D"
_FLOAT16 = ("float16", "mixed_float16")

DIVERGENCES = (
    KnownDivergence(
        name="affine-transform-changes-its-transform",
        title="ops.image.affine_transform changes the transforms that it is given, on PyTorch.",
        signs=(
            raises("torch", "AffineTransform", "leaf Variable that requires grad|modified by an inplace operation"),
            output(f"torch {NOBODY}", "AffineTransform", ORDINARY, _MEANT),
        ),
        matters_when="the same transforms are used twice, or are weights.",
        what_to_do="Give a copy: ops.affine_transform(x, ops.copy(transform)).",
    ),
    KnownDivergence(
        name="argpartition-of-floats",
        title=(
            "ops.argpartition compares floats as whole numbers on TensorFlow and PyTorch, and is wrong for a "
            "batch on TensorFlow."
        ),
        signs=(
            raises("tensorflow", "Argpartition", "TensorScatterUpdate"),
            output(f"tensorflow torch {NOBODY}", "Argpartition", EVERY, _MEANT),
        ),
        matters_when="numbers differ in their fractions, or rows come in a batch on TensorFlow.",
        what_to_do="Use ops.argsort, or ops.top_k.",
    ),
    KnownDivergence(
        name="attention-in-float16-of-masked-inputs",
        title="Attention in float16 to inputs that are all masked is NaN on PyTorch.",
        signs=(
            Sign(
                operations=frozenset({"Attention", "AdditiveAttention"}),
                alone=frozenset({"torch"}),
                kinds=frozenset({Kind.OUTPUT, Kind.GRADIENT}),
                causes=frozenset({_NAN}),
                draws=EQUAL,
                dtypes=frozenset(_FLOAT16),
                says=r"NaN of \d+",
            ),
        ),
        matters_when="a whole sequence may be masked in float16.",
        what_to_do="Use MultiHeadAttention, or give the layer dtype='float32'.",
    ),
    KnownDivergence(
        name="average-pooling-padded-unevenly",
        title=(
            "Average pooling with padding 'same' counts repeated edges on PyTorch where it pads one side more "
            "than the other."
        ),
        signs=(
            output("torch", _AVERAGE_POOLING, ORDINARY, _MEANT).where(padding="same"),
            gradient("torch", _AVERAGE_POOLING, ORDINARY, _MEANT, largest=NORMAL).where(padding="same"),
        ),
        matters_when="padding is 'same' and the window does not fit evenly, as 3 with a stride of 2 on even sizes.",
        what_to_do="Pad with ZeroPadding2D, and pool with padding 'valid'.",
    ),
    KnownDivergence(
        name="cast-large-to-int32",
        title="ops.cast of a float beyond int32, or of NaN, saturates on JAX and gives the smallest integer elsewhere.",
        signs=(output(f"jax {NOBODY}", "Cast SaturateCast", SATURATED, _MEANT),),
        matters_when="floats may be beyond 2^31 or NaN.",
        what_to_do="Clip before the cast.",
    ),
    KnownDivergence(
        name="cast-negative-to-uint8",
        title="ops.cast of a negative or too large float to uint8 saturates on JAX and wraps round elsewhere.",
        signs=(output(f"torch jax {NOBODY}", "Cast", ORDINARY | SATURATED, _MEANT, says="whole numbers", largest=256),),
        matters_when="floats outside of 0 to 255 are cast to uint8.",
        what_to_do="Use ops.saturate_cast.",
    ),
    KnownDivergence(
        name="cholesky-inverse-of-batches",
        title="ops.cholesky_inverse of a batch is wrong on JAX, and of another shape.",
        signs=(
            output("jax", "CholeskyInverse", ORDINARY, aspect=_SHAPE),
            gradient(NOBODY, "CholeskyInverse", ORDINARY, _MEANT),
        ),
        matters_when="matrices come in batches.",
        what_to_do="Use ops.inv of the matrix itself.",
    ),
    KnownDivergence(
        name="clip-limit-of-histograms",
        title="ContrastLimitedAdaptiveHistogramEqualization leaves the contrast of small images as it is, on PyTorch.",
        signs=(output("torch", "ContrastLimitedAdaptiveHistogramEqualization", ORDINARY, _MEANT),),
        matters_when="tiles have fewer than 64 pixels.",
        what_to_do="Use larger tiles.",
    ),
    KnownDivergence(
        name="correlate-same",
        title="ops.correlate, mode 'same', longer second argument: shifted on TensorFlow, too short on PyTorch.",
        signs=(
            output("torch", "Correlate", ORDINARY, aspect=_SHAPE),
            gradient(NOBODY, "Correlate", ORDINARY, _MEANT),
        ),
        matters_when="the second argument is the longer one.",
        what_to_do="Swap the arguments, and flip the result.",
    ),
    KnownDivergence(
        name="correlate-valid",
        title="ops.correlate with mode 'valid' and a longer second argument raises on TensorFlow.",
        signs=(raises("tensorflow", "Correlate", "InvalidArgumentError"),),
        matters_when="the second argument is the longer one, or both are equally long.",
        what_to_do="Swap the arguments, and flip the result.",
    ),
    KnownDivergence(
        name="count-nonzero-of-rank-three",
        title="ops.count_nonzero of a tensor of rank three comes transposed on PyTorch.",
        signs=(output("torch", "CountNonzero", ORDINARY, aspect=_SHAPE),),
        matters_when="the tensor has three axes or more.",
        what_to_do="Use ops.sum(ops.cast(x != 0, 'int32'), axis).",
    ),
    KnownDivergence(
        name="ctc-loss-of-impossible-labels",
        title="ops.ctc_loss of a label that does not fit into the output is finite on TensorFlow and JAX.",
        signs=(
            output("torch", "CTCLoss", ORDINARY, _NAN, says="infinite"),
            output(NOBODY, "CTCLoss", ORDINARY, _MEANT),
        ),
        matters_when="labels may be longer than the output, repetitions counted twice.",
        what_to_do="Leave such examples out.",
    ),
    KnownDivergence(
        name="decompositions-up-to-sign",
        title="Eigenvectors and singular vectors differ in sign.",
        signs=(
            output(f"tensorflow jax torch {NOBODY}", "Eigh", ORDINARY, _MEANT, names=("[1]",)),
            output(NOBODY, "Eig", ORDINARY, _MEANT),
            output(f"tensorflow {NOBODY}", "SVD", ORDINARY, _MEANT, names=("[0]", "[2]")),
            gradient("jax", "Qr", ORDINARY, _MEANT),
            raises("tensorflow jax", "SVD", "gradient is not implemented|JVP not implemented for full matrices"),
            raises("tensorflow torch", "Qr", "QrGrad not implemented|QR decomposition is not differentiable"),
            raises("jax", "Eig", "Derivatives of non-symmetric eigenvectors"),
        ),
        matters_when="signs of vectors are used, and not only the spaces they span.",
        what_to_do="Fix the signs, as by making each vector's largest entry positive.",
    ),
    KnownDivergence(
        name="dot-of-higher-rank",
        title="ops.dot of arrays of rank three multiplies batches on PyTorch, in another shape than elsewhere.",
        signs=(
            output("torch", "Dot", ORDINARY, aspect=_SHAPE),
            gradient("torch", "Dot", ORDINARY, _MEANT, names=("input*",)),
        ),
        matters_when="both arguments have three axes or more.",
        what_to_do="Use ops.tensordot or ops.einsum.",
    ),
    KnownDivergence(
        name="eigh-of-asymmetric-matrices",
        title=(
            "ops.eigh and cholesky of an asymmetric matrix take the mean of both triangles on JAX, the lower one "
            "elsewhere."
        ),
        signs=(output("jax", "Eigh", ORDINARY, _MEANT, names=("[0]",)),),
        matters_when="matrices are not exactly symmetric.",
        what_to_do="Use the mean of the matrix and its transpose.",
    ),
    KnownDivergence(
        name="gaussian-blur-of-oblong-kernels",
        title=(
            "ops.image.gaussian_blur with an oblong or even kernel gives three results, and another shape on PyTorch."
        ),
        signs=(
            output("torch", "GaussianBlur", ORDINARY, aspect=_SHAPE),
            output(NOBODY, "GaussianBlur", ORDINARY, _MEANT),
            gradient(NOBODY, "GaussianBlur", ORDINARY, _MEANT),
        ),
        matters_when="the kernel is not square, or its size is even.",
        what_to_do="Use a square kernel of odd size.",
    ),
    KnownDivergence(
        name="indices-out-of-range",
        title=(
            "ops.take, one_hot and Embedding with indices out of range raise, wrap round, clip or give NaN, by backend."
        ),
        signs=(
            raises(
                "tensorflow torch",
                "Embedding Take TakeAlongAxis Scatter",
                "(?i)out of range|out of bounds|out of DATA bounds|not in \\[|ScatterNd.*does not index into",
            ),
            raises("torch", "OneHot MultiHot", "Class values must be (smaller|non-negative)"),
            output(NOBODY, "TakeAlongAxis", ORDINARY, _NAN),
            gradient(NOBODY, "TakeAlongAxis", ORDINARY, _MEANT),
        ),
        matters_when="an index may be negative, or as large as the table.",
        what_to_do="Clip the indices, or make the table as large as the vocabulary.",
    ),
    KnownDivergence(
        name="integer-division-by-zero",
        title="Integer ops.floor_divide, mod and fmod by zero raise on TensorFlow and PyTorch, and do not on JAX.",
        signs=(
            raises(
                "tensorflow torch", "FloorDivide Mod Fmod", "(?i)division by zero|ZeroDivision|by 0|div_no_nan|integer"
            ),
        ),
        matters_when="an integer divisor may be 0.",
        what_to_do="Replace 0 by 1 with ops.where.",
    ),
    KnownDivergence(
        name="istft-without-centre",
        title="ops.istft with center=False damages both ends of the signal on TensorFlow and PyTorch.",
        signs=(
            output("jax", "ISTFT", ORDINARY, _MEANT).where(center="False"),
            gradient("jax", "ISTFT", ORDINARY, _MEANT).where(center="False"),
        ),
        matters_when="center is False.",
        what_to_do="Leave center=True, or drop a frame at both ends.",
    ),
    KnownDivergence(
        name="map-coordinates-beyond-the-border",
        title="ops.image.map_coordinates mirrors and reflects otherwise beyond the border on TensorFlow.",
        signs=(
            output("tensorflow", "MapCoordinates", ORDINARY, _MEANT).where(order="1"),
            gradient("tensorflow", "MapCoordinates", ORDINARY, _MEANT).where(order="1"),
        ),
        matters_when="coordinates lie outside of the image and fill_mode is 'mirror' or 'reflect'.",
        what_to_do="Use fill_mode 'nearest' or 'constant'.",
    ),
    KnownDivergence(
        name="map-coordinates-halfway",
        title="ops.image.map_coordinates of order 0 rounds halves up on JAX, and to even numbers elsewhere.",
        signs=(
            output(f"jax {NOBODY}", "MapCoordinates", ORDINARY, _MEANT).where(order="0"),
            gradient(f"jax {NOBODY}", "MapCoordinates", ORDINARY, _MEANT).where(order="0"),
        ),
        matters_when="order is 0 and coordinates lie halfway between two pixels.",
        what_to_do="Add a small number to the coordinates.",
    ),
    KnownDivergence(
        name="pad-by-one-number",
        title="ops.pad by one number pads the last axis alone on PyTorch, and raises on TensorFlow.",
        signs=(
            raises("tensorflow", "Pad", "(?i)paddings"),
            output(f"torch {NOBODY}", "Pad", ORDINARY, aspect=_SHAPE),
            gradient(NOBODY, "Pad", ORDINARY, _MEANT),
        ),
        matters_when="pad_width is one number.",
        what_to_do="Give a pair for each axis.",
    ),
    KnownDivergence(
        name="pad-symmetric",
        title="ops.pad with mode 'symmetric' repeats the last element on PyTorch.",
        signs=(
            output("torch", "Pad", ORDINARY, _MEANT).where(mode="symmetric"),
            gradient("torch", "Pad", ORDINARY, _MEANT).where(mode="symmetric"),
        ),
        matters_when="mode is 'symmetric'.",
        what_to_do="Use mode 'reflect'.",
    ),
    KnownDivergence(
        name="power-of-negative-exponent",
        title="ops.power of integers to a negative power raises on TensorFlow, is 0 on PyTorch and noise on JAX.",
        signs=(
            raises("tensorflow", "Power", "(?i)integers to negative integer powers|__wrapped__Pow_"),
            output(NOBODY, "Power", ORDINARY, _MEANT, says="whole numbers"),
        ),
        matters_when="integers are raised to a power that may be negative.",
        what_to_do="Cast to float first.",
    ),
    KnownDivergence(
        name="random-brightness-changes-its-input",
        title="RandomBrightness and RandomColorJitter change the images that they are given, on PyTorch.",
        signs=(
            raises("torch", "RandomBrightness RandomColorJitter RandAugment", "leaf Variable that requires grad"),
            output(f"torch {NOBODY}", "RandAugment", ORDINARY, _MEANT),
        ),
        matters_when="what is brightened is used elsewhere, too, or is trained.",
        what_to_do="Give a copy: RandomBrightness(factor)(ops.copy(x)).",
    ),
    KnownDivergence(
        name="resize-bicubic",
        title="Bicubic resizing has another kernel on PyTorch.",
        signs=(
            output(f"torch {NOBODY}", _RESIZING, ORDINARY).where(interpolation="bicubic"),
            gradient(f"torch {NOBODY}", _RESIZING, ORDINARY, largest=2 * NORMAL).where(interpolation="bicubic"),
        ),
        matters_when="interpolation is 'bicubic', and a model is trained on one backend and used on PyTorch.",
        what_to_do="Use interpolation 'bilinear', or resize before the model.",
    ),
    KnownDivergence(
        name="rot90-about-descending-axes",
        title="ops.rot90 by 180 degrees about axes (2, 1) mixes up the array on TensorFlow.",
        signs=(
            output("tensorflow", "Rot90", ORDINARY, _MEANT),
            gradient("tensorflow", "Rot90", ORDINARY, _MEANT),
        ),
        matters_when="axes descend, as (2, 1), and k is 2.",
        what_to_do="Give the axes in ascending order.",
    ),
    KnownDivergence(
        name="round-integers-to-tens",
        title="ops.round of integers to tens is wrong on TensorFlow where floatx is float64.",
        signs=(output("tensorflow", "Round", ORDINARY, _MEANT, says="whole numbers", dtypes=("float64",)),),
        matters_when="floatx is float64 and decimals is negative.",
        what_to_do="Cast to float before rounding.",
    ),
    KnownDivergence(
        name="sizes-that-depend-on-the-values",
        title="Counting and segments take values beyond their size on some backends and raise on others.",
        signs=(
            raises("jax torch", "Bincount", "same shape|same size|must match|stack expects"),
            raises(
                "tensorflow",
                "SegmentSum SegmentMax SegmentMin SegmentProd",
                r"segment_ids\[\d+\] = \d+ is out of range",
            ),
            raises("tensorflow torch", "SparseCategoricalCrossentropy", "outside the valid range|out of bounds"),
            output(NOBODY, "InTopK", SPECIAL, _MEANT),
        ),
        matters_when="a label or a segment may be beyond the number of classes or segments.",
        what_to_do="Clip the values first.",
    ),
    KnownDivergence(
        name="sobel-edges-at-the-border",
        title="ops.image.sobel_edges pads with a reflection on TensorFlow and with zeros elsewhere.",
        signs=(
            output(f"tensorflow {NOBODY}", "SobelEdges", EVERY),
            gradient(f"tensorflow {NOBODY}", "SobelEdges", EVERY),
        ),
        matters_when="edges at the border of an image are of importance.",
        what_to_do="Pad the image by one pixel, and cut the result.",
    ),
    KnownDivergence(
        name="solve-of-vectors",
        title=(
            "ops.solve of stacked matrices and vectors takes the vectors for one matrix on JAX, and raises or "
            "gives another shape."
        ),
        signs=(
            output("jax", "Solve", ORDINARY, aspect=_SHAPE),
            gradient("jax", "Solve", ORDINARY, _MEANT, names=("input*",)),
        ),
        matters_when="stacked matrices and stacked vectors are given.",
        what_to_do="Give the vectors a last axis of length 1.",
    ),
    KnownDivergence(
        name="space-to-depth-channels-first",
        title="ops.space_to_depth with channels_first orders the new channels otherwise on TensorFlow.",
        signs=(
            output("tensorflow", "SpaceToDepth DepthToSpace", ORDINARY, _MEANT).where(data_format="channels_first"),
            gradient("tensorflow", "SpaceToDepth DepthToSpace", ORDINARY, _MEANT).where(data_format="channels_first"),
        ),
        matters_when="data_format is 'channels_first'.",
        what_to_do="Use 'channels_last'.",
    ),
    KnownDivergence(
        name="top-k-of-ties",
        title=(
            "ops.top_k picks other elements among equal ones on PyTorch, and gives int64 indices where the others "
            "give int32."
        ),
        signs=(
            output("torch", "TopK", EVERY, aspect=Aspect.DTYPE, names=("[1]",), says="^int64; "),
            output("torch", "TopK", EQUAL | ORDINARY, _MEANT, names=("[1]",), says="whole numbers"),
            # Of tiny numbers, gates or scores may be equal in float32 alone, and a layer picks what belongs to others.
            output("torch", "TopK", {DrawKind.TINY}, Cause.PRECISION, names=("[1]",)),
        ),
        matters_when="the indices' dtype or the order of equal values is of importance.",
        what_to_do="Cast the indices to int32; take ops.argsort(-x) where the first of equals is wanted.",
    ),
    KnownDivergence(
        name="unravel-index-of-matrices",
        title="ops.unravel_index of indices of rank two is wrong on TensorFlow.",
        signs=(output("tensorflow", "UnravelIndex", ORDINARY, _MEANT, says="whole numbers"),),
        matters_when="the indices have two axes or more.",
        what_to_do="Flatten the indices first.",
    ),
    KnownDivergence(
        name="affine-transform-of-a-batch",
        title="ops.image.affine_transform of a batch by one transform raises on JAX and PyTorch.",
        signs=(raises("jax torch", "AffineTransform", "(?i)reshape|shape|size"),),
        matters_when="one transform is given for a batch of images.",
        what_to_do="Repeat the transform for each image.",
    ),
)
