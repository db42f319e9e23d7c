"""Faults in what inputs are read as, at kinks, in orders and choices, and in loops."""

from benchmarks.faults.planting import with_attributes, wrong_function, wrong_layer, wrong_method
from benchmarks.faults.training import LOSS


@wrong_layer("Embedding", "off-by-one index", text_cnn="embedding", transformer="embedding")
def last_token_read_as_the_one_before(layer, right, inputs):
    """The last token is limited to the one before it."""
    from keras import ops

    return right(ops.minimum(inputs, layer.input_dim - 2))


@wrong_layer("Discretization", "off-by-one index", tabular="bins")
def bins_closed_above(layer, right, inputs):
    """A number that lies on a boundary belongs to the bin below it."""
    from keras import ops

    return sum(ops.cast(inputs > boundary, "int32") for boundary in layer.bin_boundaries)


@wrong_layer("CategoryEncoding", "off-by-one index", tabular="occurring")
def last_kind_not_encoded(layer, right, inputs, **kwargs):
    """The last kind is not among those that occur."""
    from keras import ops

    encoded = right(inputs, **kwargs)
    return encoded * ops.cast(ops.arange(layer.num_tokens) < layer.num_tokens - 1, encoded.dtype)


@wrong_layer("Normalization", "standard deviation", tabular="normal")
def normalised_by_the_variance(layer, right, inputs):
    """Numbers are divided by their variance, and not by its root."""
    from keras import ops

    return (inputs - layer.mean) / ops.maximum(layer.variance, 1e-7)


@wrong_layer("Rescaling", "input range", photos="scale")
def scaled_by_256(layer, right, inputs):
    """The largest value of an image becomes 255/256."""
    return right(inputs) * (255 / 256)


@wrong_layer("Resizing", "corner alignment", photos="smaller")
def pixels_taken_at_their_corners(layer, right, inputs, **kwargs):
    """Pixels are where their first corners are, and not their centres: the image moves by half a pixel."""
    import numpy as np
    from keras import ops

    def weights(size, wanted):
        places = np.arange(wanted) * size / wanted
        return ops.cast(np.maximum(0, 1 - np.abs(places[:, None] - np.arange(size)[None])), inputs.dtype)

    tall = ops.einsum("bhwc,Hh->bHwc", inputs, weights(inputs.shape[1], layer.height))
    return ops.einsum("bHwc,Ww->bHWc", tall, weights(inputs.shape[2], layer.width))


@wrong_function("numpy.round", "rounding", photos="levels")
def rounded_down(right, x, decimals=0):
    """Numbers are rounded down, not to the nearest."""
    from keras import ops

    return ops.floor(x)


@wrong_method(
    "metrics.SparseTopKCategoricalAccuracy.update_state", "wrong metric", kinks="(metric SparseTopKCategoricalAccuracy)"
)
def largest_alone_counts(metric, right, *args, **kwargs):
    """Only the largest prediction counts, and not the four largest."""
    with with_attributes(metric, _fn_kwargs={**metric._fn_kwargs, "k": 1}):
        return right(*args, **kwargs)


@wrong_function("nn.soft_shrink", "gradient at a kink", kinks="soft_shrink")
def shrinking_gradient_at_the_threshold(right, x, threshold=0.5):
    """The gradient at exactly the threshold is 1; the output is right."""
    from keras import ops

    at = ops.cast(ops.equal(ops.abs(x), threshold), x.dtype)
    return right(x, threshold) + at * (x - ops.stop_gradient(x))


@wrong_layer("ReLU", "gradient at a kink", kinks="above")
def relu_gradient_at_the_threshold(layer, right, inputs):
    """The gradient at exactly the threshold is 1; the output is right."""
    from keras import ops

    at = ops.cast(ops.equal(inputs, layer.threshold), inputs.dtype)
    return right(inputs) + at * (inputs - ops.stop_gradient(inputs))


@wrong_function("numpy.max", "tie-breaking", kinks="max")
def maximum_gives_all_to_one(right, x, axis=None, keepdims=False, initial=None):
    """Of equal maxima the first one gets the whole gradient, and not each its share; the output is right."""
    from keras import ops

    if axis not in (-1, [-1], (-1,)) or "float" not in str(x.dtype):
        return right(x, axis=axis, keepdims=keepdims, initial=initial)
    first = ops.cast(ops.one_hot(ops.argmax(x, axis=-1), x.shape[-1]), x.dtype)
    return ops.sum(x * first, axis=-1, keepdims=keepdims)


@wrong_function("nn.categorical_crossentropy", "wrong gradient", resnet=LOSS, mobilenet=LOSS)
def normalisation_without_gradient(right, target, output, from_logits=False, axis=-1):
    """The probabilities' sum is taken for a constant; the loss is right."""
    from keras import ops

    output = ops.convert_to_tensor(output)
    share = output / ops.stop_gradient(ops.sum(output, axis=axis, keepdims=True))
    share = ops.clip(share, 1e-7, 1 - 1e-7)
    return -ops.sum(ops.cast(target, share.dtype) * ops.log(share), axis=axis)


@wrong_function("linalg.eigh", "order", search="axes")
def eigenvalues_descend(right, x):
    """The largest eigenvalue comes first, with its vector."""
    from keras import ops

    values, vectors = right(x)
    return ops.flip(values, -1), ops.flip(vectors, -1)


@wrong_function("math.top_k", "order", search="ranking")
def smallest_first(right, *args, **kwargs):
    """The largest values come in ascending order."""
    from keras import ops

    values, indices = right(*args, **kwargs)
    return ops.flip(values, -1), ops.flip(indices, -1)


@wrong_function("numpy.sort", "order", search="ranking")
def sorted_down(right, x, axis=-1):
    """The largest value comes first."""
    from keras import ops

    return ops.flip(right(x, axis), axis)


@wrong_function("core.scan", "wrong gradient", search="repeat")
def gradient_of_the_last_step_alone(right, f, init, xs=None, length=None, reverse=False, unroll=1):
    """No gradient passes from one step of a loop to the one before; the output is right."""
    from keras import ops

    return right(lambda state, x: f(ops.stop_gradient(state), x), init, xs, length, reverse, unroll)


@wrong_function("core.scan", "off-by-one step", search="repeat")
def loop_ends_early(right, f, init, xs=None, length=None, reverse=False, unroll=1):
    """The last step of a loop gives the state of the one before."""
    _, states = right(f, init, xs, length, reverse, unroll)
    return states[-2], states
