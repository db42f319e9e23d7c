"""The models of the bench, each with its expected verdict.

`truth.jsonl` holds what plain Keras computes of each on every backend; `truth.py` writes it. Nothing here imports
keras.
"""

from typing import Any, Unpack

from benchmarks.real_models.entry import (
    AGREE,
    Expected,
    Model,
    Place,
    Rest,
    Sampler,
    adjacency,
    integers,
    listed,
    named,
    normal,
    one_hot,
    ones,
    padded,
    pixels,
    uniform,
    zeros,
)

SPARSE = "sparse_categorical_crossentropy"
SPARSE_LOGITS = {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": True}}
BINARY = "binary_crossentropy"

# Adam of Keras on TensorFlow adds up the squares of a repeated token's gradients instead of squaring their sum.
SPARSE_ADAM = Expected(
    "disagree",
    (Place("(optimizer)|*embedding*|*token*|(training)", "tensorflow"),),
    "On TensorFlow, Adam squares the gradients of a token that occurs twice one by one and not their sum; "
    "JAX and PyTorch do as the paper says.",
)

# Keras's other adaptive optimisers do the same.
SPARSE_ADAGRAD = Expected("disagree", SPARSE_ADAM.places, SPARSE_ADAM.reason.replace("Adam", "Adagrad"))

STATEFUL = Expected(
    "disagree",
    (Place("(predict)", "jax"), Place("(training)|lstm", "torch"), Place("(training)", None)),
    "JAX forgets the state of a stateful layer in `predict` and after each training step; on PyTorch training raises",
)
POOLED_TIES = Expected(
    "disagree",
    (Place("pool*", "tensorflow"),),
    "TensorFlow gives the gradient of MaxPooling3D to all of equal maxima, as of zeros behind a ReLU",
)
MASKED_ROWS = Expected(
    "disagree",
    (Place("attention", "torch"),),
    "on PyTorch the gradient of attention is wrong where a query may look at no key, as a row of padding",
)
PIXEL_CROSSENTROPY = Expected(
    "disagree",
    (Place("(loss)|(training)|(optimizer)|*classes*", "torch"),),
    "On PyTorch's CPU the gradient of sparse_categorical_crossentropy raises for probabilities of each pixel: "
    "Keras moves the classes to axis 1 by a view, and nll_loss wants contiguous memory.",
)


# What three batches make of the rounding of bfloat16 (0.004) and float16, and of single steps in float32.
HALF, SINGLE = 0.1, 1e-5


def application(
    name: str, family: str, size: int = 32, *, large: bool = True, head: bool = True, **config: object
) -> Model:
    """Return an entry for a network of keras.applications."""
    return Model(
        name,
        "keras.applications",
        "benchmarks.real_models.applications:application",
        pixels(size) if family.startswith(("Efficient", "MobileNetV3", "ConvNeXt")) else normal(size, size, 3),
        {"family": family, "size": size, **config},
        integers(10) if head else None,
        loss=SPARSE if head else None,
        large=large,
    )


APPLICATIONS = (
    application("vgg16", "VGG16", top=False, head=False),
    application("vgg19", "VGG19", top=False, head=False),
    application("resnet50", "ResNet50"),
    application("resnet50_v2", "ResNet50V2"),
    application("resnet101", "ResNet101", top=False, head=False),
    application("inception_v3", "InceptionV3", 75),
    application("inception_resnet_v2", "InceptionResNetV2", 75),
    application("xception", "Xception", 71),
    application("mobilenet", "MobileNet", alpha=0.25, large=False),
    application("mobilenet_v2", "MobileNetV2", alpha=0.35, large=False),
    application("mobilenet_v3_small", "MobileNetV3Small"),
    application("mobilenet_v3_large", "MobileNetV3Large", minimalistic=True),
    application("densenet121", "DenseNet121"),
    application("nasnet_mobile", "NASNetMobile"),
    application("efficientnet_b0", "EfficientNetB0"),
    application("efficientnet_v2_b0", "EfficientNetV2B0"),
    application("convnext_tiny", "ConvNeXtTiny"),
    Model(
        "transfer_learning",
        "keras.applications",
        "benchmarks.real_models.applications:transfer_learning",
        pixels(32),
        {"alpha": 0.35},
        integers(2, 1),
        loss={"class_name": "BinaryCrossentropy", "config": {"from_logits": True}},
        metrics=("binary_accuracy",),
    ),
    Model(
        "fine_tuning",
        "keras.applications",
        "benchmarks.real_models.applications:fine_tuning",
        normal(32, 32, 3),
        {"alpha": 0.25},
        integers(5),
        loss=SPARSE,
        optimizer={"class_name": "Adam", "config": {"learning_rate": 1e-4}},
    ),
)


def vision(name: str, draw_inputs: Sampler, draw_targets: Sampler | None = None, **rest: Unpack[Rest]) -> Model:
    """Return an entry for a network of `vision.py`."""
    return Model(
        name, "images", f"benchmarks.real_models.vision:{name}", draw_inputs, draw_targets=draw_targets, **rest
    )


VISION = (
    vision("digits_cnn", uniform(28, 28, 1), one_hot(10), loss="categorical_crossentropy", metrics=("accuracy",)),
    vision("cifar_resnet", normal(32, 32, 3), integers(10), loss=SPARSE_LOGITS),
    vision("batchnorm_on_8x8", normal(8, 8, 3)),
    vision("batchnorm_heavy", normal(8, 8, 3), integers(4), loss=SPARSE),
    vision("unet", uniform(32, 32, 3), integers(2, 32, 32, 1), loss=BINARY),
    vision("xception_unet", normal(32, 32, 3), integers(3, 32, 32, 1), loss=SPARSE_LOGITS, optimizer="rmsprop"),
    vision("pixel_classes", normal(16, 16, 3), integers(3, 16, 16, 1), loss=SPARSE, expected=PIXEL_CROSSENTROPY),
    vision("vision_transformer", normal(16, 16, 3), integers(10), loss=SPARSE_LOGITS, optimizer="adamw"),
    vision("compact_convolutional_transformer", normal(16, 16, 3), optimizer="sgd"),
    vision(
        "mlp_mixer",
        normal(16, 16, 3),
        integers(10),
        loss=SPARSE_LOGITS,
        metrics=(SPARSE.replace("crossentropy", "accuracy"),),
    ),
    vision("gmlp", normal(16, 16, 3), integers(10), loss=SPARSE_LOGITS),
    vision("conv_mixer", pixels(16), integers(10), loss=SPARSE),
    vision("convnext_blocks", normal(24, 24, 3)),
    vision("squeeze_and_excite", normal(16, 16, 3)),
    vision("cbam", normal(16, 16, 3), integers(5), loss=SPARSE),
    vision("siamese", listed(uniform(16, 16, 1), uniform(16, 16, 1)), integers(2, 1), loss=BINARY, optimizer="rmsprop"),
    vision("triplet_network", listed(*[uniform(12, 12, 1)] * 3), gives_inputs=True),
    vision("super_resolution", uniform(9, 9, 1)),
    vision("dilated_segmentation", normal(24, 24, 3), integers(4, 24, 24), loss=SPARSE_LOGITS),
    vision("video_3d", uniform(12, 12, 8, 1), integers(2, 1), loss=BINARY, expected=POOLED_TIES),
    vision("factored_video", uniform(6, 12, 12, 3), integers(4), loss=SPARSE_LOGITS),
    vision("next_frame", uniform(4, 10, 10, 1), uniform(4, 10, 10, 1), gives_targets=True, loss=BINARY),
    vision("cnn_lstm", uniform(5, 12, 12, 3), integers(3), loss=SPARSE),
    vision("detector", normal(32, 32, 3)),
    vision("keypoints", uniform(24, 24, 3)),
    vision("ocr_with_ctc", uniform(40, 16, 1), integers(12, 4, low=1), gives_targets=True, loss="ctc", optimizer="sgd"),
    vision("augmented_cnn", pixels(16)),
    vision("involution_net", normal(16, 16, 4), integers(6), loss=SPARSE_LOGITS),
    vision("point_net", normal(16, 3), integers(4), loss=SPARSE),
    vision("radiance_field", uniform(10, 3, low=-1.0)),
    vision("window_attention", normal(8, 8, 3)),
    vision("grouped_convolutions", normal(14, 14, 4)),
    vision("spatial_transformer", normal(10, 10, 1)),
)


def text(name: str, draw_inputs: Sampler, draw_targets: Sampler | None = None, **rest: Unpack[Rest]) -> Model:
    """Return an entry for a network of `text.py`."""
    return Model(name, "texts", f"benchmarks.real_models.text:{name}", draw_inputs, draw_targets=draw_targets, **rest)


TEXT = (
    text("text_transformer", integers(500, 40), integers(2), loss=SPARSE, optimizer="sgd"),
    text("miniature_gpt", integers(60, 12), integers(60, 12)),
    text("text_cnn", integers(80, 40), integers(2, 1), loss=BINARY, optimizer="sgd"),
    text("bidirectional_lstm", integers(100, 9), integers(2, 1), loss=BINARY, optimizer="adam", expected=SPARSE_ADAM),
    text("masked_tagger", padded(50, 10), integers(5, 10), loss=SPARSE, optimizer="sgd"),
    text(
        "entity_recognition",
        padded(50, 10),
        integers(5, 10),
        loss=SPARSE,
        optimizer="sgd",
        expected=MASKED_ROWS,
    ),
    text(
        "seq2seq_lstm",
        listed(one_hot(14, 9), one_hot(16, 9)),
        one_hot(16, 9),
        loss="categorical_crossentropy",
        optimizer="rmsprop",
    ),
    text(
        "attention_seq2seq", listed(padded(40, 9), padded(40, 7)), integers(40, 7), loss=SPARSE_LOGITS, optimizer="sgd"
    ),
    text(
        "transformer_seq2seq",
        named(encoder_inputs=integers(40, 9), decoder_inputs=integers(40, 8)),
        integers(40, 8),
        loss=SPARSE,
        optimizer="adam",
        expected=SPARSE_ADAM,
    ),
    text("fourier_text", integers(60, 16), integers(2, 1), loss=BINARY, optimizer="sgd"),
    text("switch_transformer", integers(60, 12), integers(2), loss=SPARSE_LOGITS, optimizer="sgd"),
    text(
        "word2vec",
        listed(integers(70, 1), integers(70, 5)),
        integers(2, 5),
        loss={"class_name": "BinaryCrossentropy", "config": {"from_logits": True}},
        optimizer="sgd",
    ),
    text("character_gru", one_hot(30, 9), integers(30, 9), loss=SPARSE_LOGITS),
    text("newswires", integers(2, 200, dtype="float32"), one_hot(12), loss="categorical_crossentropy"),
    text("addition_rnn", one_hot(12, 7), one_hot(12, 4), loss="categorical_crossentropy", metrics=("accuracy",)),
    text("dual_encoder", named(caption=integers(50, 8), image=normal(12, 12, 3)), optimizer="sgd"),
)


def series(name: str, draw_inputs: Sampler, draw_targets: Sampler | None = None, **rest: Unpack[Rest]) -> Model:
    """Return an entry for a network of `series.py`."""
    family = "graphs" if name.startswith(("graph", "molecule", "traffic")) else "series and signals"
    return Model(name, family, f"benchmarks.real_models.series:{name}", draw_inputs, draw_targets=draw_targets, **rest)


SERIES = (
    series("convolutional_classifier", normal(40, 1), integers(2), loss=SPARSE),
    series("series_transformer", normal(24, 1), integers(2), loss=SPARSE),
    series("wavenet", normal(32, 1), integers(5, 32), loss=SPARSE_LOGITS),
    series("weather_lstm", normal(20, 7)),
    series("anomaly_autoencoder", normal(32, 1)),
    series("temporal_convolutions", normal(24, 4), loss="mae"),
    series("custom_cells", normal(9, 3)),
    series("masked_series", normal(12, 3)),
    series("stateful_lstm", normal(6, 2), batch=4, expected=STATEFUL),
    series("electric_signals", normal(48, 2), one_hot(3), loss="categorical_crossentropy"),
    series("spectrogram_classifier", normal(256), integers(4), loss=SPARSE_LOGITS),
    series("attention_pooling", normal(10, 4)),
    series(
        "graph_network",
        integers(20, 1),
        integers(3),
        gives_inputs=True,
        loss=SPARSE_LOGITS,
        optimizer="adam",
        expected=Expected(
            "disagree",
            (Place("(reload)", "tensorflow"), Place("(reload)", "jax")),
            "a subclassed model that was built by a call comes back from its file without its last layer's weights, "
            "but for PyTorch, where Keras can build it anew (plain Keras: outputs 5.2 and 7.7 apart, 0 on PyTorch)",
        ),
    ),
    series("molecule_network", listed(normal(8, 5), adjacency(2, 8, 8))),
    series(
        "graph_attention", listed(normal(7, 4), adjacency(7, 7)), integers(3, 7), gives_inputs=True, loss=SPARSE_LOGITS
    ),
    series("traffic_forecast", normal(8, 5, 1)),
)


def table(name: str, draw_inputs: Sampler, draw_targets: Sampler | None = None, **rest: Unpack[Rest]) -> Model:
    """Return an entry for a network of `tables.py`."""
    family = "subclassed" if name.startswith("subclassed") else "structured data and control"
    return Model(name, family, f"benchmarks.real_models.tables:{name}", draw_inputs, draw_targets=draw_targets, **rest)


TABLES = (
    table("adapted_normalization", normal(3, mean=1.0, deviation=3.0)),
    table("normalized_in_reverse", normal(1, mean=100.0, deviation=20.0)),
    table(
        "heart_disease",
        named(
            age=uniform(1, low=20, high=80),
            pressure=normal(1, mean=130, deviation=15),
            kind=integers(4, 1),
            vessels=integers(5, 1),
        ),
        integers(2, 1),
        gives_inputs=True,
        loss=BINARY,
        metrics=("binary_accuracy",),
    ),
    table("adapted_buckets", normal(2, deviation=2.0), optimizer="sgd"),
    table(
        "looked_up_numbers",
        integers(60, 1),
        integers(2, 1),
        loss=BINARY,
        optimizer="sgd",
        expected=Expected(
            "disagree",
            (Place("lookup", "jax"),),
            "a lookup needs values, so that JAX cannot compile a training with it",
        ),
    ),
    table(
        "wide_and_deep", named(numbers=normal(5), category=integers(8, 1)), integers(3), loss=SPARSE, optimizer="sgd"
    ),
    table("deep_and_cross", normal(9)),
    table("variable_selection", normal(4), integers(2, 1), loss=BINARY),
    table(
        "tab_transformer",
        named(categories=integers(6, 5), numbers=normal(3)),
        integers(2, 1),
        loss=BINARY,
        optimizer="sgd",
        still={"column_initializer": "ones"},
        expected=Expected(
            "disagree",
            (Place("(training)", "torch"),),
            "a constant that a layer computed while the model was built keeps its graph on PyTorch: the second step "
            "raises",
        ),
    ),
    table("decision_forest", normal(6), integers(3), loss=SPARSE),
    table("recommender", integers(15, 2), uniform(1), gives_inputs=True),
    Model(
        "recommender_with_adam",
        "structured data and control",
        "benchmarks.real_models.tables:recommender",
        integers(4, 2),
        {"optimizer": "adam"},
        uniform(1),
        gives_inputs=True,
        expected=SPARSE_ADAM,
    ),
    table("two_towers", listed(integers(12, 1), normal(4)), optimizer="sgd"),
    table(
        "factorization_machine",
        integers(30, 10),
        integers(2, 1),
        loss=BINARY,
        optimizer="adagrad",
        expected=SPARSE_ADAGRAD,
    ),
    table("dot_interactions", listed(normal(4), integers(10, 3)), integers(2, 1), loss=BINARY, optimizer="sgd"),
    table("imbalanced_fraud", normal(12), integers(2, 1), loss=BINARY, metrics=("precision", "recall")),
    table("quantile_regression", normal(5), normal(3)),
    table("actor_critic", normal(4), listed(integers(2), normal(1))),
    table(
        "deep_q_network",
        uniform(20, 20, 4),
        loss="huber",
        optimizer={"class_name": "Adam", "config": {"clipnorm": 1.0}},
    ),
    table("subclassed_dictionary", named(left=normal(3), right=normal(4)), gives_inputs=True),
    table("subclassed_residual", normal(5), gives_inputs=True),
)


def generative(name: str, draw_inputs: Sampler, draw_targets: Sampler | None = None, **rest: Unpack[Rest]) -> Model:
    """Return an entry for a network of `generative.py`."""
    builder = f"benchmarks.real_models.generative:{name}"
    return Model(name, "generative", builder, draw_inputs, draw_targets=draw_targets, **rest)


GENERATIVE = (
    generative("vae_with_train_step", uniform(8, 8, 1), gives_inputs=True, still={"noise": 0.0}),
    generative(
        "vae_with_add_loss",
        uniform(8, 8, 1),
        uniform(8, 8, 1),
        gives_inputs=True,
        gives_targets=True,
        still={"noise": 0.0},
    ),
    generative("gan_generator", normal(10), uniform(16, 16, 3)),
    generative("gan_discriminator", uniform(16, 16, 3), integers(2, 1), loss=BINARY),
    generative("cycle_generator", uniform(16, 16, 3, low=-1.0), loss="mae"),
    generative("normalizing_flow", normal(2), gives_inputs=True),
    generative("pixel_cnn", integers(2, 12, 12, 1, dtype="float32"), integers(2, 12, 12, 1), loss=BINARY),
    generative("vector_quantised_autoencoder", uniform(8, 8, 1)),
    generative("diffusion_unet", listed(normal(16, 16, 3), uniform(1, 1, 1)), loss="mae", optimizer="adamw"),
    generative("denoising_autoencoder", uniform(16, 16, 1), uniform(16, 16, 1), loss=BINARY),
    generative("sparse_autoencoder", uniform(20), uniform(20), gives_targets=True, loss=BINARY),
)


def lowered(
    name: str, builder: str, draw_inputs: Sampler, draw_targets: Sampler | None = None, **rest: Unpack[Rest]
) -> Model:
    """Return an entry for a network of `lowered.py`."""
    builder = f"benchmarks.real_models.lowered:{builder}"
    return Model(name, "mixed, quantised, adapted", builder, draw_inputs, draw_targets=draw_targets, **rest)


LOWERED = (
    lowered("lora_dense", "lora_dense", normal(16)),
    lowered(
        "lora_transformer", "lora_transformer", integers(40, 10), integers(40, 10), loss=SPARSE_LOGITS, optimizer="sgd"
    ),
    lowered("lora_convolution", "lora_convolution", normal(10, 10, 3)),
    lowered("int8_dense", "quantized_dense", normal(16)),
    lowered("int4_dense", "quantized_dense", normal(16), kwargs={"mode": "int4"}),
    lowered("int8_transformer", "quantized_transformer", integers(40, 10)),
    lowered("int4_transformer", "quantized_transformer", integers(40, 10), kwargs={"mode": "int4"}),
    lowered("lora_on_int8", "lora_on_int8", normal(16)),
    lowered("mixed_bfloat16_body", "mixed_by_layer", normal(16, 16, 3), integers(5), loss=SPARSE, rounding=HALF),
    lowered(
        "mixed_float16_body",
        "mixed_by_layer",
        normal(16, 16, 3),
        integers(5),
        kwargs={"policy": "mixed_float16"},
        loss=SPARSE,
        rounding=HALF,
    ),
    lowered("mixed_lstm", "mixed_lstm", normal(8, 4), rounding=HALF),
    lowered("mixed_transformer", "mixed_transformer", normal(8, 8), rounding=HALF),
)


def hub(
    name: str,
    draw_inputs: Sampler,
    builder: str = "backbone",
    *,
    large: bool = False,
    optimizer: str = "sgd",
    expected: Expected = AGREE,
    rounding: float = 0.0,
    gives_inputs: bool = False,
    **config: object,
) -> Model:
    """Return an entry for a backbone of keras-hub."""
    builder = f"benchmarks.real_models.hub:{builder}"
    return Model(
        name,
        "keras-hub",
        builder,
        draw_inputs,
        config,
        gives_inputs=gives_inputs,
        optimizer=optimizer,
        expected=expected,
        needs=("keras_hub",),
        large=large,
        rounding=rounding,
    )


# What a builder takes; the values are `Any`, as `hub` has keywords of its own beside them.
WIDTHS: dict[str, Any] = {
    "vocabulary_size": 40,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 24,
}
QUERY: dict[str, Any] = {
    "vocabulary_size": 40,
    "num_layers": 2,
    "num_query_heads": 2,
    "num_key_value_heads": 1,
    "hidden_dim": 16,
    "intermediate_dim": 24,
}
TOKENS = named(token_ids=integers(40, 10), padding_mask=ones(10))
SEGMENTS = named(token_ids=integers(40, 10), segment_ids=zeros(10), padding_mask=ones(10))
TWO_TEXTS = named(
    encoder_token_ids=integers(40, 10),
    encoder_padding_mask=ones(10),
    decoder_token_ids=integers(40, 8),
    decoder_padding_mask=ones(8),
)

HUB = (
    hub("bert", SEGMENTS, family="Bert", max_sequence_length=16, **WIDTHS),
    hub("gpt2", TOKENS, family="GPT2", max_sequence_length=16, **WIDTHS),
    hub("gemma", TOKENS, family="Gemma", rounding=SINGLE, head_dim=8, **QUERY),
    hub("gemma3", TOKENS, family="Gemma3", rounding=SINGLE, head_dim=8, image_size=None, **QUERY),
    hub("llama", TOKENS, family="Llama", **QUERY),
    hub("mistral", TOKENS, family="Mistral", **QUERY),
    hub("mixtral", TOKENS, family="Mixtral", num_experts=2, **QUERY),
    hub("qwen3", TOKENS, family="Qwen3", head_dim=8, **QUERY),
    hub("phi3", TOKENS, family="Phi3", **QUERY),
    hub(
        "falcon",
        TOKENS,
        family="Falcon",
        vocabulary_size=40,
        num_layers=2,
        num_attention_heads=2,
        hidden_dim=16,
        intermediate_dim=24,
    ),
    hub("bloom", TOKENS, family="Bloom", **WIDTHS),
    hub("opt", TOKENS, family="OPT", max_sequence_length=16, **WIDTHS),
    hub("distilbert", TOKENS, family="DistilBert", max_sequence_length=16, **WIDTHS),
    hub("albert", SEGMENTS, family="Albert", embedding_dim=8, max_sequence_length=16, **WIDTHS),
    hub("roberta", TOKENS, family="Roberta", max_sequence_length=16, **WIDTHS),
    hub("deberta_v3", TOKENS, family="DebertaV3", max_sequence_length=16, bucket_size=8, **WIDTHS),
    hub(
        "electra",
        SEGMENTS,
        family="Electra",
        embedding_dim=8,
        max_sequence_length=16,
        vocab_size=40,
        **{key: value for key, value in WIDTHS.items() if key != "vocabulary_size"},
    ),
    hub(
        "fnet",
        named(token_ids=integers(40, 10), segment_ids=zeros(10)),
        family="FNet",
        max_sequence_length=10,
        **{key: value for key, value in WIDTHS.items() if key != "num_heads"},
    ),
    hub("t5", TWO_TEXTS, family="T5", **WIDTHS),
    hub("bart", TWO_TEXTS, family="Bart", max_sequence_length=16, **WIDTHS),
    hub(
        "whisper",
        named(encoder_features=normal(16, 8), decoder_token_ids=integers(40, 8), decoder_padding_mask=ones(8)),
        family="Whisper",
        num_mels=8,
        max_encoder_sequence_length=16,
        max_decoder_sequence_length=8,
        **WIDTHS,
    ),
    hub(
        "vit",
        normal(16, 16, 3),
        optimizer="adam",
        family="ViT",
        image_shape=(16, 16, 3),
        patch_size=(4, 4),
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=24,
    ),
    hub(
        "swin",
        normal(16, 16, 3),
        family="SwinTransformer",
        image_shape=(16, 16, 3),
        embed_dim=8,
        depths=(2, 2),
        num_heads=(2, 2),
        window_size=2,
        patch_size=2,
    ),
    hub(
        "dinov2",
        named(images=normal(16, 16, 3)),
        family="DINOV2",
        patch_size=4,
        num_layers=2,
        hidden_dim=16,
        num_heads=2,
        intermediate_dim=24,
        image_shape=(16, 16, 3),
        position_embedding_shape=(16, 16),
    ),
    hub("clip", named(images=normal(16, 16, 3), token_ids=integers(40, 8)), "clip"),
    hub(
        "segment_anything",
        named(
            images=normal(32, 32, 3),
            points=uniform(2, 2, high=32.0),
            labels=integers(2, 2),
            boxes=uniform(1, 2, 2, high=32.0),
            masks=normal(1, 16, 16, 1),
        ),
        "segment_anything",
        gives_inputs=True,
    ),
    hub("deep_lab", normal(32, 32, 3), "deep_lab"),
    hub(
        "hub_resnet",
        normal(32, 32, 3),
        optimizer="adam",
        family="ResNet",
        input_conv_filters=[8],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 16],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="bottleneck_block",
        image_shape=(32, 32, 3),
    ),
    hub(
        "hub_densenet",
        normal(32, 32, 3),
        family="DenseNet",
        stackwise_num_repeats=[2, 2],
        growth_rate=6,
        image_shape=(32, 32, 3),
    ),
    hub(
        "hub_vgg",
        normal(32, 32, 3),
        family="VGG",
        stackwise_num_repeats=[1, 2],
        stackwise_num_filters=[8, 12],
        image_shape=(32, 32, 3),
    ),
    hub(
        "hub_mobilenet",
        normal(32, 32, 3),
        family="MobileNet",
        stackwise_expansion=[[40, 56], [64, 144, 144]],
        stackwise_num_blocks=[2, 3],
        stackwise_num_filters=[[16, 16], [24, 24, 24]],
        stackwise_kernel_size=[[3, 3], [5, 5, 5]],
        stackwise_num_strides=[[2, 1], [2, 1, 1]],
        stackwise_se_ratio=[[None, None], [0.25, 0.25, 0.25]],
        stackwise_activation=[["relu", "relu"], ["hard_swish", "hard_swish", "hard_swish"]],
        stackwise_padding=[[1, 1], [2, 2, 2]],
        output_num_filters=48,
        input_num_filters=16,
        depthwise_filters=8,
        depthwise_stride=2,
        depthwise_residual=False,
        last_layer_filter=64,
        squeeze_and_excite=0.5,
        image_shape=(32, 32, 3),
    ),
    hub(
        "hub_efficientnet",
        pixels(32),
        family="EfficientNet",
        stackwise_kernel_sizes=[3, 3],
        stackwise_num_repeats=[1, 1],
        stackwise_input_filters=[8, 8],
        stackwise_output_filters=[8, 12],
        stackwise_expansion_ratios=[1, 4],
        stackwise_squeeze_and_excite_ratios=[0.25, 0.25],
        stackwise_strides=[1, 2],
        stackwise_block_types=["v1", "v1"],
        stackwise_force_input_filters=[0, 0],
        stackwise_nores_option=[False, False],
        stackwise_width_coefficients=[1.0, 1.0],
        stackwise_depth_coefficients=[1.0, 1.0],
        num_features=24,
        input_shape=(32, 32, 3),
    ),
    hub(
        "mix_transformer",
        normal(32, 32, 3),
        family="MiT",
        layerwise_depths=[1, 1],
        num_layers=2,
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        max_drop_path_rate=0.0,
        layerwise_patch_sizes=[7, 3],
        layerwise_strides=[4, 2],
        hidden_dims=[8, 16],
        image_shape=(32, 32, 3),
    ),
    hub(
        "xlnet",
        named(token_ids=integers(40, 10), padding_mask=ones(10), segment_ids=zeros(10)),
        family="XLNet",
        **WIDTHS,
    ),
)

MODELS = {model.name: model for model in (*VISION, *TEXT, *SERIES, *TABLES, *GENERATIVE, *LOWERED, *HUB, *APPLICATIONS)}
