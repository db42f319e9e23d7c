"""A recipe's values can be overridden, and nonsense is refused by name."""

from dataclasses import asdict

import pytest

from foundation.errors import UserError
from foundation.recipe import Recipe

RECIPE = Recipe(
    dataset="mnist",
    batch_size=50,
    epochs=1,
    optimizer="adam",
    learning_rate=0.001,
    loss="sparse_categorical_crossentropy_from_logits",
)


def test_values_are_overridden_by_their_type():
    """Text becomes a whole number, a number, or true and false, as the key asks."""
    recipe = RECIPE.override_from_text(["batch_size=7", "learning_rate=1e-2", "shuffle=false", "dataset=mnist"])

    assert (recipe.batch_size, recipe.learning_rate, recipe.shuffle, recipe.dataset) == (7, 0.01, False, "mnist")


def test_the_learning_rate_falls_after_the_constant_epochs():
    """It is multiplied once for each further epoch; by default it stays."""
    falling = RECIPE.override(learning_rate=0.8, learning_rate_decay=0.5, constant_epochs=2)

    assert [falling.rate_of_epoch(epoch) for epoch in range(5)] == [0.8, 0.8, 0.4, 0.2, 0.1]
    assert {RECIPE.rate_of_epoch(epoch) for epoch in range(5)} == {0.001}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("batchsize=7", "did you mean 'batch_size'"),
        ("zzz=1", "there are dataset, batch_size"),
        ("batch_size", "not of the form key=value"),
        ("batch_size=7.5", "takes a whole number"),
        ("batch_size=0", "must be 1 or more"),
        ("learning_rate=fast", "takes a number"),
        ("learning_rate=nan", "finite number above 0"),
        ("learning_rate=-1", "finite number above 0"),
        ("learning_rate_decay=1.1", "above 0 and at most 1"),
        ("constant_epochs=0", "must be 1 or more"),
        ("perturbation=-1", "from 0 to"),
        ("shuffle=maybe", "takes true or false"),
        ("validation_split=1", "below 1"),
        ("optimizer=sgdd", "one of adam"),
        ("seed=-1", "from 0 to"),
    ],
)
def test_nonsense_is_refused_by_name(setting, message):
    """One line says which key, and what it may be."""
    with pytest.raises(UserError, match=message) as refusal:
        RECIPE.override_from_text([setting])

    assert "\n" not in str(refusal.value)


def test_a_recipe_survives_its_file():
    """What `config.json` holds gives the same recipe back."""
    assert Recipe.from_dict(asdict(RECIPE)) == RECIPE


@pytest.mark.parametrize("damage", [{"batch_size": "fifty"}, {"extra": 1}, {"learning_rate": None}])
def test_a_damaged_recipe_is_refused(damage):
    """Unknown keys and wrong types in `config.json` are no recipe."""
    with pytest.raises(UserError, match=r"config\.json"):
        Recipe.from_dict(asdict(RECIPE) | damage)
