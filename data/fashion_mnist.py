"""Fashion-MNIST: 60,000 training and 10,000 test images of clothing, 28 × 28 grey pixels, in the original order.

Origin: the four official archives, which lie in `data/embedded/fashion_mnist` and are otherwise downloaded from the
address that tensorflow_datasets knows, http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/. Their SHA-256 sums,
below, are the library's own; a test compares them. The files have the same names as MNIST's: the sums tell them apart.

Licence: MIT, Zalando SE.
"""

from pathlib import Path

from data.archives import Original, read_archives
from data.split import Dataset

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
ORIGINAL = Original(
    name="fashion_mnist",
    builder="FashionMNIST",
    sums=(
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    content_sum="ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
)


def read(archives: Path | None = None, cache: Path | None = None) -> Dataset:
    """Return Fashion-MNIST: labels int64 in 0..9, images uint8 `(n, 28, 28, 1)` in 0..255, light on dark ground.

    Args:
        archives: Folder of the four archives; None takes the embedded ones, or downloads where they are absent.
        cache: Folder of what is prepared once; None takes the default.

    Raises:
        UserError: If the archives or the cache cannot be used.
    """
    return read_archives(ORIGINAL, CLASS_NAMES, archives, cache)
