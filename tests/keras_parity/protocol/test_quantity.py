"""A quantity is spelled for people, ordered, and written as JSON's types."""

import pytest

from keras_parity.protocol.quantity import Aspect, Kind, Quantity


@pytest.mark.parametrize(
    ("quantity", "spelled"),
    [
        (Quantity(Kind.OUTPUT), "output"),
        (Quantity(Kind.OUTPUT, "[0]"), "output[0]"),
        (Quantity(Kind.GRADIENT, "kernel"), "gradient of kernel"),
        (Quantity(Kind.STATE, "moving_mean", Aspect.DTYPE), "dtype of state moving_mean"),
        (Quantity(Kind.LOG, "loss after step 1"), "reported loss after step 1"),
    ],
)
def test_it_is_spelled_as_a_reader_would_say_it(quantity, spelled):
    """The property that is meant, the kind, and the own name."""
    assert str(quantity) == spelled


def test_every_quantity_comes_back_from_its_dictionary():
    """Each kind with each aspect, all different."""
    quantities = [Quantity(kind, "name", aspect) for kind in Kind for aspect in Aspect]

    assert [Quantity.from_dict(quantity.to_dict()) for quantity in quantities] == quantities
    assert len({tuple(quantity.to_dict().items()) for quantity in quantities}) == len(quantities)


def test_an_unknown_kind_is_refused():
    """A report of another version may name one."""
    with pytest.raises(KeyError):
        Quantity.from_dict({"kind": "curvature", "name": "", "aspect": "value"})


def test_gradients_and_what_is_made_of_them_go_backward():
    """Nothing else does."""
    assert {kind for kind in Kind if Quantity(kind).backward} == {Kind.GRADIENT, Kind.UPDATE}


def test_quantities_are_ordered_by_their_spelling():
    """JAX sorts the keys of what it compiles."""
    gradient, output = Quantity(Kind.GRADIENT, "kernel"), Quantity(Kind.OUTPUT)

    assert sorted([output, gradient]) == [gradient, output]
    assert not output < output


def test_what_is_reported_after_the_first_step_is_known():
    """Not after the tenth one, nor what has the words in its name and is not reported."""
    first = [Quantity(Kind.LOG, "loss after step 1"), Quantity(Kind.LOG, "mae after step 1")]
    others = [Quantity(Kind.LOG, "loss after step 10"), Quantity(Kind.STATE, "loss after step 1"), Quantity(Kind.LOG)]

    assert [quantity.is_after_first_step for quantity in first + others] == [True, True, False, False, False]
