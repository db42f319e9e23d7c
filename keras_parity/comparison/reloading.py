"""The last part of a check: the model is saved by each execution, loaded by the next one, and compared bit by bit."""

from dataclasses import replace

from keras_parity.comparison.check import Check
from keras_parity.draws import Draw
from keras_parity.judge import Difference, compare_reloaded, is_accurate, raised
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Reloaded
from keras_parity.protocol.tasks import ReloadModel, SaveModel

_PLACE = Place("(reload)")


def compare_reloading(check: Check, draw: Draw) -> None:
    """Compare saved and loaded models.

    What the writer does not find in its own file either is the writer's doing, else the reader's.
    """
    check.say("saving and reloading")
    participants, ledger = check.participants, check.ledger
    saved = participants.ask_all(SaveModel())
    errors = {name: answer for name, answer in saved.items() if isinstance(answer, Raised)}
    files = {name: answer for name, answer in saved.items() if not isinstance(answer, Raised)}
    if not files:
        ledger.note(f"the model cannot be saved on any backend: {next(iter(errors.values())).text}")
        return
    for name, error in errors.items():
        ledger.add(_PLACE, raised(Quantity(Kind.SAVING), name, error.text), "inference", draw)
    writers = list(files)
    pairs = {reader: writers[(writers.index(reader) + 1) % len(writers)] for reader in writers}
    tasks = {r: ReloadModel(files[w], draw.inputs) for r, w in pairs.items() if r != w}
    if not tasks:
        return
    loaded = participants.ask_each(tasks)
    ledger.compared += sum(len(answer.own) for answer in loaded.values() if not isinstance(answer, Raised))
    found = {reader: compare_reloaded(answer, reader, pairs[reader]) for reader, answer in loaded.items()}
    found = _without_explained(check, _without_shared(check, found), loaded)
    doubtful = {pairs[r]: ReloadModel(files[pairs[r]], draw.inputs) for r, differences in found.items() if differences}
    reread = participants.ask_each(doubtful) if doubtful else {}
    unreadable = {w: {d.quantity for d in compare_reloaded(answer, w, w)} for w, answer in reread.items()}
    for reader, differences in found.items():
        writer = pairs[reader]
        for difference in differences:
            if difference.quantity in unreadable.get(writer, ()):
                detail = f"{difference.detail}, and {writer} from its own"
                difference = replace(difference, execution=writer, pair=(writer, reader), detail=detail)
            ledger.add(_PLACE, difference, "inference", draw)


def _without_explained(
    check: Check, found: dict[str, list[Difference]], loaded: dict[str, Reloaded | Raised]
) -> dict[str, list[Difference]]:
    """Return the differences without those of outputs that are wrong in the reader's own model alone.

    A file may leave out what a wrong layer does, as where adapters are merged: what is loaded then is what others give.
    """
    blamed = {f.execution for f in check.ledger.findings if f.quantity.kind is Kind.OUTPUT}
    answers = {name: answer for name, answer in loaded.items() if not isinstance(answer, Raised)}
    sound = next((answer.own for name, answer in answers.items() if not blamed & {name, None}), {})

    def explained(reader: str, quantity: Quantity) -> bool:
        if reader not in blamed or reader not in answers or quantity.kind is not Kind.OUTPUT:
            return False
        value, other = answers[reader].loaded.get(quantity), sound.get(quantity)
        return value is not None and other is not None and is_accurate(value, other)

    return {
        reader: [d for d in differences if not explained(reader, d.quantity)] for reader, differences in found.items()
    }


def _without_shared(check: Check, found: dict[str, list[Difference]]) -> dict[str, list[Difference]]:
    """Return the differences that are not there on every backend alike; of those take a note.

    What raises in the model raises in the loaded one, too, and is not told again.
    """
    everywhere = set.intersection(*({d.quantity for d in differences} for differences in found.values()))
    for difference in next(iter(found.values())):
        if difference.quantity in everywhere:
            check.ledger.note(
                f"the saved model comes back otherwise, or not at all, on every backend: {difference.detail}"
            )
    raising = {finding.execution for finding in check.ledger.findings if finding.cause is Cause.ERROR}
    return {
        reader: [
            difference
            for difference in differences
            if difference.quantity not in everywhere and not (difference.cause is Cause.ERROR and reader in raising)
        ]
        for reader, differences in found.items()
    }
