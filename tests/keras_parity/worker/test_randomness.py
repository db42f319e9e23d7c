"""Within a check, every backend draws what NumPy draws from the check's seed, the layer and the count."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask, everywhere, keyed

SEED, SHAPE = 7, (3, 4)


def draw(name: str, *args, **kwargs) -> list[np.ndarray]:
    """Draw twice by a function of `keras.random` with shared randomness. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import CallStack, to_numpy, watching
    from keras_parity.worker.randomness import shared_randomness

    stack = CallStack()
    with watching(stack), shared_randomness(SEED, stack.next_draw):
        return [to_numpy(getattr(keras.random, name)(*args, **kwargs)) for _ in range(2)]


def draw_in_graph(name: str, shape: tuple, values: list[float], compiled: bool) -> np.ndarray:
    """Draw with parameters that a graph computes, of as many examples as it is given. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import CallStack, to_numpy, watching
    from keras_parity.worker.randomness import shared_randomness

    def run(x, *parameters):
        return getattr(keras.random, name)((keras.ops.shape(x)[0], *shape), *parameters)

    if compiled and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        run = tf.function(run, input_signature=[tf.TensorSpec([None])] + [tf.TensorSpec([])] * len(values))
    elif compiled and keras.backend.backend() == "jax":
        import jax

        run = jax.jit(run)
    stack = CallStack()
    with watching(stack), shared_randomness(SEED, stack.next_draw):
        return to_numpy(run(keras.ops.ones((3,)), *map(keras.ops.convert_to_tensor, values)))


def draw_in_loops(loop: str) -> np.ndarray:
    """Draw within each round of a loop, and once behind it. Runs in a worker."""
    import keras
    from keras import layers, ops

    from keras_parity.worker.capture import CallStack, to_numpy, watching
    from keras_parity.worker.randomness import shared_randomness

    class Noisy(layers.Layer):
        state_size = output_size = 2

        def call(self, x, states):
            drawn = x + keras.random.normal(ops.shape(x), seed=1)
            return drawn, [drawn]

    stack = CallStack()
    stack.start_at(None)
    with watching(stack), shared_randomness(SEED, stack.next_draw):
        x = ops.zeros((1, 3, 2))
        if loop == "rnn":
            drawn = layers.RNN(Noisy(name="noisy"), return_sequences=True, name="rnn")(x)
        else:
            drawn = ops.scan(lambda _, one: (one, one + keras.random.normal((2,), seed=1)), x[0, 0], x[0])[1]
        return to_numpy(ops.concatenate([ops.reshape(drawn, (3, 2)), keras.random.normal((1, 2), seed=1)]))


def drop(names: list[str]) -> list[np.ndarray]:
    """Call dropout layers of some names on ones. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import CallStack, to_numpy, watching
    from keras_parity.worker.randomness import shared_randomness

    stack = CallStack()
    stack.start_at(None)
    with watching(stack), shared_randomness(SEED, stack.next_draw):
        layers = [keras.layers.Dropout(0.5, name=name) for name in names]
        return [to_numpy(layer(keras.ops.ones((4, 8)), training=True)) for layer in layers]


def draw_without() -> bool:
    """Say whether two draws outside a check are alike. Runs in a worker."""
    import keras

    first, second = (keras.ops.convert_to_numpy(keras.random.normal((8,), seed=s)) for s in (1, 2))
    return bool((first == second).all())


def generators(count: int) -> np.ndarray:
    """Return the first numbers of keyed generators. Runs in a worker."""
    from keras_parity.worker.randomness import keyed_generator

    return np.array([keyed_generator(SEED, "key", i).random() for i in range(count)])


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_normal_numbers_are_numpys(backend):
    """Keyed by the seed, no layer, and the count of the draw."""
    first, second = ask(backend, draw, "normal", SHAPE, mean=1.0, stddev=2.0)

    np.testing.assert_allclose(first, keyed(SEED, "randomness", "", 1).standard_normal(SHAPE) * 2 + 1, rtol=1e-6)
    np.testing.assert_allclose(second, keyed(SEED, "randomness", "", 2).standard_normal(SHAPE) * 2 + 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "holds"),
    [
        ("uniform", (SHAPE,), {"minval": 2.0, "maxval": 3.0}, lambda v: (v >= 2).all() and (v < 3).all()),
        ("truncated_normal", ((500,),), {}, lambda v: np.abs(v).max() <= 2 and v.std() > 0.5),
        ("randint", ((200,), 2, 5), {}, lambda v: set(np.unique(v)) == {2, 3, 4}),
        ("shuffle", (np.arange(20),), {}, lambda v: sorted(v.tolist()) == list(range(20)) and (np.diff(v) < 0).any()),
        ("categorical", (np.log([[1e-9, 1.0, 1e-9]]), 50), {}, lambda v: (v == 1).all()),
        ("gamma", (SHAPE,), {"alpha": 2.0}, lambda v: (v > 0).all()),
        ("beta", (SHAPE,), {"alpha": 2.0, "beta": 3.0}, lambda v: (v > 0).all() and (v < 1).all()),
        ("binomial", (SHAPE,), {"counts": 5.0, "probabilities": 0.5}, lambda v: set(np.unique(v)) <= set(range(6))),
    ],
)
def test_every_distribution_is_the_same_on_all_backends(name, args, kwargs, holds):
    """And is what its name says."""
    drawn = everywhere(draw, name, *args, **kwargs)

    assert all(holds(values) for values in drawn["jax"])
    for values in drawn.values():
        np.testing.assert_allclose(values, drawn["jax"], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "values"), [("gamma", [2.0]), ("beta", [2.0, 3.0]), ("binomial", [5.0, 0.5]), ("normal", [1.0, 2.0])]
)
def test_a_graph_draws_what_is_drawn_outside_of_it(name, values):
    """Where neither the number of examples nor the parameters are known before it runs."""
    [expected, *_] = drawn = [
        ask(backend, draw_in_graph, name, (4,), values, compiled)
        for backend in TRAINING_BACKENDS
        for compiled in (False, True)
    ]

    assert expected.shape == (3, 4)
    for found in drawn:
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("loop", ["rnn", "scan"])
def test_each_round_of_a_loop_draws_the_same(loop):
    """One backend traces it once, another one runs each round; what is drawn behind it is other numbers."""
    drawn = everywhere(draw_in_loops, loop)

    for found in drawn.values():
        np.testing.assert_allclose(found, drawn["torch"], rtol=1e-6)
        assert (found[:3] == found[0]).all()
        assert (found[3] != found[0]).all()


def test_dropout_keeps_what_numpy_keeps_and_each_layer_draws_its_own():
    """The number that a layer draws depends on its path, not on what was drawn before."""
    for first, second in everywhere(drop, ["a", "b"]).values():
        kept = keyed(SEED, "randomness", "a#0", 1).random((4, 8)) >= 0.5
        np.testing.assert_array_equal(first, kept * 2.0)
        assert not np.array_equal(first, second)
        np.testing.assert_array_equal(ask("jax", drop, ["b"])[0], second)


def test_outside_a_check_nothing_is_patched():
    """Seeds count again."""
    assert everywhere(draw_without) == dict.fromkeys(TRAINING_BACKENDS, False)


def test_keyed_generators_are_the_same_in_every_process():
    """And differ by their key."""
    drawn = everywhere(generators, 5)

    expected = [keyed(SEED, "key", i).random() for i in range(5)]
    assert all(values.tolist() == expected for values in drawn.values())
    assert len(set(expected)) == 5
