"""The dtype of some results is not the one that Keras itself announces.

Wrong: who departs from what the symbolic call announces; JAX keeps to 32 bits unless JAX_ENABLE_X64 is set.
Scan: ops.relu6(x) on integers*
Scan: ops.add(x, y) on integers int8[12], integers int64*
Scan: ops.multiply(x, y) on integers int8[12], integers int64*
Scan: ops.maximum(x, y) on integers int8[12], integers int64*
Scan: ops.sum(x, axis=1) on below 256 uint8*
Scan: ops.prod(x, axis=1) on below 256 uint8*
Scan: ops.prod(x, axis=1, dtype='float64')*
Scan: layers.Average()([x, y]) on integers*
Scan: layers.IntegerLookup(vocabulary=[3, 1, 4]*
Scan: layers.Hashing(4*
Scan: layers.HashedCrossing(5)*
Scan: ops.unique(x, size=8, fill_value=-1*
"""

import keras
from keras import ops

short, long = keras.KerasTensor((2,), "int8"), keras.KerasTensor((2,), "int64")
ordinary, small = keras.KerasTensor((2,), "int32"), keras.KerasTensor((2,), "uint8")
real = keras.KerasTensor((2,), "float32")
for name, function, specs in (
    ("relu6", ops.relu6, [ordinary]),
    ("add", ops.add, [short, long]),
    ("maximum", ops.maximum, [short, long]),
    ("sum", ops.sum, [small]),
    ("prod", ops.prod, [small]),
    ("prod, float64", lambda x: ops.prod(x, dtype="float64"), [real]),
    ("Average", lambda x, y: keras.layers.Average()([x, y]), [ordinary, ordinary]),
    ("Hashing", keras.layers.Hashing(4), [ordinary]),
    ("IntegerLookup", keras.layers.IntegerLookup(vocabulary=[3, 1]), [ordinary]),
):
    announced = keras.backend.standardize_dtype(function(*specs).dtype)
    result = function(*(ops.ones(spec.shape, dtype=spec.dtype) for spec in specs))
    print(keras.backend.backend(), name, keras.backend.standardize_dtype(result.dtype), "expected:", announced)
