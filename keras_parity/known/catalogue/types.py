"""Dtypes that depend on the backend."""

from keras_parity.known.divergence import (
    EVERY,
    NOBODY,
    ORDINARY,
    KnownDivergence,
    Sign,
    output,
    raises,
)
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind

_DTYPE = Aspect.DTYPE

DIVERGENCES = (
    KnownDivergence(
        name="dtypes-that-depend-on-the-backend",
        title="The dtype of some results is not the one that Keras itself announces.",
        signs=(
            output(
                "jax", "IntegerLookup Hashing HashedCrossing Relu6 Add Multiply", EVERY, aspect=_DTYPE, says="^int32; "
            ),
            output("jax", "Relu6", EVERY, aspect=_DTYPE),
            output("tensorflow", "Average Maximum", EVERY, aspect=_DTYPE),
            output("torch", "Sum Prod Unique", EVERY, aspect=_DTYPE),
        ),
        matters_when="integers, or results that are cast to float64, are used beyond 32 bits or by their dtype.",
        what_to_do="Cast the result yourself.",
    ),
    KnownDivergence(
        name="moments-of-integers",
        title="ops.moments of integers are integers on TensorFlow and raise on PyTorch.",
        signs=(
            raises("torch", "Moments", "(?i)mean.*dtype|dtype"),
            output(NOBODY, "Moments", ORDINARY, aspect=_DTYPE),
            output(NOBODY, "Moments", ORDINARY, Cause.SEMANTIC, largest=1.0),
        ),
        matters_when="moments of integers are taken.",
        what_to_do="Cast to float first.",
    ),
    KnownDivergence(
        name="size-of-tensors",
        title="ops.size is a Python number on JAX, and of dtype int64 on PyTorch where Keras itself announces int32.",
        signs=(
            Sign(
                operations=frozenset({"Size"}),
                alone=frozenset({"jax", NOBODY}),
                kinds=frozenset({Kind.OUTPUT}),
                causes=frozenset({Cause.STRUCTURE}),
                draws=EVERY,
            ),
            output(f"torch {NOBODY}", "Size", EVERY, aspect=_DTYPE),
        ),
        matters_when="the size is used as a tensor.",
        what_to_do="Use ops.prod(ops.shape(x)), or x.shape where it is known.",
    ),
)
