"""One check as it runs: it sends the workers their stages, hands the answers to the judge, and keeps the findings."""

import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_parity import judge
from keras_parity.draws import CERTAIN, Draw, draw_certainties, draw_inputs, draw_targets
from keras_parity.errors import UsageError, WorkerError
from keras_parity.memory import give_back_freed_memory
from keras_parity.outline import Description
from keras_parity.rounding import UNIT_ROUNDOFF
from keras_parity.source import ModelSource
from keras_parity.verdict import Cause, Finding, Measurement
from keras_parity.weights import draw_weights
from keras_parity.workers import Workers, result_or_error

# Perturbations that measure a call's unavoidable error, shared out among the backends.
SAMPLES = 6
# Neighbouring inputs that tell a difference of meaning from one of rounding, and how far away they are: sixteen times
# float32's resolution, so that its rounding errors are drawn anew, while a smooth difference stays what it was.
NEIGHBOURS, NEIGHBOURHOOD = 6, 2.0**-20
# So that a large network fits in memory, calls are replayed in portions of so many bytes of inputs. Where a batch of
# the usual size, or the weights, take more bytes than `LARGE`, a smaller batch is drawn, one backend computes at a
# time, and the optimiser is tried on portions of so many bytes of weights.
PORTION = 16 << 20
BATCH_SIZE, SMALL_BATCH_SIZE, LARGE = 4, 2, 256 << 20
# Backends without gradients.
INFERENCE_ALONE = ("openvino",)
# What stands in place of a layer's path for the model's own code.
WHOLE = "(model)"


@dataclass(frozen=True)
class Pass:
    """One run of the model, whose calls are to be compared.

    Attributes:
        draw: The model's inputs.
        training: The mode.
        backward: Whether to compare gradients.
        everything: Whether to replay every call; else those that depend on the mode and the whole model, and the others
            only where the whole model's results may differ.
        measure: Whether to measure every unavoidable error, for the reports; else those that the decision needs.
    """

    draw: Draw
    training: bool
    backward: bool
    everything: bool = True
    measure: bool = True

    @property
    def mode(self) -> str:
        """The mode's name."""
        return "training" if self.training else "inference"


class TooFewBackends(Exception):  # noqa: N818 - no error: the check ends here, with what it has
    """Fewer than two backends are left to compare."""


