"""A configuration says what it is about: its name tells it from all others, and its subjects are public names."""

import pytest

from keras_parity.scan.configuration import Configuration, Tensor, below, boolean, masked, normal, on


def test_one_configuration_for_each_expression_on_the_same_inputs():
    """Tensors first, then expressions."""
    first, second = on(normal(3), below(7, 2), "ops.add(x, y)", "ops.take(x, y)")

    assert first.inputs == second.inputs == (Tensor("normal", (3,)), Tensor("below 7", (2,), "int32"))
    assert first.name == "ops.add(x, y) on normal float[3], below 7 int32[2]"


def test_a_batch_size_is_in_the_name_where_it_is_insisted_on():
    """Else it may vary."""
    assert str(normal(3, 4, batch=1)) == "normal float[3, 4] batch 1"
    assert str(boolean(2)) == "boolean bool[2]"
    assert str(masked(2, 3)) == "masked float[2, 3]"


@pytest.mark.parametrize(
    ("expression", "subjects"),
    [
        ("layers.Conv2D(3, 2)(x)", {"layers.Conv2D"}),
        ("ops.image.resize(x, (2, 2))", {"ops.image.resize"}),
        ("layers.RNN(layers.GRUCell(4))(ops.abs(x))", {"layers.RNN", "layers.GRUCell", "ops.abs"}),
        ("x[1]", {"ops.get_item"}),
        ("ops.qr(x)[0]", {"ops.qr"}),
    ],
)
def test_its_subjects_are_the_public_names_in_it(expression, subjects):
    """The whole of a dotted name, and not its beginning."""
    assert Configuration(expression, ()).subjects == subjects
