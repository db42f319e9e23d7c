"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 × 28 grey pixels, in the original order.

Origin: the four official archives, which lie in `data/embedded/mnist` and are otherwise downloaded from the address
that tensorflow_datasets knows, https://storage.googleapis.com/cvdf-datasets/mnist/. Their SHA-256 sums, below, are the
library's own; a test compares them.

Licence: CC BY-SA 3.0, Yann LeCun and Corinna Cortes.
"""

from pathlib import Path

from data.archives import Original, read_archives
from data.split import Dataset

CLASS_NAMES = tuple("0123456789")
ORIGINAL = Original(
    name="mnist",
    builder="MNIST",
    sums=(
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    content_sum="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
)


def read(archives: Path | None = None, cache: Path | None = None) -> Dataset:
    """Return MNIST: labels int64 in 0..9, images uint8 `(n, 28, 28, 1)` in 0..255, light ink on dark ground.

    Args:
        archives: Folder of the four archives; None takes the embedded ones, or downloads where they are absent.
        cache: Folder of what is prepared once; None takes the default.

    Raises:
        UserError: If the archives or the cache cannot be used.
    """
    return read_archives(ORIGINAL, CLASS_NAMES, archives, cache)