@dataclass
class Comparison:
    """The state of a running check.

    Attributes:
        backends: All that take part.
        workers: Their processes.
        dtype: The dtype policy asked about.
        seed: Of the check.
        time_limit: Seconds for one stage.
        say: Gets a line on each stage.
        failures: For each backend that could not go on, why.
        notes: For the verdict.
        compared: How many quantities were compared.
        raised_everywhere: What the model raised on all backends on ordinary data, if it did.
        unjudged: The first call that nothing can be said about, and why.
        depends_on_mode: Whether any layer of the model computes otherwise in training, as far as is known.
        large: Whether the model's activations or weights are.
        weight_portions: In how many portions the optimiser is tried on its weights.
        versions: Of Keras and the backends.
    """

    backends: tuple[str, ...]
    workers: Workers
    dtype: str
    seed: int
    time_limit: float
    say: Callable[[str], None]
    failures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    compared: int = 0
    raised_everywhere: str | None = None
    unjudged: str | None = None
    depends_on_mode: bool = True
    large: bool = False
    weight_portions: int = 1
    versions: dict[str, str] = field(default_factory=dict)
    _findings: dict[tuple, Finding] = field(default_factory=dict)
    _measurements: dict[tuple, Measurement] = field(default_factory=dict)
    _order: dict[str, int] = field(default_factory=dict)
    _detours: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    # The pass after this one, and what `_begin_run` gave if the workers were sent on to it while this one is judged.
    _following: Pass | None = None
    _begun: tuple[Callable[[], dict], str] | None = None

    @property
    def active(self) -> tuple[str, ...]:
        """The backends that have not failed."""
        return tuple(backend for backend in self.backends if backend not in self.failures)

    @property
    def trainers(self) -> tuple[str, ...]:
        """Those of them that compute gradients."""
        return tuple(backend for backend in self.active if backend not in INFERENCE_ALONE)

    def open(self, source: ModelSource, patches: dict, example) -> None:
        """Build the model everywhere, see that it is the same one, and share the weights.

        Raises:
            TooFewBackends: If fewer than two can build it.
            UsageError: If what was named is no model, on any backend.
        """
        self.say("building")
        futures = {
            backend: self.workers[backend].submit(
                "keras_parity.stages:open_case",
                source,
                self.dtype,
                self.seed,
                patches.get(backend),
                example,
                time_limit=self.time_limit,
            )
            for backend in self.backends
        }
        described = self._living({backend: result_or_error(future) for backend, future in futures.items()})
        for backend in described:
            self.versions |= self.workers[backend].versions
        broken = {backend: d.error for backend, d in described.items() if d.error is not None}
        if broken and len(broken) == len(described):
            self.raised_everywhere = next(iter(broken.values()))[1]
            self._refuse_misuse(self.raised_everywhere)
        elif broken:
            for backend, (layer, text) in broken.items():
                self._add(layer, "", judge.raised("building", backend, text), "building", None)
        self.failures |= {backend: f"cannot build the model: {text}" for backend, (_, text) in broken.items()}
        described = self._living({backend: d for backend, d in described.items() if backend not in broken})
        layouts = {backend: tuple(description.weights) for backend, description in described.items()}
        odd = judge.minority(
            "weights", layouts, Cause.STRUCTURE, lambda layout: f"{len(layout)} variables: {layout}"[:200]
        )
        for difference in odd:
            self._add("", "", difference, "building", None)
            for backend in [difference.backend] if difference.backend else self.active:
                self.failures[backend] = "its model has other weights than the others'"
        self._living(dict.fromkeys(self.active))
        first = described[self.active[0]]
        self.inputs = first.inputs
        self.large = is_large(first)
        if self.large:
            self.weight_portions = max(1, min(_bytes_of_weights(first) // PORTION, sum(first.trainable)))
        # A file's weights are the user's; a function's are drawn, as no two initialisers are trusted to agree.
        drawn = source.kind != "file"
        values = draw_weights(first.weights, first.initial, first.trainable, self.seed) if drawn else first.initial
        self._everywhere("set_weights", values)

    def close(self) -> None:
        """Let the workers forget the model, so that their patches come off and their memory is free."""
        if self.backends:
            self.workers.everywhere(
                "keras_parity.stages:close_case", backends=self.backends, time_limit=self.time_limit
            )

    def make_draws(self, given, batch_size: int, edge: bool, special: bool) -> list[Draw]:
        """Return the draws to check on: the user's inputs, or drawn ones.

        Raises:
            UsageError: If nothing says what the model takes.
        """
        if given is not None:
            return [Draw("given", True, given)]
        if self.inputs is None:
            raise UsageError("nothing in the model says what it takes; give inputs=, or --inputs FILE.npz")
        return draw_inputs(self.inputs, self.seed, batch_size, edge=edge, special=special)

    def compare_calls(self, passes: Iterator[Pass]) -> None:
        """Compare the calls of some runs of the model, each replayed with inputs that all backends share.

        Args:
            passes: What to run; the next one is asked for when the one before has run everywhere.
        """
        while (current := self._following or next(passes, None)) is not None:
            self._following = None
            self._compare_pass(current, passes)

    def _compare_pass(self, current: Pass, passes: Iterator[Pass]) -> None:
        draw, mode = current.draw, current.mode
        self.say(f"{mode}, {draw.name}")
        ran, driver = self._run(current)
        if not self._same_failure(ran, draw, mode):
            return
        calls = {backend: {call["key"]: call for call in answer.calls} for backend, answer in ran.items()}
        whole = [backend for backend, answer in ran.items() if answer.error is None]
        able = [backend for backend in whole if ran[backend].reference_error is None]
        for backend in [backend for backend in whole if backend not in able]:
            self._note_without_float64(backend, "", ran[backend].reference_error)
        if not able:
            self.raised_everywhere = self.raised_everywhere or f"{ran[whole[0]].reference_error} (in float64)"
            return
        if driver not in able:
            driver = able[0]
            self._stage(driver, "run_model", draw.inputs, current.training, True)
        self.depends_on_mode = any(call["moded"] for made in calls.values() for call in made.values())
        for call in calls[driver].values():
            self._order.setdefault(call["path"], len(self._order))
        self._compare_call_lists({backend: calls[backend] for backend in whole}, draw, mode)
        models = _whole_calls(calls[driver])
        portions = list(_portions(calls[driver], models, current.everything))
        for keys in portions:
            shared = self._stage(driver, "call_inputs", keys)
            studied = self._begin_study(shared, calls, current, SAMPLES if current.measure else 0)
            if keys is portions[-1]:
                self._send_ahead(passes)
            held = studied()
            if not current.measure:
                doubtful = {key: shared[key] for key in held if not _agree_at_once(calls[driver][key], held[key])}
                # A layer that is known to be wrong explains the model; else the one that does not is looked for.
                if not current.everything and models & set(doubtful) and not self._findings:
                    self._call_back()
                    self._compare_pass(replace(current, everything=True), passes)
                    return
                if doubtful:
                    self._return_to(current)
                    held |= self._begin_study(doubtful, calls, current, SAMPLES)()
            for key in keys:
                if len(held[key]) > 1:
                    self._judge_call(calls[driver][key], held[key], shared[key], current)

    def compare_learning(self, draw: Draw, targets, loss, optimizer, metrics: Sequence, steps: int, edge: bool) -> None:
        """Compare the loss, the metrics and the optimiser, each alone, and then whole training steps.

        With `edge` the loss is also asked about probabilities of exactly 0 and 1.

        Raises:
            UsageError: If one of their names names nothing.
        """
        loss, optimizer = loss or "mean_squared_error", optimizer or "adam"
        self.say("loss, metrics, optimiser")
        if self.large:
            self._everywhere("forget_calls")
        outputs = self._stage(self.trainers[0], "predict", draw.inputs)
        fit = [output.dtype.kind == "f" and output.ndim > 0 and np.isfinite(output).all() for output in outputs]
        if not outputs or not all(fit):
            self._note("no loss or training step was compared: an output is no batch of finite floating-point numbers")
            return
        outputs = [output.astype(np.float32).astype(np.float64) for output in outputs]
        name = label_of(loss)
        drawn = (
            [list(targets)] * max(steps, 1)
            if targets is not None
            else [draw_targets(name, outputs, self.seed, step) for step in range(max(steps, 1))]
        )
        batch = {"outputs": outputs, "targets": drawn[0]}
        parts = [("(loss)", str(name), "loss", {"loss": loss, **batch}, draw)]
        certainties = draw_certainties(outputs, self.seed) if edge else None
        if certainties is not None:  # where an entropy's logarithm must be kept from zero
            plan = {"loss": loss, **batch, "outputs": certainties}
            parts.append(("(loss)", str(name), "loss", plan, Draw(CERTAIN, False, draw.inputs)))
        for metric in metrics:
            label = label_of(metric)
            parts.append((f"(metric {label})", label, "metric", {"metric": metric, **batch}, draw))
        if steps:
            label = label_of(optimizer)
            for portion in range(self.weight_portions):
                plan = {"optimizer": optimizer, "steps": steps, "seed": self.seed}
                plan["portion"] = portion, self.weight_portions
                parts.append(("(optimizer)", label, "optimizer", plan, draw))
        begun = [self._begin_everywhere("study_learning", what, plan, [0]) for _, _, what, plan, _ in parts]
        if steps:
            plan = {"optimizer": optimizer, "loss": loss, "metrics": list(metrics)}
            plan["batches"] = [(draw.inputs, step_targets) for step_targets in drawn]
            steps_done = self._begin_everywhere("study_learning", "steps", plan, [])
        for (label, type_name, what, plan, fed), done in zip(parts, begun, strict=True):
            self._judge_part(label, type_name, done(), what, plan, fed)
        if steps:
            self.say("training steps")
            self._judge_steps(steps_done(), draw)

    def compare_reloading(self, draw: Draw) -> None:
        """Save on each backend, load on the next one, and compare bit by bit.

        What the writer does not find in its own file either is the writer's doing, else the reader's.
        """
        self.say("saving and reloading")
        saved = self._everywhere("save_model")
        errors = {backend: answer for backend, answer in saved.items() if isinstance(answer, str)}
        if len(errors) == len(saved):
            self.notes.append(f"the model cannot be saved on any backend: {next(iter(errors.values()))}")
            return
        for backend, text in errors.items():
            self._add("(reload)", "", judge.raised("saving", backend, text), "inference", draw)
        writers = [backend for backend in saved if backend not in errors]
        pairs = {reader: writers[(writers.index(reader) + 1) % len(writers)] for reader in writers}
        loaded = self._each("reload_model", {r: (saved[w], draw.inputs) for r, w in pairs.items() if r != w})
        if not loaded:
            return
        self.compared += sum(len(answer) // 2 for answer in loaded.values() if not isinstance(answer, str))
        found = {reader: judge.compare_reloaded(answer, reader, pairs[reader]) for reader, answer in loaded.items()}
        everywhere = set.intersection(*({d.quantity for d in differences} for differences in found.values()))
        for difference in [d for d in next(iter(found.values())) if d.quantity in everywhere]:
            self._note(f"the saved model comes back otherwise, or not at all, on every backend: {difference.detail}")
        raising = {finding.backend for finding in self._findings.values() if finding.cause is Cause.ERROR}
        found = {
            reader: [
                difference
                for difference in differences
                if difference.quantity not in everywhere
                # What raises in the model raises in the loaded one.
                and not (difference.cause is Cause.ERROR and reader in raising)
            ]
            for reader, differences in found.items()
        }
        doubtful = {pairs[reader]: (saved[pairs[reader]], draw.inputs) for reader in found if found[reader]}
        reread = self._each("reload_model", doubtful) if doubtful else {}
        unreadable = {w: {d.quantity for d in judge.compare_reloaded(a, w, w)} for w, a in reread.items()}
        for reader, differences in found.items():
            writer = pairs[reader]
            for difference in differences:
                if difference.quantity in unreadable.get(writer, ()):
                    detail = f"{difference.detail}, and {writer} from its own"
                    difference = replace(difference, backend=writer, pair=(writer, reader), detail=detail)
                self._add("(reload)", "", difference, "inference", draw)

    def ordered_findings(self) -> list[Finding]:
        """Return the findings in the order of the model's layers; what is no layer comes last."""
        return sorted(self._findings.values(), key=lambda finding: self._order.get(finding.layer, len(self._order)))

    def ordered_measurements(self) -> list[Measurement]:
        """Return the worst errors in the order of the model's layers."""
        return sorted(
            self._measurements.values(), key=lambda measurement: self._order.get(measurement.layer, len(self._order))
        )

    def all_notes(self) -> list[str]:
        """Return the notes, with one for each place that computes otherwise in float64 alone."""
        detours = []
        for (place, who), quantities in self._detours.items():
            if place == "(training)" and len(self._detours) > 1:
                continue  # steps show what their parts do
            others = len(set(quantities)) - 1
            several = f" and {others} more of its results" if others else ""
            detours.append(
                f"in float64 alone: at {place}, {who} computes the {quantities[0]}{several} with float32 steps or "
                "constants; in the dtype asked about there is no such difference"
            )
        return self.notes + detours

    def _run(self, current: Pass) -> tuple[dict, str]:
        """Return what a pass's run of the model leaves on each backend, and which one kept the inputs of each call."""
        (ran, driver), self._begun = self._begun or self._begin_run(current), None
        return ran(), driver

    def _begin_run(self, current: Pass) -> tuple[Callable[[], dict], str]:
        driver, *_ = backends = self.trainers if current.training else self.active
        inputs, training = current.draw.inputs, current.training
        return self._begin("run_model", {b: (inputs, training, b == driver) for b in backends}), driver

    def _send_ahead(self, passes: Iterator[Pass]) -> None:
        """Let each worker run the next pass as soon as it has answered, while the others' answers are awaited."""
        self._following = self._following or next(passes, None)
        if self._following is not None and not self.large:
            self._begun = self._begin_run(self._following)

    def _call_back(self) -> bool:
        """Forget that the workers were sent ahead; return whether they were."""
        if self._begun is None:
            return False
        self._run(self._following)
        return True

    def _return_to(self, current: Pass) -> None:
        """Let the workers hold a pass's calls again: there is more to ask about them."""
        if self._call_back():
            self._run(current)

    def _begin_study(self, shared: dict, calls: dict, current: Pass, samples: int) -> Callable[[], dict[str, dict]]:
        """Have calls replayed everywhere; return what waits for the answers, by key and backend.

        Args:
            shared: For each call's key its tensors.
            calls: For each backend the calls that it made, by key.
            current: What the calls are from.
            samples: Perturbations that measure unavoidable errors, shared out among the backends.
        """
        arguments = {
            backend: (
                {key: arrays for key, arrays in shared.items() if _takes(calls[backend].get(key), arrays)},
                current.training,
                list(range(i, samples, len(calls))),
                current.backward,
            )
            for i, backend in enumerate(calls)
            if backend in self.active
        }
        studied = self._begin("study_calls", arguments)

        def by_key() -> dict[str, dict]:
            answers = studied()
            return {key: {b: answer[key] for b, answer in answers.items() if key in answer} for key in shared}

        return by_key

    def _judge_call(self, call: dict, studies: dict, arrays: list, current: Pass) -> None:
        """Judge one call; what a call within it does wrong is not its fault."""
        draw, mode = current.draw, current.mode
        inside = call["path"] + "/" if call["path"] else ""
        known = {f.backend for f in self._findings.values() if f.layer.startswith(inside) and f.layer != WHOLE}

        def explained(difference: judge.Difference) -> bool:
            return bool(call["inner"] and known & {difference.backend, None, *(difference.pair or ())})

        def neighbours(pair, wanted: list[str]) -> dict[str, tuple]:
            self._return_to(current)
            which = call["key"], arrays, current.training, current.backward
            return self._neighbours(pair, "replay_neighbours", wanted, *which)

        errors = {backend: study.checked for backend, study in studies.items() if isinstance(study.checked, str)}
        found: list[judge.Difference] = []
        if len(errors) == len(studies):
            self._unjudged(call, draw, f"raises on every backend when it is replayed: {next(iter(errors.values()))}")
        else:
            found += [judge.raised("output", backend, text) for backend, text in errors.items()]
        studies = {backend: study for backend, study in studies.items() if backend not in errors}
        exact_studies = {b: study for b, study in studies.items() if not isinstance(study.reference, str)}
        for backend in [backend for backend in studies if backend not in exact_studies]:
            self._note_without_float64(backend, call["path"], studies[backend].reference)
        if len(studies) > 1 and not exact_studies:
            self._unjudged(call, draw, f"raises in float64 on every backend: {next(iter(studies.values())).reference}")
        elif len(studies) > 1:
            reference = {backend: study.reference for backend, study in exact_studies.items()}
            checked = {backend: study.checked for backend, study in studies.items()}
            dtype = next(iter(studies.values())).dtype
            found += judge.compare_structure(checked)
            if len(reference) > 1:
                moves = _median([study.moves for study in exact_studies.values()])
                noise = _median([study.noise for study in exact_studies.values()])
                differences, references = judge.compare_meaning(reference, moves, noise)
                found += self._meant(
                    [difference for difference in differences if not explained(difference)],
                    call["path"] or WHOLE,
                    studies,
                    neighbours,
                )
            else:  # two backends, and one of them has no float64 result
                ((only, values),) = reference.items()
                references = dict.fromkeys(values, only)
            exact = {quantity: reference[backend][quantity].array for quantity, backend in references.items()}
            moves = _median([study.dtype_moves for study in exact_studies.values()])
            checked = _to_be_accurate(call, checked)
            # Who computes another function is not asked how accurately.
            wrong = {(difference.quantity, difference.backend) for difference in found}
            right = {b: {q: v for q, v in values.items() if (q, b) not in wrong} for b, values in checked.items()}
            differences, _ = judge.compare_accuracy(right, exact, moves, dtype, _allowed(call))
            if len(reference) == 1:
                differences = [replace(difference, backend=None) for difference in differences]
            found += [d for d in differences if (d.quantity, None) not in wrong]
            self.compared += sum(len(values) for values in checked.values()) if draw.ordinary else 0
            if any(study.dtype_moves for study in studies.values()):
                _, measured = judge.compare_accuracy(checked, exact, moves, dtype, _allowed(call))
                self._measure(call, measured)
        for difference in found:
            if not explained(difference):
                self._add(call["path"], call["type"], difference, mode, draw)

    @staticmethod
    def _refuse_misuse(text: str) -> None:
        """Raise the error that the workers have raised if it is the user's, as of a function that gives no model."""
        if text.startswith("UsageError: "):
            raise UsageError(text.removeprefix("UsageError: "))

    def _unjudged(self, call: dict, draw: Draw, text: str) -> None:
        """Note a call that nothing can be said about; on ordinary data the check is then inconclusive."""
        where = call["path"] or WHOLE
        self._note(f"{where} {text}")
        if draw.ordinary:
            self.unjudged = self.unjudged or f"{where} {text}"

    def _meant(
        self, differences, label: str, studies: dict, neighbours: Callable | None = None
    ) -> Iterator[judge.Difference]:
        """Yield the float64 differences that are meant; of the others a note is taken.

        Args:
            differences: From `judge.compare_meaning`.
            label: What the notes call the place.
            studies: For each backend what it computed there.
            neighbours: From a pair of backends and quantities to what both compute of each at neighbouring inputs; None
                takes every difference for smooth, and only large ones: steps amplify what their parts, judged before,
                let pass.
        """
        least = judge.SMALL if neighbours else judge.ACCURATE
        present = {d: self._presence(d, studies) for d in differences if d.cause is None}
        dtype = next(iter(studies.values())).dtype
        doubtful: dict[tuple, list[str]] = {}
        for difference in present if neighbours else ():
            if judge.is_meant(difference.units, 1.0, present[difference], dtype, least):  # else there is no need
                doubtful.setdefault(difference.pair, []).append(difference.quantity)
        near = {pair: neighbours(pair, quantities) for pair, quantities in doubtful.items()}
        for difference in differences:
            quantity, pair = difference.quantity, difference.pair
            if difference.cause is not None:
                meant = pair is None or judge.differs(*(studies[backend].checked.get(quantity) for backend in pair))
            else:
                first, second = near.get(pair, {}).get(quantity, ((), ()))
                # Where a neighbour raises nothing can be averaged: take the difference as it stands.
                share = judge.smoothness(first, second) if len(first) == len(second) == NEIGHBOURS else 1.0
                meant = judge.is_meant(difference.units, share, present[difference], dtype, least)
                detail = f"{difference.units:.3g} float32 rounding units apart in float64"
                small = dtype == "float64" and difference.units < judge.ACCURATE
                cause = Cause.PRECISION if small else Cause.SEMANTIC
                difference = replace(difference, cause=cause, detail=detail)
            if meant:
                yield difference
            else:
                self._detours.setdefault((label, difference.backend or " and ".join(pair)), []).append(quantity)

    @staticmethod
    def _presence(difference: judge.Difference, studies: dict) -> float:
        """Return which share of a float64 difference is there in the dtype asked about; 1 where that has no number."""
        first, second = (studies[backend] for backend in difference.pair)
        quantity = difference.quantity
        if quantity not in first.checked or quantity not in second.checked:
            return 1.0
        with np.errstate(invalid="ignore"):  # infinities
            return judge.presence(
                first.reference[quantity].array - second.reference[quantity].array,
                first.checked[quantity].array - second.checked[quantity].array,
            )

    def _judge_part(self, label: str, type_name: str, answers: dict, what: str, plan: dict, draw: Draw) -> None:
        """Judge the loss, a metric or the optimiser, run alone on what all backends share."""
        self._order.setdefault(label, len(self._order))
        errors = {b: a.reference if isinstance(a.reference, str) else a.checked for b, a in answers.items()}
        errors = {backend: text for backend, text in errors.items() if isinstance(text, str)}
        if len(errors) == len(answers):
            self._refuse_misuse(next(iter(errors.values())))
            self._note(f"{label} raises on every backend: {next(iter(errors.values()))}")
            return
        for backend, text in errors.items():
            self._add(label, type_name, judge.raised("value", backend, text), "training", draw)
        answers = {backend: answer for backend, answer in answers.items() if backend not in errors}
        if len(answers) < 2:
            return
        reference = {
            b: {q: v for q, v in a.reference.items() if not q.endswith("after updates")} for b, a in answers.items()
        }
        # In float32 a weight's move is lost in the weight's own rounding: there the weight itself is compared.
        checked = {b: {q: v for q, v in a.checked.items() if not q.startswith("update of")} for b, a in answers.items()}
        moves = _median([answer.moves for answer in answers.values()])
        found = judge.compare_structure(checked)
        differences, references = judge.compare_meaning(reference, moves)
        found += self._meant(
            differences,
            label,
            answers,
            lambda pair, wanted: self._neighbours(pair, "learning_neighbours", wanted, what, plan),
        )
        exact = {q: answers[b].reference[q].array for q, b in references.items()}
        for quantity, backend in references.items():
            if quantity.startswith("update of "):
                after = f"{quantity.removeprefix('update of ')} after updates"
                exact[after] = answers[backend].reference[after].array
        blamed = {difference.backend for difference in found}
        moves = _median([answer.dtype_moves for answer in answers.values()])
        dtype = next(iter(answers.values())).dtype
        accurate = checked
        if what == "optimizer":  # its moments, Adam's squares of gradients for one, underflow in float16: none is right
            accurate = {b: {q: v for q, v in a.items() if v.dtype != "float16"} for b, a in checked.items()}
            if any(len(accurate[b]) < len(checked[b]) for b in checked):
                self._note(f"{label} was compared in float64 alone: in float16 an optimiser's moments underflow")
        differences, measured = judge.compare_accuracy(accurate, exact, moves, dtype)
        found += [difference for difference in differences if difference.backend not in blamed]
        for difference in found:
            self._add(label, type_name, difference, "training", draw)
        self.compared += sum(map(len, checked.values()))
        if draw.ordinary:  # at 1 a clipped logarithm's argument is a single rounding, for all alike
            self._measure({"path": label, "type": type_name}, measured)

    def _neighbours(self, pair, function: str, quantities: list[str], *arguments) -> dict[str, tuple]:
        """Return what both backends compute of each quantity at neighbouring inputs."""
        nudges = [(NEIGHBOURHOOD, 1000 + i) for i in range(NEIGHBOURS)]
        answers = self._each(function, dict.fromkeys(pair, (*arguments, nudges, quantities)))
        if len(answers) < len(pair):  # a worker was lost
            return {}
        return {quantity: tuple(answers[backend][quantity] for backend in pair) for quantity in quantities}

    def _judge_steps(self, answers: dict, draw: Draw) -> None:
        """Judge whole training steps in float64; what a part of them explains is not told again."""
        errors = {b: a.reference if isinstance(a.reference, str) else a.checked for b, a in answers.items()}
        errors = {backend: text for backend, text in errors.items() if isinstance(text, str)}
        label = "(training)"
        self._order.setdefault(label, len(self._order))
        explained = {finding.backend for finding in self._findings.values()}
        if len(errors) == len(answers):
            self._note(f"training steps raise on every backend: {next(iter(errors.values()))}")
            return
        found = [judge.raised("training step", backend, text) for backend, text in errors.items()]
        answers = {backend: answer for backend, answer in answers.items() if backend not in errors}
        if len(answers) > 1:
            reference = {backend: answer.reference for backend, answer in answers.items()}
            found += judge.compare_structure({backend: answer.checked for backend, answer in answers.items()})
            differences, _ = judge.compare_meaning(reference, _shared_scales(reference))
            found += self._meant(differences, label, answers)
            self.compared += sum(map(len, reference.values()))
        for difference in found:
            if difference.backend not in explained and not (difference.backend is None and explained):
                self._add(label, "train_on_batch", difference, "training", draw)

    def _same_failure(self, ran: dict, draw: Draw, mode: str) -> bool:
        """Report runs that raised; return whether any backend finished."""
        raised = {backend: answer for backend, answer in ran.items() if answer.error is not None}
        if len(raised) == len(ran):
            text = f"{next(iter(raised.values())).error} (in {mode})"
            if draw.ordinary:
                self.raised_everywhere = self.raised_everywhere or text
            else:
                self._note(f"on the draw {draw.name!r} the model raises on every backend: {text}")
            return False
        for backend, answer in raised.items():
            self._add(answer.failed_at or "", "", judge.raised("output", backend, answer.error), mode, draw)
        return True

    def _compare_call_lists(self, calls: dict[str, dict], draw: Draw, mode: str) -> None:
        lists = {
            backend: tuple(sorted(f"{key} of {call['tensors']} tensors" for key, call in made.items()))
            for backend, made in calls.items()
        }
        common = set.intersection(*map(set, lists.values())) if lists else set()
        for difference in judge.minority(
            "calls", lists, Cause.STRUCTURE, lambda made: ", ".join(sorted(set(made) - common)) or "fewer calls"
        ):
            self._add("", "", difference, mode, draw)

    def _add(self, path: str, type_name: str, difference: judge.Difference, mode: str, draw: Draw | None) -> None:
        """Keep a finding, unless a worse one of the same layer, backend and cause is known."""
        layer = path or WHOLE
        ordinary = draw is None or draw.ordinary
        key = (layer, difference.backend, difference.cause)
        known = self._findings.get(key)
        who = f"{difference.backend} is alone" if difference.backend else "no two backends agree"
        message = f"{layer}: {who} on the {difference.quantity} ({difference.cause.value}): {difference.detail}"
        new = Finding(
            layer,
            type_name,
            difference.backend,
            self.backends,
            difference.quantity,
            mode,
            difference.cause,
            draw.name if draw else "none",
            ordinary,
            difference.max_abs_error,
            difference.units,
            message,
        )
        if known is None:
            self._findings[key] = new
            return
        worse = (ordinary, _size(difference.units)) > (known.ordinary, _size(known.rounding_units))
        self._findings[key] = new if worse else known

    def _measure(self, call: dict, errors: list[judge.Error]) -> None:
        for error in errors:
            backward = error.quantity.startswith("gradient")
            key = (call["path"], error.backend, backward)
            known = self._measurements.get(key)
            if known is None or error.units > known.rounding_units:
                self._measurements[key] = Measurement(
                    call["path"] or WHOLE,
                    call["type"],
                    error.backend,
                    "backward" if backward else "forward",
                    error.units,
                    error.quantity,
                    error.max_abs_error,
                )

    def _note_without_float64(self, backend: str, path: str, text: str) -> None:
        if backend in INFERENCE_ALONE:  # OpenVINO never has any
            self._note(f"{backend} computes in float32 at most: the others' float64 results judge it, in inference")
        else:
            self._note(f"in float64 alone: {backend} raises at {path or WHOLE}: {text}")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _everywhere(self, function: str, *arguments) -> dict:
        return self._each(function, dict.fromkeys(self.active, arguments))

    def _each(self, function: str, arguments: dict[str, tuple]) -> dict:
        """Run a stage on several backends, each with its own arguments; drop those that fail."""
        return self._begin(function, arguments)()

    def _begin_everywhere(self, function: str, *arguments) -> Callable[[], dict]:
        return self._begin(function, dict.fromkeys(self.trainers, arguments))

    def _begin(self, function: str, arguments: dict[str, tuple]) -> Callable[[], dict]:
        """Have backends run a stage after those begun before; return what waits for the answers, of those that live.

        Of a large model the stage begins when the answers are asked for, one backend after the other.
        """
        if self.large:
            return lambda: self._living({b: self._alone(b, function, own) for b, own in arguments.items()})
        futures = {backend: self._submit(backend, function, own) for backend, own in arguments.items()}
        return lambda: self._living({backend: result_or_error(future) for backend, future in futures.items()})

    def _alone(self, backend: str, function: str, arguments: tuple):
        """Return what a stage gives while no other backend computes, and let the worker give its memory back."""
        answer = result_or_error(self._submit(backend, function, arguments))
        self._submit(backend, "release_memory", ())
        give_back_freed_memory()
        return answer

    def _submit(self, backend: str, function: str, arguments: tuple):
        return self.workers[backend].submit(f"keras_parity.stages:{function}", *arguments, time_limit=self.time_limit)

    def _stage(self, backend: str, function: str, *arguments):
        """Run a stage on one backend."""
        answer = result_or_error(self._submit(backend, function, arguments))
        if isinstance(answer, WorkerError):
            self.failures[backend] = str(answer)
            raise TooFewBackends
        return answer

    def _living(self, answers: dict) -> dict:
        """Return the answers of backends that have not failed; note the failures.

        Raises:
            TooFewBackends: If fewer than two backends are left.
        """
        # The first failure is the cause: a stage begun before it was known found a new worker, without the model.
        failed = {backend: str(answer) for backend, answer in answers.items() if isinstance(answer, WorkerError)}
        self.failures = failed | self.failures
        if len(self.active) < 2:
            raise TooFewBackends
        return {backend: answer for backend, answer in answers.items() if backend in self.active}


def _takes(call: dict | None, arrays: list[np.ndarray]) -> bool:
    """Return whether a backend made a call, of as many tensors: on one backend a number may be none."""
    return call is not None and call["tensors"] == len(arrays)


def is_large(model: Description) -> bool:
    """Return whether a model's activations or its weights take so much that memory is spared."""
    return max(BATCH_SIZE * model.bytes_per_example, _bytes_of_weights(model)) > LARGE


def _bytes_of_weights(model: Description) -> int:
    return sum(8 * math.prod(shape) for _, shape, _ in model.weights)


def usual_batch_size(large: bool) -> int:
    """Return how many examples are in a draw of which the user said nothing."""
    return SMALL_BATCH_SIZE if large else BATCH_SIZE


def label_of(identifier) -> str:
    """Return what a loss, metric or optimiser is called: its name, or its class's."""
    return identifier["class_name"] if isinstance(identifier, dict) else str(identifier)


def _agree_at_once(call: dict, studies: dict) -> bool:
    """Return whether the backends agree on a call, however small its unavoidable errors: none need be measured."""
    reference, checked = (
        {b: getattr(study, kind) for b, study in studies.items()} for kind in ("reference", "checked")
    )
    if any(isinstance(values, str) for values in (*reference.values(), *checked.values())):
        return False
    differences, references = judge.compare_meaning(reference, {})
    exact = {quantity: reference[backend][quantity].array for quantity, backend in references.items()}
    dtype = next(iter(studies.values())).dtype
    inaccurate, _ = judge.compare_accuracy(_to_be_accurate(call, checked), exact, {}, dtype, _allowed(call))
    return not (differences or inaccurate or judge.compare_structure(checked))


def _to_be_accurate(call: dict, checked: dict[str, dict]) -> dict[str, dict]:
    """Return the results that are judged in the dtype asked about: of a call with others within, its outputs alone."""
    if not call["inner"]:
        return checked
    return {b: {q: v for q, v in values.items() if q.startswith("output")} for b, values in checked.items()}


def _allowed(call: dict) -> float:
    """Return how many units a call may be off: the calls within it add theirs."""
    return judge.ACCURATE * max(1, len(call["inner"]))


def _whole_calls(calls: dict[str, dict]) -> set[str]:
    """Return the keys of what is compared as the whole model: its own calls, or the one operation that it holds."""
    whole = {key for key, call in calls.items() if not call["path"]}
    if len(whole) == 1:
        root = calls[next(iter(whole))]
        only = calls.get(root["inner"][0]) if root["functional"] and len(root["inner"]) == 1 else None
        if only is not None and only["bytes"] == root["bytes"]:
            return {only["key"]}
    return whole


def _portions(calls: dict[str, dict], whole: set[str], everything: bool) -> Iterator[list[str]]:
    """Yield the keys of the calls to replay, inner ones before the one around them, in portions that fit in memory."""
    wanted = [key for key, call in calls.items() if key in whole or (call["path"] and (everything or call["moded"]))]
    portion, size = [], 0
    for key in reversed(wanted):
        if portion and size + calls[key]["bytes"] > PORTION:
            yield portion
            portion, size = [], 0
        portion.append(key)
        size += calls[key]["bytes"]
    if portion:
        yield portion


def _median(moves: list[dict[str, float]]) -> dict[str, float]:
    """Return, by quantity, the median of what the backends measured: one that is wrong cannot widen its own measure."""
    quantities = dict.fromkeys(itertools.chain.from_iterable(moves))
    return {quantity: statistics.median(m.get(quantity, 0.0) for m in moves) for quantity in quantities}


def _shared_scales(results: dict[str, dict]) -> dict[str, float]:
    """Return, by quantity, half a float32 unit of the largest one of its kind in the whole model.

    A gradient that is truly zero, as of a bias before a normalisation, is nothing but rounding, and so are its slots.
    """
    sizes: dict[str, float] = {}
    kinds = {}
    for values in results.values():
        for quantity, value in values.items():
            kinds[quantity] = quantity.rpartition("_")[2] if quantity.startswith("slot") else quantity.partition(" ")[2]
            largest = float(np.max(np.abs(value.array), initial=0.0, where=np.isfinite(value.array)))
            sizes[kinds[quantity]] = max(sizes.get(kinds[quantity], 0.0), largest)
    return {quantity: 0.5 * UNIT_ROUNDOFF["float32"] * sizes[kind] for quantity, kind in kinds.items()}


def _size(units: float) -> float:
    return math.inf if math.isnan(units) else units
