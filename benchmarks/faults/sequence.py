"""Faults in recurrent layers, masks, embeddings and attention."""

from benchmarks.faults.planting import with_attributes, wrong_layer


def unrolled(layer, sequences, mask, step, states: int):
    """Return what a recurrent layer returns, from `step(cell, x, states)` in a plain loop."""
    from keras import ops

    zeros = ops.zeros_like(ops.matmul(sequences[:, 0], layer.cell.kernel))[:, : layer.units]
    current, outputs = [zeros] * states, []
    for time in range(sequences.shape[1]):
        new = step(layer.cell, sequences[:, time], current)
        if mask is not None:
            new = [ops.where(mask[:, time, None], value, old) for value, old in zip(new, current, strict=True)]
        current = new
        outputs.append(new[0])
    return ops.stack(outputs, axis=1) if layer.return_sequences else outputs[-1]


@wrong_layer("LSTM", "swapped gates", lstm="lstm1", bidirectional="bi_lstm/forward_lstm")
def lstm_gates_swapped(layer, right, sequences, initial_state=None, mask=None, training=False):
    """The input and the forget gate change places."""
    from keras import ops

    def step(cell, x, states):
        h, c = states
        gates = ops.matmul(x, cell.kernel) + ops.matmul(h, cell.recurrent_kernel) + cell.bias
        forget, update, candidate, output = ops.split(gates, 4, axis=-1)
        c = ops.sigmoid(forget) * c + ops.sigmoid(update) * ops.tanh(candidate)
        return [ops.sigmoid(output) * ops.tanh(c), c]

    return unrolled(layer, sequences, mask, step, states=2)


@wrong_layer("LSTM", "activation slope", lstm="lstm2")
def lstm_hard_gates(layer, right, *args, **kwargs):
    """The gates use a hard sigmoid, as Keras 1 had it."""
    import keras

    hard = with_attributes(layer.cell, recurrent_activation=keras.activations.hard_sigmoid)
    with hard, with_attributes(layer, use_cudnn=False):
        return right(*args, **kwargs)


@wrong_layer("LSTM", "initial state", lstm="lstm2")
def lstm_starts_at_one(layer, right, sequences, initial_state=None, mask=None, training=False):
    """The cell's state starts at one."""
    from keras import ops

    zeros = ops.zeros_like(ops.matmul(sequences[:, 0], layer.cell.kernel))[:, : layer.units]
    return right(sequences, initial_state=[zeros, ops.ones_like(zeros)], mask=mask, training=training)


@wrong_layer("LSTM", "float32 detour", dtype="float64", lstm="lstm2")
def lstm_in_float32(layer, right, *args, **kwargs):
    """One LSTM of a float64 model rounds its result to float32."""
    from benchmarks.faults.rounding import rounded

    return rounded(right(*args, **kwargs), "float32")


@wrong_layer("GRU", "swapped gates", gru="gru1")
def gru_resets_before(layer, right, sequences, initial_state=None, mask=None, training=False):
    """The reset gate acts before the recurrent product, and not after it."""
    from keras import ops

    def step(cell, x, states):
        (h,) = states
        kernels = ops.split(ops.convert_to_tensor(cell.recurrent_kernel), 3, axis=-1)
        from_x = ops.split(ops.matmul(x, cell.kernel) + cell.bias[0], 3, axis=-1)
        biases = ops.split(ops.convert_to_tensor(cell.bias[1]), 3, axis=-1)
        z, r = (
            ops.sigmoid(value + ops.matmul(h, kernel) + bias)
            for value, kernel, bias in zip(from_x[:2], kernels[:2], biases[:2], strict=True)
        )
        candidate = ops.tanh(from_x[2] + ops.matmul(r * h, kernels[2]) + biases[2])
        return [z * h + (1 - z) * candidate]

    return unrolled(layer, sequences, mask, step, states=1)


@wrong_layer("GRU", "swapped gates", gru="gru2")
def gru_update_reversed(layer, right, sequences, initial_state=None, mask=None, training=False):
    """The update gate weighs the candidate, and not the old state, as one of the two papers has it."""
    from keras import ops

    def step(cell, x, states):
        (h,) = states
        kernels = ops.split(ops.convert_to_tensor(cell.recurrent_kernel), 3, axis=-1)
        from_x = ops.split(ops.matmul(x, cell.kernel) + cell.bias, 3, axis=-1)
        z, r = (
            ops.sigmoid(value + ops.matmul(h, kernel)) for value, kernel in zip(from_x[:2], kernels[:2], strict=True)
        )
        candidate = ops.tanh(from_x[2] + ops.matmul(r * h, kernels[2]))
        return [(1 - z) * h + z * candidate]

    return unrolled(layer, sequences, mask, step, states=1)


@wrong_layer("GRU", "mask ignored", gru=("gru1", "gru2"))
def mask_ignored(layer, right, sequences, initial_state=None, mask=None, training=False):
    """Padding is read as if it were text."""
    return right(sequences, initial_state=initial_state, mask=None, training=training)


@wrong_layer("GlobalAveragePooling1D", "mask ignored", time_net="pool")
def pooling_ignores_the_mask(layer, right, inputs, mask=None):
    """Masked steps count in the average."""
    return right(inputs, mask=None)


@wrong_layer("Bidirectional", "direction", bidirectional="bi_lstm")
def backward_states_not_turned(layer, right, *args, **kwargs):
    """The backward direction's states stay in the order they were computed in."""
    from keras import ops

    outputs = right(*args, **kwargs)
    units = outputs.shape[-1] // 2
    return ops.concatenate([outputs[..., :units], ops.flip(outputs[..., units:], axis=1)], axis=-1)


@wrong_layer("Bidirectional", "wrong reduction", bidirectional="bi_gru")
def directions_averaged(layer, right, *args, **kwargs):
    """The directions are averaged, and not summed."""
    with with_attributes(layer, merge_mode="ave"):
        return right(*args, **kwargs)


@wrong_layer("SimpleRNN", "direction", time_net="rnn")
def sequence_read_backwards(layer, right, *args, **kwargs):
    """The steps are taken from the last to the first."""
    with with_attributes(layer, go_backwards=True):
        return right(*args, **kwargs)


@wrong_layer("MultiHeadAttention", "attention scale", transformer="attention")
def attention_scaled_by_the_width(layer, right, *args, **kwargs):
    """The scores are divided by the root of the model's width, and not of a head's."""
    with with_attributes(layer, _inverse_sqrt_key_dim=12**-0.5):
        return right(*args, **kwargs)


@wrong_layer("Attention", "attention scale", time_net="attention")
def learned_scale_ignored(layer, right, *args, **kwargs):
    """The learned scale of the scores is not used."""
    with with_attributes(layer, scale=None):
        return right(*args, **kwargs)


@wrong_layer("Embedding", "off-by-one index", text_cnn="embedding", transformer="embedding")
def embedding_from_one(layer, right, inputs):
    """Tokens count from one."""
    from keras import ops

    return right(ops.minimum(inputs + 1, layer.input_dim - 1))


@wrong_layer("Embedding", "wrong gradient", gru="embedding", text_cnn="embedding")
def repeated_tokens_count_once(layer, right, inputs):
    """A token's gradient is the mean over its occurrences, and not their sum; the output is right."""
    from keras import ops

    outputs, flat = right(inputs), ops.reshape(inputs, (-1,))
    counts = ops.sum(ops.cast(ops.equal(flat[:, None], flat[None, :]), outputs.dtype), axis=-1)
    shares = outputs / ops.reshape(counts, (*inputs.shape, 1))
    return shares + ops.stop_gradient(outputs - shares)
