"""What the scan looks at: each layer and operation that a functional model can hold, in several configurations."""

from keras_parity.scan.catalogue import (
    arrays,
    attention,
    convolutions,
    elementwise,
    images,
    linear_algebra,
    neural,
    normalization,
    preprocessing,
    recurrent,
    reductions,
)

_CONFIGURATIONS = [
    configuration
    for module in (
        convolutions,
        normalization,
        attention,
        recurrent,
        preprocessing,
        elementwise,
        reductions,
        arrays,
        neural,
        linear_algebra,
        images,
    )
    for configuration in module.CONFIGURATIONS
]

CATALOGUE = {configuration.name: configuration for configuration in _CONFIGURATIONS}
