"""Preprocessing layers: encoding, hashing, spectra, resizing, augmentation of images."""

from keras_parity.scan.configuration import below, edges, image, integers, normal, on

_ENCODING = [
    *on(
        below(6, 5),
        "layers.CategoryEncoding(6)(x)",
        "layers.CategoryEncoding(6, output_mode='count')(x)",
        "layers.IntegerLookup(vocabulary=[3, 1, 4])(x)",
        "layers.IntegerLookup(vocabulary=[3, 1, 4], output_mode='multi_hot', num_oov_indices=2)(x)",
        "layers.Hashing(4)(x)",
    ),
    *on(below(6, 1), "layers.CategoryEncoding(6, output_mode='one_hot')(x)", "layers.Hashing(4, salt=7)(x)"),
    *on(
        below(6),
        below(6),
        "layers.HashedCrossing(5)([x, y])",
        "layers.HashedCrossing(5, output_mode='one_hot')([x, y])",
    ),
    *on(
        normal(6),
        "layers.Discretization([-1.0, 0.0, 0.5])(x)",
        "layers.Discretization([-1.0, 0.0, 0.5], output_mode='one_hot')(x[:, :1])",
        "layers.Discretization([-1.0, 0.0, 0.5], output_mode='count')(x)",
    ),
    *on(edges(24), "layers.Discretization([-1.0, 0.0, 0.5])(x)"),
    *on(integers(6), "layers.Discretization([-1.0, 0.0, 0.5])(x)"),
]

_SPECTRA = [
    *on(
        normal(64),
        "layers.MelSpectrogram(fft_length=16, sequence_stride=8, num_mel_bins=5, sampling_rate=160)(x)",
        "layers.MelSpectrogram(16, 8, 12, num_mel_bins=5, sampling_rate=160, power_to_db=False, mag_exp=1.0)(x)",
    ),
    *on(
        normal(64, 1),
        "layers.STFTSpectrogram(mode='magnitude', frame_length=16, frame_step=8, fft_length=16)(x)",
        "layers.STFTSpectrogram(mode='log', frame_length=12, frame_step=5, fft_length=16, periodic=True)(x)",
        "layers.STFTSpectrogram(mode='psd', frame_length=16, fft_length=32, window='hamming', scaling='spectrum')(x)",
        "layers.STFTSpectrogram(mode='real', frame_length=16, fft_length=16, padding='same', expand_dims=True)(x)",
        "layers.STFTSpectrogram(mode='imag', frame_length=16, fft_length=16, window=None, scaling=None)(x)",
        "layers.STFTSpectrogram(mode='angle', frame_length=16, fft_length=16)(x)",
        "layers.STFTSpectrogram(mode='stft', frame_length=16, fft_length=16)(x)",
    ),
]

_IMAGES = [
    *on(
        image(7, 6, 3),
        "layers.Resizing(5, 9)(x)",
        "layers.Resizing(5, 9, interpolation='nearest')(x)",
        "layers.Resizing(5, 9, interpolation='bicubic')(x)",
        "layers.Resizing(3, 4, antialias=True)(x)",
        "layers.Resizing(5, 9, crop_to_aspect_ratio=True)(x)",
        "layers.Resizing(5, 9, pad_to_aspect_ratio=True, fill_value=7.0)(x)",
        "layers.Resizing(5, 9, data_format='channels_first')(x)",
        "layers.CenterCrop(4, 3)(x)",
        "layers.CenterCrop(9, 8)(x)",
        "layers.RandomCrop(4, 3)(x)",
        "layers.AutoContrast()(x)",
        "layers.Equalization()(x)",
        "layers.Equalization(bins=16)(x)",
        "layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))(x)",
        "layers.Solarization(threshold_factor=0.5)(x)",
        "layers.Solarization(addition_factor=0.3, threshold_factor=0.5)(x)",
        "layers.AugMix()(x)",
        "layers.CutMix()(x)",
        "layers.MixUp()(x)",
        "layers.RandAugment()(x)",
        "layers.RandomBrightness(0.4)(x)",
        "layers.RandomColorDegeneration(0.5)(x)",
        "layers.RandomColorJitter(brightness_factor=0.3, contrast_factor=0.3, hue_factor=0.2)(x)",
        "layers.RandomContrast(0.4)(x)",
        "layers.RandomElasticTransform()(x)",
        "layers.RandomErasing()(x)",
        "layers.RandomFlip()(x)",
        "layers.RandomFlip('horizontal')(x)",
        "layers.RandomGaussianBlur()(x)",
        "layers.RandomGrayscale()(x)",
        "layers.RandomHue(0.3)(x)",
        "layers.RandomInvert()(x)",
        "layers.RandomPerspective()(x)",
        "layers.RandomPosterization(4)(x)",
        "layers.RandomRotation(0.2)(x)",
        "layers.RandomRotation(0.2, fill_mode='constant', interpolation='nearest')(x)",
        "layers.RandomSaturation(0.4)(x)",
        "layers.RandomSharpness(0.4)(x)",
        "layers.RandomShear(0.3, 0.2)(x)",
        "layers.RandomTranslation(0.3, 0.2)(x)",
        "layers.RandomTranslation(0.3, 0.2, fill_mode='wrap')(x)",
        "layers.RandomZoom(0.3)(x)",
        "layers.RandomZoom(0.3, 0.2, fill_mode='nearest')(x)",
    ),
    *on(
        image(8, 8, 3, dtype="uint8"),
        "layers.Resizing(5, 9)(x)",
        "layers.Rescaling(1 / 255)(x)",
        "layers.CenterCrop(4, 3)(x)",
    ),
]

CONFIGURATIONS = _ENCODING + _SPECTRA + _IMAGES
