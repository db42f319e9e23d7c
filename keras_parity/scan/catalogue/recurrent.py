"""Recurrent layers and their wrappers."""

from keras_parity.scan.configuration import masked, normal, on

_KINDS = ("SimpleRNN", "GRU", "LSTM")

CONFIGURATIONS = [
    *on(
        normal(5, 3),
        *(
            f"layers.{kind}({arguments})(x)"
            for kind in _KINDS
            for arguments in (
                "4",
                "4, return_sequences=True, return_state=True",
                "4, go_backwards=True, return_sequences=True",
                "4, unroll=True, use_bias=False",
                "4, activation='relu', stateful=False, dropout=0.3, recurrent_dropout=0.2",
            )
        ),
        "layers.GRU(4, reset_after=False)(x)",
        "layers.GRU(4, recurrent_activation='hard_sigmoid')(x)",
        "layers.LSTM(4, recurrent_activation='hard_sigmoid', unit_forget_bias=False)(x)",
        "layers.RNN(layers.SimpleRNNCell(4))(x)",
        "layers.RNN(layers.GRUCell(4), return_sequences=True, go_backwards=True)(x)",
        "layers.RNN(layers.GRUCell(4, reset_after=False))(x)",
        "layers.RNN(layers.LSTMCell(4), return_state=True)(x)",
        "layers.RNN(layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(3)]), return_state=True)(x)",
        "layers.Bidirectional(layers.LSTM(4))(x)",
        "layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode='sum')(x)",
        "layers.Bidirectional(layers.SimpleRNN(4, return_sequences=True, return_state=True), merge_mode='ave')(x)",
        "layers.Bidirectional(layers.LSTM(4), merge_mode=None)(x)",
        "layers.Bidirectional(layers.LSTM(4), merge_mode='mul')(x)",
    ),
    *on(
        masked(5, 3),
        *(
            f"layers.{kind}({arguments})(layers.Masking()(x))"
            for kind in _KINDS
            for arguments in (
                "4",
                "4, return_sequences=True, return_state=True",
                "4, go_backwards=True",
                "4, unroll=True",
            )
        ),
        "layers.GRU(4, reset_after=False)(layers.Masking()(x))",
        "layers.RNN(layers.LSTMCell(4), return_sequences=True, zero_output_for_mask=True)(layers.Masking()(x))",
        "layers.Bidirectional(layers.LSTM(4, return_sequences=True))(layers.Masking()(x))",
        "layers.Bidirectional(layers.GRU(4))(layers.Masking()(x))",
    ),
    *on(normal(1, 3), *(f"layers.{kind}(4)(x)" for kind in _KINDS)),
    *on(normal(5, 3, batch=4), *(f"layers.{kind}(4, stateful=True)(x)" for kind in _KINDS)),
    *on(normal(5, 3), normal(4), "layers.GRU(4)(x, initial_state=y)", "layers.SimpleRNN(4)(x, initial_state=y)"),
    *on(normal(5, 3), normal(4), normal(4), "layers.LSTM(4)(x, initial_state=[y, z])"),
    *on(
        normal(3),
        normal(4),
        "layers.SimpleRNNCell(4)(x, [y])",
        "layers.GRUCell(4)(x, [y])",
        "layers.GRUCell(4, reset_after=False)(x, [y])",
    ),
    *on(normal(3), normal(4), normal(4), "layers.LSTMCell(4)(x, [y, z])"),
    *on(
        normal(3, 6, 2),
        "layers.ConvLSTM1D(3, 3)(x)",
        "layers.ConvLSTM1D(3, 2, strides=2, padding='same', return_sequences=True)(x)",
    ),
    *on(
        normal(3, 5, 6, 2),
        "layers.ConvLSTM2D(3, 3)(x)",
        "layers.ConvLSTM2D(3, 2, strides=2, padding='same', return_sequences=True)(x)",
        "layers.ConvLSTM2D(3, 3, padding='same', dilation_rate=2, go_backwards=True)(x)",
        "layers.ConvLSTM2D(3, 3, padding='same', data_format='channels_first', return_state=True)(x)",
    ),
    *on(normal(2, 3, 4, 5, 2), "layers.ConvLSTM3D(3, 2, padding='same')(x)"),
]
