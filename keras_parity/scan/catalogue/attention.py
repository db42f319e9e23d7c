"""Attention layers and operations."""

from keras_parity.scan.configuration import boolean, masked, normal, on

_LAYERS = [
    *on(
        normal(5, 4),
        normal(6, 4),
        "layers.Attention()([x, y])",
        "layers.Attention(use_scale=True, score_mode='concat')([x, y])",
        "layers.Attention(use_scale=True)([x, y], use_causal_mask=True)",
        "layers.Attention()([x, y], return_attention_scores=True)",
        "layers.AdditiveAttention()([x, y])",
        "layers.AdditiveAttention(use_scale=False)([x, y], use_causal_mask=True)",
        "layers.MultiHeadAttention(2, 3)(x, y)",
        "layers.MultiHeadAttention(2, 3, value_dim=5, output_shape=7)(x, y)",
        "layers.MultiHeadAttention(2, 3, use_bias=False)(x, y, return_attention_scores=True)",
        "layers.MultiHeadAttention(2, 3)(x, y, use_causal_mask=True)",
        "layers.MultiHeadAttention(2, 3, use_gate=True)(x, y)",
        "layers.GroupQueryAttention(3, 4, 2)(x, y)",
        "layers.GroupQueryAttention(3, 4, 2)(x, y, use_causal_mask=True)",
        "layers.GroupQueryAttention(3, 2, 1, use_gate=True)(x, y, return_attention_scores=True)",
        "layers.GroupQueryAttention(3, 4, 4, use_bias=False)(x, y)",
    ),
    *on(
        normal(6, 4),
        "layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)",
        "layers.MultiHeadAttention(2, 3, sliding_window=2)(x, x)",
        "layers.MultiHeadAttention(2, 3, dropout=0.3)(x, x)",
        "layers.Attention(dropout=0.3)([x, x])",
    ),
    *on(
        normal(5, 4),
        normal(6, 4),
        boolean(5, 6),
        "layers.MultiHeadAttention(2, 3)(x, y, attention_mask=z)",
        "layers.GroupQueryAttention(3, 4, 2)(x, y, attention_mask=z)",
    ),
    *on(
        normal(5, 4),
        normal(6, 4),
        boolean(6),
        "layers.MultiHeadAttention(2, 3)(x, y, key_mask=z)",
        "layers.MultiHeadAttention(2, 3)(x, y, value_mask=z, use_causal_mask=True)",
        "layers.Attention()([x, y], mask=[None, z])",
        "layers.AdditiveAttention()([x, y], mask=[None, z])",
    ),
    *on(
        masked(5, 4),
        "layers.MultiHeadAttention(2, 3)(layers.Masking()(x), layers.Masking()(x))",
        "layers.Attention()([layers.Masking()(x), layers.Masking()(x)])",
        "layers.GroupQueryAttention(3, 2, 1)(layers.Masking()(x), layers.Masking()(x))",
    ),
    *on(
        normal(3, 5, 4),
        "layers.MultiHeadAttention(2, 3, attention_axes=(2,))(x, x)",
        "layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))(x, x)",
    ),
]

_OPERATIONS = [
    *on(
        normal(5, 2, 8),
        normal(6, 2, 8),
        normal(6, 2, 8),
        "ops.dot_product_attention(x, y, z)",
        "ops.dot_product_attention(x, y, z, scale=0.5)",
        "ops.dot_product_attention(x, y, z, is_causal=True)",
        "ops.dot_product_attention(x, y, z, attn_logits_soft_cap=0.5)",
        "ops.dot_product_attention(x, y, z, flash_attention=False)",
    ),
    *on(
        normal(5, 2, 8),
        normal(6, 2, 8),
        normal(6, 2, 8),
        boolean(2, 5, 6),
        "ops.dot_product_attention(x, y, z, mask=w)",
        "ops.dot_product_attention(x, y, z, mask=w, is_causal=True)",
    ),
    *on(
        normal(5, 2, 8),
        normal(6, 2, 8),
        normal(6, 2, 8),
        normal(2, 5, 6),
        "ops.dot_product_attention(x, y, z, bias=w)",
    ),
    *on(
        normal(5, 4, 8),
        normal(6, 2, 8),
        normal(6, 2, 8),
        "ops.dot_product_attention(x, y, z)",
    ),
]

CONFIGURATIONS = _LAYERS + _OPERATIONS
