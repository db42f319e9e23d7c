"""Parts of training."""

from keras_parity.known.divergence import ORDINARY, DrawKind, KnownDivergence, Sign
from keras_parity.protocol.cause import Cause, StepCause
from keras_parity.protocol.quantity import Kind

DIVERGENCES = (
    KnownDivergence(
        name="adam-sparse-gradients",
        title="An embedding is trained otherwise on TensorFlow where a token occurs more than once in a batch.",
        signs=(
            Sign(
                operations=frozenset({"train_on_batch"}),
                alone=frozenset({"tensorflow"}),
                kinds=frozenset({Kind.SLOT, Kind.AFTER_TRAINING, Kind.LOG}),
                causes=frozenset({Cause.SEMANTIC}),
                draws=ORDINARY,
                says=f"{StepCause.SPARSE_GRADIENTS.value}$",
            ),
        ),
        matters_when="a token occurs more than once in a batch, as in nearly every text.",
        what_to_do="Accept it, or train embeddings with SGD; results of TensorFlow differ slightly from the others'.",
    ),
    KnownDivergence(
        name="crossentropy-behind-its-activation",
        title="A cross-entropy behind a saturated sigmoid or softmax is exact on TensorFlow and cut off elsewhere.",
        signs=(
            Sign(
                operations=frozenset({"train_on_batch"}),
                alone=frozenset({"tensorflow"}),
                kinds=frozenset({Kind.SLOT, Kind.AFTER_TRAINING, Kind.LOG}),
                causes=frozenset({Cause.SEMANTIC}),
                draws=ORDINARY,
                says=f"{StepCause.FUSED_ACTIVATION.value}$",
            ),
        ),
        matters_when="a model is sure and wrong, as of unscaled inputs: there it learns nothing on JAX and PyTorch.",
        what_to_do="Leave the activation out of the model and give the loss from_logits=True.",
    ),
    KnownDivergence(
        name="output-losses-of-a-partial-batch",
        title=(
            "Each output's own loss, as fit and evaluate report it, is wrong where the last batch is smaller "
            "than the others."
        ),
        signs=(
            Sign(
                operations=frozenset({"fit"}),
                alone=frozenset({"tensorflow"}),
                kinds=frozenset({Kind.LOG}),
                causes=frozenset({Cause.SEMANTIC, Cause.PRECISION}),
                draws=ORDINARY | {DrawKind.PARTIAL},
                names=("*_loss of fit", "*_loss of evaluate"),
            ),
        ),
        matters_when="you read the losses of single outputs; the total loss and the training are right.",
        what_to_do="Accept it, or take batches that divide the number of examples.",
    ),
)
