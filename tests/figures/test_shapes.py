"""The table of shapes tells what each layer makes of one image."""


def shapes_of(name):
    """Return the rows and the text of a system's table."""
    import models
    from figures.shapes import layer_shapes, render_shapes

    model = models.load(name).build()
    return layer_shapes(model), render_shapes(model)


def test_lenets_layers_and_shapes(worker):
    """Class and output shape of each layer, for one 28 × 28 image, on every backend."""
    rows, text = worker.run(shapes_of, "lenet")

    assert rows == [
        ("c1", "Conv2D", (1, 28, 28, 6)),
        ("s2", "AveragePooling2D", (1, 14, 14, 6)),
        ("c3", "Conv2D", (1, 10, 10, 16)),
        ("s4", "AveragePooling2D", (1, 5, 5, 16)),
        ("flatten", "Flatten", (1, 400)),
        ("f5", "Dense", (1, 120)),
        ("f6", "Dense", (1, 84)),
        ("logits", "Dense", (1, 10)),
    ]
    assert "Conv2D (c1)            output shape: (1, 28, 28, 6)" in text.splitlines()


def test_whole_numbers_go_in_too(workers):
    """A network of words has a table as well, and another one."""
    rows, _ = workers["jax"].run(shapes_of, "text_lstm")

    assert rows == [("embedding", "Embedding", (1, 10, 50)), ("lstm", "LSTM", (1, 64)), ("output", "Dense", (1, 8))]
