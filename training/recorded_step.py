"""A step on PyTorch, recorded and replayed: the same operations in the same order, without the Python between them.

Keras runs eagerly on PyTorch, and up to half of a small network's step is its own Python: arguments are checked,
structures flattened and variables looked up for every layer, loss, metric and update. What reaches PyTorch in the end
is a list of operations, the same at each step. It is written down here as PyTorch dispatches it, backward pass and
optimiser included, and carried out directly from then on: Keras's results to the last bit.

Only what is safe to repeat is repeated. Two steps in a row must have done the same, with the same variables and equal
constants; and none may take random numbers or take a tensor's value into Python (a dropout does both), or it stays
Keras's own for good. A layer whose call changes with a count kept in Python would escape this; no layer here has one.
"""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

# The first step builds the metrics, the next two should agree; then two more for what settles late. Ours.
MOST_RECORDINGS = 5


class Place(NamedTuple):
    """Where a tensor came from.

    Attributes:
        origin: "input", "outside" or the number of the operation that made it.
        number: Which of those; None for the single result of an operation.
    """

    origin: str | int
    number: int | None


class Recording(TorchDispatchMode):
    """Writes down the operations that PyTorch carries out inside a `with` block.

    Args:
        inputs: The tensors of the batch.

    Attributes:
        operations: For each, the function and its arguments, with a `Place` for each tensor.
        outside: The tensors that were neither inputs nor results: variables and constants.
        results: What `close` was given, with a `Place` for each tensor.
        repeatable: Whether nothing was seen that depends on more than tensors.
    """

    def __init__(self, inputs: list[torch.Tensor]):
        super().__init__()
        self.operations: list[tuple[Any, Any]] = []
        self.outside: list[torch.Tensor] = []
        self.results: Any = None
        self.repeatable = True
        self._written: set[int] = set()
        # Tensors are told apart by identity, and so kept alive while the recording lasts.
        self._places = {id(tensor): (Place("input", index), tensor) for index, tensor in enumerate(inputs)}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Carry an operation out, and write it down."""
        kwargs = kwargs or {}
        number = len(self.operations)
        self.operations.append((function, tree_map(self._place, (args, kwargs))))
        for argument, value in zip(function._schema.arguments, args, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._written.update(map(_address, tree_leaves(value)))
        results = function(*args, **kwargs)
        several = isinstance(results, (tuple, list))
        for index, result in enumerate(results if several else [results]):
            if isinstance(result, torch.Tensor):
                self._places[id(result)] = (Place(number, index if several else None), result)
            elif result is not None:
                self.repeatable = False  # a tensor's value, on its way into Python
        if torch.Tag.nondeterministic_seeded in function.tags:
            self.repeatable = False
        return results

    def close(self, results) -> None:
        """End the recording of a function that returned `results`, and let go of its intermediate tensors."""
        known = all(id(leaf) in self._places for leaf in tree_leaves(results))
        self.repeatable &= known
        self.results = tree_map(self._place, results)
        self._places.clear()

    def agrees_with(self, other: "Recording") -> bool:
        """Return whether both did the same, so that a third run would too: with the same variables, equal constants."""
        if not (self.repeatable and other.repeatable):
            return False
        if self.operations != other.operations or self.results != other.results:
            return False
        pairs = zip(self.outside, other.outside, strict=True)
        return all(a is b or (_equal(a, b) and _address(a) not in self._written) for a, b in pairs)

    def _place(self, value):
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) not in self._places:
            self._places[id(value)] = (Place("outside", len(self.outside)), value)
            self.outside.append(value)
        return self._places[id(value)][0]


class _ValueReads(TorchFunctionMode):
    """Marks a recording in which Python takes tensors' values where no operation is dispatched."""

    def __init__(self, recording: Recording):
        super().__init__()
        self._recording = recording

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Note the reading, and call the function."""
        if function in (torch.Tensor.numpy, torch.Tensor.tolist, torch.Tensor.__array__):
            self._recording.repeatable = False
        return function(*args, **(kwargs or {}))


def record(function: Callable) -> Callable:
    """Return `function` with its calls replayed, as soon and as far as that is safe.

    Args:
        function: From nested tensors to nested tensors, as a compiled model's `train_function`.

    Returns:
        A function of the same argument and result. Each shape of a batch is recorded for itself.
    """
    recordings: dict[tuple, list[Recording]] = {}
    replays: dict[tuple, Callable] = {}

    def recorded(batch):
        inputs, structure = tree_flatten(batch)
        if not all(isinstance(value, torch.Tensor) for value in inputs):
            return function(batch)
        key = (structure, *((value.shape, value.dtype, value.device) for value in inputs))
        if key in replays:
            return replays[key](inputs)
        earlier = recordings.setdefault(key, [])
        if len(earlier) == MOST_RECORDINGS:
            return function(batch)
        recording = Recording(inputs)
        with _ValueReads(recording), recording:
            results = function(batch)
        recording.close(results)
        if earlier and recording.agrees_with(earlier[-1]):
            replays[key] = make_replay(recording, len(inputs))
            del recordings[key]
        else:
            earlier.append(recording)
        return results

    return recorded


def make_replay(recording: Recording, input_count: int) -> Callable:
    """Return a function from a batch's tensors to results, that carries out the recorded operations on them.

    `torch.fx` turns them into a Python function that drops each intermediate tensor after its last use.
    """
    graph = fx.Graph()
    nodes = {Place("input", index): graph.placeholder(f"input_{index}") for index in range(input_count)}
    for index, tensor in enumerate(recording.outside):
        nodes[Place("outside", index)] = graph.placeholder(f"outside_{index}")
        if tensor.is_leaf:
            tensor.grad = None  # a replay leaves none there, and this one would grow old

    def node(value):
        if not isinstance(value, Place):
            return value
        if value not in nodes:
            nodes[value] = graph.call_function(operator.getitem, (nodes[Place(value.origin, None)], value.number))
        return nodes[value]

    def with_nodes(values):
        return tree_map(node, values, is_leaf=lambda value: isinstance(value, Place))

    for number, (function, arguments) in enumerate(recording.operations):
        args, kwargs = with_nodes(arguments)
        nodes[Place(number, None)] = graph.call_function(function, args, kwargs)
    leaves, structure = tree_flatten(with_nodes(recording.results))
    graph.output(leaves)
    graph.eliminate_dead_code()
    run, outside = fx.GraphModule(torch.nn.Module(), graph).forward, recording.outside

    @torch.no_grad()
    def replay(inputs: list[torch.Tensor]):
        return tree_unflatten(run(*inputs, *outside), structure)

    return replay


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _equal(first: torch.Tensor, second: torch.Tensor) -> bool:
    kinds = [(value.shape, value.stride(), value.dtype, value.device) for value in (first, second)]
    return kinds[0] == kinds[1] and torch.equal(first, second)
