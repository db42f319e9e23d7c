"""The last part of a check: the model is saved by each execution, loaded by the next one, and compared bit by bit."""

from dataclasses import replace

from keras_parity.comparison.check import Check
from keras_parity.draws import Draw
from keras_parity.judge import Difference, compare_reloaded, has_finite, is_accurate, raised
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Reloaded
from keras_parity.protocol.tasks import ReloadModel, SaveModel

_PLACE = Place("(reload)")


def compare_reloading(check: Check, draw: Draw) -> None:
    """Compare saved and loaded models.

    Who does not find what it has written in its own file is to blame, be it the writer or the reader; else the reader.
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
    kept = [
        value.array for answer in loaded.values() if not isinstance(answer, Raised) for value in answer.own.values()
    ]
    ledger.compared += sum(map(has_finite, kept))
    found = {reader: compare_reloaded(answer, reader, pairs[reader]) for reader, answer in loaded.items()}
    found = _without_explained(check, _without_shared(check, _without_rounded(found, loaded)), loaded)
    doubtful = {name for reader, differences in found.items() if differences for name in (reader, pairs[reader])}
    reread = participants.ask_each({name: ReloadModel(files[name], draw.inputs) for name in doubtful})
    unreadable = {name: {d.quantity for d in compare_reloaded(answer, name, name)} for name, answer in reread.items()}
    for reader, differences in found.items():
        writer = pairs[reader]
        for difference in differences:
            lost = [name for name in (writer, reader) if difference.quantity in unreadable.get(name, ())]
            for name in lost or [reader]:
                detail = f"{difference.detail}, and {name} from its own" if lost else difference.detail
                pair = (name, reader if name == writer else writer)
                ledger.add(_PLACE, replace(difference, execution=name, pair=pair, detail=detail), "inference", draw)


def _without_rounded(
    found: dict[str, list[Difference]], loaded: dict[str, Reloaded | Raised]
) -> dict[str, list[Difference]]:
    """Return the differences without outputs that are but rounded otherwise, where the file holds other weights.

    It may hold sums of weights, as where adapters are merged. That they are others is told by themselves.
    """

    def rounded(reader: str, difference: Difference) -> bool:
        answer, quantity = loaded[reader], difference.quantity
        if isinstance(answer, Raised) or quantity.kind is not Kind.OUTPUT or difference.cause is not Cause.SEMANTIC:
            return False
        return is_accurate(answer.own[quantity], answer.loaded[quantity])

    def without(reader: str, differences: list[Difference]) -> list[Difference]:
        if all(difference.quantity.kind is not Kind.WEIGHT for difference in differences):
            return differences
        return [difference for difference in differences if not rounded(reader, difference)]

    return {reader: without(reader, differences) for reader, differences in found.items()}


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
