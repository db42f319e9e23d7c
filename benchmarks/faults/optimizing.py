"""More faults in optimisers: what they start from, clip, average, gather and decay."""

from benchmarks.faults.planting import with_attributes, wrong_method
from benchmarks.faults.training import OPTIMIZER


@wrong_method("optimizers.Adamax._get_current_learning_rate", "bias correction", ops_net=OPTIMIZER)
def adamax_not_corrected(optimizer, right):
    """The first moment's bias towards its start at zero is not corrected."""
    from keras import ops

    rate = right()
    return rate * (1 - optimizer.beta_1 ** ops.cast(optimizer.iterations + 1, rate.dtype))


@wrong_method("optimizers.SGD.apply", "moving average", frozen=OPTIMIZER)
def average_in_the_other_sense(optimizer, right, *args, **kwargs):
    """The weights' moving average takes its momentum for the share of the new value."""
    with with_attributes(optimizer, ema_momentum=1 - optimizer.ema_momentum):
        return right(*args, **kwargs)


@wrong_method("optimizers.AdamW._apply_weight_decay", "weight decay", two_headed=OPTIMIZER, unet=OPTIMIZER)
def decay_not_scaled_by_the_rate(optimizer, right, variables):
    """Weights decay by the decay itself, and not by it times the learning rate, which is 0.01."""
    with with_attributes(optimizer, weight_decay=100 * optimizer.weight_decay):
        return right(variables)


@wrong_method("optimizers.Adam.apply", "clip of another norm", bidirectional=OPTIMIZER, lstm=OPTIMIZER)
def norm_of_all_gradients_clipped(optimizer, right, *args, **kwargs):
    """The norm of all gradients together is limited, and not each one's."""
    with with_attributes(optimizer, clipnorm=None, global_clipnorm=optimizer.clipnorm):
        return right(*args, **kwargs)


@wrong_method("optimizers.SGD.apply", "off-by-one step", running=OPTIMIZER)
def gradients_gathered_too_long(optimizer, right, *args, **kwargs):
    """Gradients of three steps are gathered before a weight moves, and not of two."""
    with with_attributes(optimizer, gradient_accumulation_steps=optimizer.gradient_accumulation_steps + 1):
        return right(*args, **kwargs)


@wrong_method("optimizers.Adagrad.build", "initial state", sequential=OPTIMIZER)
def accumulators_start_at_zero(optimizer, right, variables):
    """The sums of squares start at nothing, and not at a tenth."""
    with with_attributes(optimizer, initial_accumulator_value=0.0):
        return right(variables)
