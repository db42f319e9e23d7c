"""Eigenvectors and singular vectors differ in sign.

Wrong: nobody: they are unique up to sign alone; eigenvalues and absolute values agree.
Scan: ops.eigh(x)[0] on definite*
Scan: ops.abs(ops.eigh*
Scan: ops.sort(ops.real(ops.eig*
Scan: ops.svd(x)*
Scan: ops.abs(ops.svd*
Scan: ops.qr(x)*
Scan: ops.abs(ops.qr*
"""

import keras
import numpy as np
from keras import ops

roots = np.random.default_rng(3).standard_normal((5, 3, 3)).astype("float32")
matrices = roots @ roots.transpose(0, 2, 1)
vectors = ops.convert_to_numpy(ops.eigh(ops.convert_to_tensor(matrices))[1])
print(keras.backend.backend(), np.sign(vectors[:, 0]).astype(int).tolist())
print("numpy.linalg.eigh:", np.sign(np.linalg.eigh(matrices)[1][:, 0]).astype(int).tolist())
print("largest difference of absolute values:", np.abs(np.abs(vectors) - np.abs(np.linalg.eigh(matrices)[1])).max())
# Expected: the same up to sign.
