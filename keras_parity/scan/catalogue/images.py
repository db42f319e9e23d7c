"""The operations of keras.ops.image."""

from keras_parity.scan.configuration import below, constant, image, integers, normal, on, unit

_FILLS = ("constant", "nearest", "wrap", "mirror", "reflect")
_METHODS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
_TRANSFORM = "ops.array([[0.9, 0.2, 0.3, -0.1, 1.1, -0.4, 0.01, 0.0]] * 4)"
_POINTS = "ops.array([[-3.2, 0.5, 2.3, 8.7], [1.5, -0.5, 3.3, 2.1]])"
_CORNERS = (
    "ops.array([[[0.0, 0.0], [5.0, 0.0], [0.0, 6.0], [5.0, 6.0]]] * 4), "
    "ops.array([[[0.0, 1.0], [5.0, 0.0], [1.0, 6.0], [4.0, 5.0]]] * 4)"
)

_SAMPLING = [
    *on(
        normal(7, 6, 2),
        *(f"ops.image.affine_transform(x, {_TRANSFORM}, fill_mode='{fill}')" for fill in _FILLS),
        *(
            f"ops.image.affine_transform(x, {_TRANSFORM}, interpolation='nearest', fill_mode='{fill}')"
            for fill in _FILLS[:2]
        ),
        f"ops.image.affine_transform(x, {_TRANSFORM}, fill_value=3.0)",
        f"ops.image.affine_transform(x, {_TRANSFORM}, data_format='channels_first')",
        "ops.image.affine_transform(x, ops.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]))",
        "ops.image.affine_transform(x, ops.array([[1.0, 0, 0.5, 0, 1, 0.5, 0, 0]] * 4), interpolation='nearest')",
        *(f"ops.image.resize(x, (5, 9), interpolation='{method}')" for method in _METHODS),
        *(f"ops.image.resize(x, (14, 12), interpolation='{method}')" for method in _METHODS),
        *(f"ops.image.resize(x, (3, 4), interpolation='{method}', antialias=True)" for method in _METHODS),
        "ops.image.resize(x, (5, 9), crop_to_aspect_ratio=True)",
        "ops.image.resize(x, (9, 5), pad_to_aspect_ratio=True, fill_value=2.0)",
        "ops.image.resize(x, (5, 9), data_format='channels_first')",
        "ops.image.resize(x, (1, 1))",
        "ops.image.resize(x, (7, 6), interpolation='bicubic')",
        *(
            f"ops.image.scale_and_translate(x, (4, 9, 8, 2), [1.3, 0.8], [0.5, 1.0], (1, 2), "
            f"'{method}', antialias={antialias})"
            for method, antialias in (
                ("linear", False),
                ("linear", True),
                ("cubic", True),
                ("lanczos3", False),
                ("lanczos5", True),
            )
        ),
        f"ops.image.perspective_transform(x, {_CORNERS})",
        f"ops.image.perspective_transform(x, {_CORNERS}, interpolation='nearest', fill_value=2.0)",
        "ops.image.elastic_transform(x, alpha=2.0, sigma=1.0, seed=1)",
    ),
    *on(
        normal(7, 6),
        *(
            f"ops.image.map_coordinates(x[0], {_POINTS}, order={order}, fill_mode='{fill}')"
            for order in (0, 1)
            for fill in _FILLS
        ),
        "ops.image.map_coordinates(x[0], ops.array([[0.5, 1.5, 2.5], [0.5, 1.5, 2.5]]), order=0)",
        "ops.image.map_coordinates(x[0], ops.array([[-3.2, 2.3], [1.5, 3.3]]), order=1, fill_value=7.0)",
    ),
    *on(integers(7, 6), "ops.image.map_coordinates(x[0], ops.array([[0.3, 2.3], [1.5, 3.3]]), order=1)"),
]

_FILTERING = [
    *on(
        normal(7, 6, 2),
        "ops.image.gaussian_blur(x)",
        "ops.image.gaussian_blur(x, kernel_size=(5, 3), sigma=(0.5, 2.0))",
        "ops.image.gaussian_blur(x, kernel_size=(4, 2))",
        "ops.image.gaussian_blur(x, data_format='channels_first')",
        "ops.image.sobel_edges(x)",
        "ops.image.sobel_edges(x, data_format='channels_first')",
        "ops.image.extract_patches(x, 3)",
        "ops.image.extract_patches(x, (2, 3), strides=2, padding='same')",
        "ops.image.extract_patches(x, 2, strides=1, dilation_rate=2)",
        "ops.image.extract_patches(x, 2, data_format='channels_first')",
        "ops.image.crop_images(x, 1, 2, target_height=3, target_width=4)",
        "ops.image.crop_images(x, top_cropping=1, left_cropping=1, bottom_cropping=2, right_cropping=0)",
        "ops.image.pad_images(x, 1, 2, 3, 0)",
        "ops.image.pad_images(x, 1, 2, target_height=10, target_width=9)",
        "ops.image.pad_images(x, 1, 2, 0, 1, data_format='channels_first')",
    ),
    *on(
        normal(5, 4, 6, 2),
        "ops.image.extract_patches_3d(x, 2)",
        "ops.image.extract_patches_3d(x, (1, 2, 3), strides=2, padding='same')",
    ),
]

_COLOUR = [
    *on(
        unit(5, 4, 3),
        "ops.image.rgb_to_grayscale(x)",
        "ops.image.rgb_to_hsv(x)",
        "ops.image.hsv_to_rgb(x)",
        "ops.image.rgb_to_grayscale(ops.transpose(x, (0, 3, 1, 2)), data_format='channels_first')",
        "ops.image.rgb_to_hsv(ops.transpose(x, (0, 3, 1, 2)), data_format='channels_first')",
        "ops.image.hsv_to_rgb(ops.transpose(x, (0, 3, 1, 2)), data_format='channels_first')",
    ),
    *on(constant(3, 3, 3), "ops.image.rgb_to_hsv(x)", "ops.image.hsv_to_rgb(x)"),
    *on(below(3, 5, 4, 3, dtype="float"), "ops.image.rgb_to_hsv(x / 2)", "ops.image.hsv_to_rgb(x / 2)"),
    *on(
        unit(12, 12, 2),
        unit(12, 12, 2),
        "ops.image.ssim(x, y)",
        "ops.image.ssim(x, y, filter_size=5)",
    ),
    *on(
        image(8, 8, 3, dtype="uint8"),
        "ops.image.rgb_to_grayscale(x)",
        "ops.image.resize(x, (5, 9))",
        "ops.image.resize(x, (5, 9), interpolation='bicubic')",
        "ops.image.resize(x, (5, 9), interpolation='nearest')",
        "ops.image.pad_images(x, 1, 2, 3, 0)",
        f"ops.image.affine_transform(x, {_TRANSFORM})",
        "ops.image.extract_patches(x, 3)",
    ),
]

CONFIGURATIONS = _SAMPLING + _FILTERING + _COLOUR
