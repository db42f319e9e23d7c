"""Calls that one backend refuses and others perform."""

from keras_parity.known.divergence import KnownDivergence, raises

_NOT_TENSORFLOW = r"Value for attr 'T'|Could not find device|Cannot convert|must be a floating point|NotFoundError"
_NO_LIST = "Non-hashable static arguments are not supported"

DIVERGENCES = (
    KnownDivergence(
        name="activations-of-integers",
        title="Activations of integers and booleans raise on some backends, on others than their neighbours do.",
        signs=(
            raises("tensorflow", "ELU Elu Activation Sigmoid Sign Softmax Gelu Relu", _NOT_TENSORFLOW),
            raises(
                "torch",
                "ELU Elu Softmax Gelu LeakyRelu Relu",
                "not implemented for '(Int|Long|Bool|Byte)|Boolean inputs not supported",
            ),
            raises("jax", "Activation Sigmoid Sign", "(?i)integer|float|bool|dtype"),
        ),
        matters_when="integers or booleans are given to an activation.",
        what_to_do="Cast to float first.",
    ),
    KnownDivergence(
        name="attention-with-other-value-size",
        title="MultiHeadAttention with a value_dim other than its key_dim raises on JAX.",
        signs=(raises("jax", "MultiHeadAttention", "cannot reshape array|Incompatible shapes"),),
        matters_when="value_dim is not key_dim.",
        what_to_do="Make them equal; output_shape sets the size of what comes out.",
    ),
    KnownDivergence(
        name="binary-crossentropy-of-integers",
        title="ops.binary_crossentropy of an integer target works on JAX alone.",
        signs=(
            raises("tensorflow", "BinaryCrossentropy", "cannot compute"),
            raises("torch", "BinaryCrossentropy", "(?i)dtype|Long|Int"),
        ),
        matters_when="the target is an integer tensor.",
        what_to_do="Cast the target to float.",
    ),
    KnownDivergence(
        name="calls-that-pytorch-refuses",
        title="Some operations raise on PyTorch and work on TensorFlow and JAX.",
        signs=(
            raises("torch", "GetItem", "step must be greater than zero"),
            raises("torch", "Unique", "Index tensor must have the same number of"),
            raises("torch", "Cross", "no dimension of size 3|linalg.cross"),
            raises("torch", "Vdot", "1D tensors expected"),
            raises("torch", "Linspace Logspace Geomspace", "only supports 0-dimensional|does not support an 'axis"),
            raises("jax", "Repeat", "repeat requires ndarray or scalar arguments"),
            raises("torch", "Repeat", "Invalid dtype: object"),
        ),
        matters_when="the model is to run on PyTorch.",
        what_to_do="Write the same with other operations: ops.flip for a step of -1, ops.sum(x * y) for vdot.",
    ),
    KnownDivergence(
        name="calls-that-tensorflow-refuses",
        title="Some operations raise on TensorFlow and work on JAX and PyTorch.",
        signs=(
            raises("tensorflow", "Kron", "UnimplementedError"),
            raises("tensorflow", "SegmentSum SegmentMax SegmentMin SegmentProd", "Argument .num_segments. cannot"),
            raises("tensorflow", "Logsumexp", "Value for attr 'T' of int"),
        ),
        matters_when="the model is to run on TensorFlow.",
        what_to_do="Leave sorted=False; cast to float; write kron with ops.einsum.",
    ),
    KnownDivergence(
        name="conv-gradient-of-one-filter",
        title="The gradient of Conv2D with one filter raises on PyTorch for a batch of one, in float64 for any batch.",
        signs=(raises("torch", "Conv2D", "slow_conv2d: grad_weight must be contiguous"),),
        matters_when="a network that ends in one channel, as of grey pictures or masks, is trained on single examples.",
        what_to_do="Train on two examples or more; before the layer, one channel alone works too.",
    ),
    KnownDivergence(
        name="conv-transpose-in-a-model",
        title="ops.conv_transpose cannot be used in a functional model on any backend.",
        signs=(),
        matters_when="ops.conv_transpose is called on a Keras tensor: the model cannot be built anywhere.",
        what_to_do="Use the layer, Conv2DTranspose.",
    ),
    KnownDivergence(
        name="errors-hidden-on-jax",
        title="Within a compiled model JAX's own error is lost in an AttributeError of its message.",
        signs=(
            raises(
                "jax",
                "Nonzero Bincount CutMix RandomElasticTransform ElasticTransform",
                "'str' object has no attribute '_error_repr'",
            ),
        ),
        matters_when="a result's shape or a Python number depends on values, and JAX compiles.",
        what_to_do="Look for what needs values while it is compiled, or compile with jit_compile=False.",
    ),
    KnownDivergence(
        name="imag-of-real-numbers",
        title="ops.imag of real numbers raises on PyTorch.",
        signs=(raises("torch", "Imag", "imag is not implemented for tensors with non-complex"),),
        matters_when="the argument may be real.",
        what_to_do="Use zeros for real numbers.",
    ),
    KnownDivergence(
        name="integers-that-tensorflow-refuses",
        title="Some operations take integers or booleans on JAX and PyTorch and raise on TensorFlow.",
        signs=(
            raises(
                "tensorflow",
                "Reciprocal Clip Negative BitwiseInvert Add Maximum Minimum Multiply BitwiseAnd BitwiseOr BitwiseXor",
                _NOT_TENSORFLOW,
            ),
        ),
        matters_when="integers or booleans are given to these operations on TensorFlow.",
        what_to_do="Cast first, or use the logical operations for booleans.",
    ),
    KnownDivergence(
        name="lu-factor-of-batches",
        title="ops.lu_factor of stacked or oblong matrices raises on TensorFlow.",
        signs=(raises("tensorflow", "LuFactor", "InvalidArgumentError|LU decomposition failed"),),
        matters_when="matrices are stacked or oblong.",
        what_to_do="Factor one square matrix at a time.",
    ),
    KnownDivergence(
        name="max-pool-without-strides",
        title="ops.max_pool without strides raises on JAX.",
        signs=(raises("jax", "MaxPool", "reduce_window got inconsistent window_stride"),),
        matters_when="ops.max_pool is called without strides.",
        what_to_do="Give strides, or use the layer.",
    ),
    KnownDivergence(
        name="more-types-that-are-refused",
        title="Some functions of integers, bytes or booleans raise on one backend or two.",
        signs=(
            raises("tensorflow", "Nanmedian", "TensorArray dtype"),
            raises("tensorflow", "Det ExtractPatches FloorDivide Power", "Value for attr 'T"),
            raises("tensorflow", "MatrixRank", "must have .float.-like"),
            raises(
                "torch",
                "Det MatrixRank FloorDivide Power",
                "(?i)not implemented for|Expected a floating|got (Int|Long)|handle types other than",
            ),
            raises("tensorflow", "Pad", "Value of argument .mode. expected"),
            raises("torch", "Pad", "(?i)replicate|edge"),
            raises("tensorflow", "Meshgrid", "cannot compute Mul"),
            raises("torch", "Meshgrid", "same dtype"),
        ),
        matters_when="integers, bytes or booleans are given to these functions.",
        what_to_do="Cast to float first.",
    ),
    KnownDivergence(
        name="norm-of-rank-three",
        title="ops.norm of an array of rank three without an axis raises on TensorFlow.",
        signs=(raises("tensorflow", "Norm", "Invalid axis values"),),
        matters_when="the array has three axes or more and no axis is given.",
        what_to_do="Flatten the array first.",
    ),
    KnownDivergence(
        name="norm-with-axis-in-a-model",
        title="ops.norm with an axis cannot be used in a functional model on JAX.",
        signs=(raises("jax", "Norm", _NO_LIST),),
        matters_when="ops.norm with an axis is used in a functional model on JAX.",
        what_to_do="Use ops.sqrt(ops.sum(ops.square(x), axis)), or call it within a layer.",
    ),
    KnownDivergence(
        name="normalization-over-an-inner-axis",
        title="ops.layer_normalization and rms_normalization over any axis but the last raise on PyTorch.",
        signs=(raises("torch", "LayerNormalization LayerNorm RMSNormalization RMSNorm", "Given normalized_(shape)?"),),
        matters_when="the axis is not the last one.",
        what_to_do="Permute the axes before and after, on PyTorch.",
    ),
    KnownDivergence(
        name="pooling-by-one-number",
        title="ops.average_pool with one number as the size of a planar window raises on JAX.",
        signs=(raises("jax", "AveragePool", "reduce_window got inconsistent window|could not be broadcast tog"),),
        matters_when="ops.average_pool is given one number as the size of a planar window.",
        what_to_do="Give a pair.",
    ),
    KnownDivergence(
        name="quantile-with-axis-in-a-model",
        title="ops.quantile and percentile with an axis cannot be used in a functional model on JAX.",
        signs=(raises("jax", "Quantile Percentile Nanquantile Nanpercentile", _NO_LIST),),
        matters_when="ops.quantile with an axis is used in a functional model on JAX.",
        what_to_do="Call it within a layer.",
    ),
    KnownDivergence(
        name="rearrange-in-a-compiled-model",
        title="ops.rearrange that is to infer a length works outside of a compiled model, and in one raises on JAX.",
        signs=(raises("jax", "Rearrange", "Shapes must be 1D sequences of concrete"),),
        matters_when="ops.rearrange is to infer a length on JAX.",
        what_to_do="Use ops.reshape and ops.transpose.",
    ),
    KnownDivergence(
        name="resize-lanczos",
        title="Lanczos resizing is not there on PyTorch.",
        signs=(raises("torch", "Resize Resizing UpSampling2D", "Lanczos"),),
        matters_when="images are resized with 'lanczos3' or 'lanczos5' on PyTorch.",
        what_to_do="Use 'bilinear', or resize before the model.",
    ),
    KnownDivergence(
        name="searchsorted-of-matrices",
        title="ops.searchsorted of several rows of values raises on TensorFlow.",
        signs=(raises("tensorflow", "SearchSorted", "InvalidArgumentError"),),
        matters_when="the values have two axes or more.",
        what_to_do="Flatten the values first.",
    ),
    KnownDivergence(
        name="softmax-over-two-axes-in-a-model",
        title="ops.softmax and log_softmax over several axes work outside of a model, and in one on JAX alone.",
        signs=(
            raises("tensorflow", "Softmax LogSoftmax", "not supported between instances"),
            raises("torch", "Softmax LogSoftmax", "(?i)must be (int|tuple)|invalid combination of arguments"),
        ),
        matters_when="a softmax over several axes is used in a functional model.",
        what_to_do="Reshape so that the axes become one.",
    ),
    KnownDivergence(
        name="sparse-crossentropy-over-an-inner-axis",
        title="ops.sparse_categorical_crossentropy over an inner axis works on PyTorch alone.",
        signs=(raises("tensorflow jax", "SparseCategoricalCrossentropy", "(?i)axis|shape"),),
        matters_when="the classes are not on the last axis.",
        what_to_do="Move the axis to the end.",
    ),
    KnownDivergence(
        name="view-as-complex-in-a-model",
        title="ops.view_as_complex works outside of a model, and in one raises on TensorFlow.",
        signs=(raises("tensorflow", "ViewAsComplex", "Cannot convert 1j"),),
        matters_when="ops.view_as_complex is used in a functional model on TensorFlow.",
        what_to_do="Call it within a layer.",
    ),
)
