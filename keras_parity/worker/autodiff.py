"""Values and gradients of a function, the same way on three backends."""

import functools
from collections.abc import Callable, Hashable
from typing import Any

import keras
import numpy as np

from keras_parity.protocol.quantity import Quantity
from keras_parity.worker.tensors import Compiled, Structure, Tensor

# By quantity, or by whatever else the caller tells them apart.
Tensors = dict[Any, Tensor]
# From tensors to differentiate with respect to, and others, to float results and other ones.
Function = Callable[[list[Tensor], Any], tuple[Tensors, Tensors]]
DrawCotangent = Callable[[Quantity, tuple[int, ...]], np.ndarray]
Evaluated = tuple[Tensors, Tensors, list[Tensor | None] | None]


def evaluate(
    function: Function,
    arguments: list[Tensor],
    fixed: Structure,
    draw_cotangent: DrawCotangent | None,
    compiled: Compiled | None,
    key: Hashable,
    *,
    sparse: bool = False,
) -> Evaluated:
    """Return a function's results, and the gradient of its float results, contracted with given cotangents.

    JAX compiles the function, as Keras's own training does; the others run it eagerly. OpenVINO has no gradients.

    Args:
        function: From `(arguments, fixed)` to two dictionaries by quantity: float tensors and other ones.
        arguments: Float tensors to differentiate with respect to.
        fixed: A nested structure of other tensors that the function takes.
        draw_cotangent: From a float result's quantity and shape to its cotangent; None where no gradient is wanted.
        compiled: Keeps what was compiled; None runs JAX eagerly, too.
        key: What `function` is known by in there: for one key it must always compute the same.
        sparse: Whether TensorFlow's sparse gradients stay as they are.

    Returns:
        The two dictionaries, and a gradient for each argument, None for one that nothing depends on; or None in place
        of the list where no gradient was wanted.
    """
    evaluate_on = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}
    return evaluate_on.get(keras.backend.backend(), _without_gradients)(
        function, arguments, fixed, draw_cotangent, compiled, key, sparse
    )


def _without_gradients(
    function: Function,
    arguments: list[Tensor],
    fixed: Structure,
    draw_cotangent: DrawCotangent | None,
    compiled: Compiled | None,
    key: Hashable,
    sparse: bool,
) -> Evaluated:
    return *function(arguments, fixed), None


def _on_tensorflow(
    function: Function,
    arguments: list[Tensor],
    fixed: Structure,
    draw_cotangent: DrawCotangent | None,
    compiled: Compiled | None,
    key: Hashable,
    sparse: bool,
) -> Evaluated:
    import tensorflow as tf

    if draw_cotangent is None:
        return *function(arguments, fixed), None
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        floats, others = function(arguments, fixed)
    cotangents = [tf.cast(draw_cotangent(name, tuple(value.shape)), value.dtype) for name, value in floats.items()]
    gradients = tape.gradient(list(floats.values()), arguments, output_gradients=cotangents)
    if sparse:
        return floats, others, gradients
    return floats, others, [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]


def _on_torch(
    function: Function,
    arguments: list[Tensor],
    fixed: Structure,
    draw_cotangent: DrawCotangent | None,
    compiled: Compiled | None,
    key: Hashable,
    sparse: bool,
) -> Evaluated:
    import torch

    if draw_cotangent is None:
        with torch.no_grad():
            return *function(arguments, fixed), None
    arguments = [argument.detach().clone().requires_grad_() for argument in arguments]
    with torch.enable_grad():
        floats, others = function(arguments, fixed)
    results = {name: value for name, value in floats.items() if value.requires_grad}
    if not results or not arguments:
        return floats, others, [None] * len(arguments)
    cotangents = [torch.as_tensor(draw_cotangent(n, tuple(v.shape))).to(v.dtype) for n, v in results.items()]
    gradients = torch.autograd.grad(list(results.values()), arguments, cotangents, allow_unused=True)
    return floats, others, list(gradients)


def _on_jax(
    function: Function,
    arguments: list[Tensor],
    fixed: Structure,
    draw_cotangent: DrawCotangent | None,
    compiled: Compiled | None,
    key: Hashable,
    sparse: bool,
) -> Evaluated:
    import jax
    import jax.numpy as jnp

    def with_gradients(
        arguments: list[Tensor], fixed: Structure, cotangents: Tensors
    ) -> tuple[Tensors, Tensors, list[Tensor]]:
        floats, backward, others = jax.vjp(lambda a: function(a, fixed), arguments, has_aux=True)
        return floats, others, backward(cotangents)[0]

    wanted = with_gradients if draw_cotangent else function
    shapes_of: Callable[[list[Tensor], Structure], Any] = functools.partial(jax.eval_shape, function)
    if compiled is None:
        compiled, shapes_of = {key: wanted}, function
    if key not in compiled:
        compiled[key] = jax.jit(wanted)
    if draw_cotangent is None:
        return *compiled[key](arguments, fixed), None
    sizes = (key, tuple(argument.shape for argument in jax.tree.leaves((arguments, fixed))))
    if sizes not in compiled:
        compiled[sizes] = {name: (v.shape, v.dtype) for name, v in shapes_of(arguments, fixed)[0].items()}
    cotangents = {
        name: jnp.asarray(draw_cotangent(name, shape), dtype) for name, (shape, dtype) in compiled[sizes].items()
    }
    found: Evaluated = compiled[key](arguments, fixed, cotangents)
    return found
