"""Backbones of keras-hub, built from a small configuration.

They are built in the backends' processes only: importing this module imports keras and keras-hub.
"""

import keras
import keras_hub


def backbone(family: str, **config) -> keras.Model:
    """A backbone with random weights.

    Args:
        family: Its name in `keras_hub.models` without `Backbone`, as `Bert`.
        **config: What its constructor takes.
    """
    return getattr(keras_hub.models, f"{family}Backbone")(**config)


def clip() -> keras.Model:
    """A CLIP backbone of a small image encoder and a small text encoder."""
    from keras_hub.src.models.clip.clip_text_encoder import CLIPTextEncoder
    from keras_hub.src.models.clip.clip_vision_encoder import CLIPVisionEncoder

    vision = CLIPVisionEncoder(8, 16, 2, 2, 24, image_shape=(16, 16, 3), name="vision")
    text = CLIPTextEncoder(40, 16, 16, 2, 2, 24, max_sequence_length=8, name="text")
    return keras_hub.models.CLIPBackbone(vision, text, 8)


def segment_anything() -> keras.Model:
    """A SAM backbone: a small image encoder, the prompt encoder and the mask decoder."""
    encoder = keras_hub.models.ViTDetBackbone(
        hidden_size=16,
        num_layers=2,
        intermediate_dim=24,
        num_heads=2,
        global_attention_layer_indices=[1],
        patch_size=8,
        num_output_channels=8,
        window_size=2,
        image_shape=(32, 32, 3),
    )
    prompt = keras_hub.layers.SAMPromptEncoder(
        hidden_size=8, image_embedding_size=(4, 4), input_image_size=(32, 32), mask_in_channels=4
    )
    decoder = keras_hub.layers.SAMMaskDecoder(
        num_layers=2, hidden_size=8, intermediate_dim=16, num_heads=2, embedding_dim=8, iou_head_hidden_dim=8
    )
    return keras_hub.models.SAMBackbone(image_encoder=encoder, prompt_encoder=prompt, mask_decoder=decoder)


def deep_lab() -> keras.Model:
    """A DeepLabV3 backbone over a small residual network."""
    encoder = backbone(
        "ResNet",
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 16, 16],
        stackwise_num_blocks=[1, 1, 1],
        stackwise_num_strides=[1, 2, 2],
        block_type="basic_block",
        image_shape=(32, 32, 3),
    )
    return keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder,
        spatial_pyramid_pooling_key="P4",
        upsampling_size=4,
        dilation_rates=[2, 3],
        image_shape=(32, 32, 3),
    )
