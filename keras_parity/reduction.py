"""The search for the smallest call of a layer, an operation or a loss that shows a finding by itself."""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from keras_parity.comparison import WHOLE, Comparison, Pass, TooFewBackends, is_large, usual_batch_size
from keras_parity.draws import CERTAIN, Draw, draw_certainties, draw_inputs, draw_targets
from keras_parity.errors import WorkerError, quote
from keras_parity.reduction_case import Reproducer, shrink
from keras_parity.reduction_output import NoReproducer, run_script, tells_apart
from keras_parity.reduction_script import WEIGHTINGS, render_script, spell_target
from keras_parity.source import ModelSource, describe_source
from keras_parity.verdict import Cause, Finding, Verdict
from keras_parity.weights import draw_weights
from keras_parity.workers import Worker, Workers

# Causes that random numbers would look like.
_IN_VALUES = (Cause.SEMANTIC, Cause.PRECISION, Cause.NAN)


@dataclass
class Reduction:
    """The work on one finding.

    Attributes:
        finding: The finding in the model.
        mode: The mode that the calls are tried in.
        backward: Whether it is a gradient that differs.
        weighting: What the script contracts the output with for a gradient.
        shown: The finding in the call that was tried last with success.
    """

    source: ModelSource
    finding: Finding
    backends: tuple[str, ...]
    workers: Workers
    dtype: str
    seed: int
    time_limit: float
    say: Callable[[str], None]
    mode: str = "inference"
    backward: bool = False
    weighting: str = WEIGHTINGS[0]
    shown: Finding | None = None

    def reduce(self, loss, verdict: Verdict) -> str:
        """Return the script's text.

        Raises:
            NoReproducer: If there is none.
        """
        case = self.try_case(shrink(self._start(loss), self.try_case, self.finding.ordinary))
        if case is None:
            raise NoReproducer("the difference comes and goes")
        self.say(f"smallest call: {spell_target(case)} on {', '.join(str(t.shape) for t in case.tensors)}")
        draft = self._render(case, "Draft.")
        self.say(f"running the script on {', '.join(self.backends)}")
        run = functools.partial(run_script, draft, sys_path=self.source.sys_path)
        with ThreadPoolExecutor() as pool:  # each waits for a process of its own
            printed = dict(zip(self.backends, pool.map(run, self.backends), strict=True))
        if not tells_apart(printed, self.shown.backend, self.dtype, self.shown.max_abs_error):
            seen = "; ".join(quote(text, 60) for text in printed.values())
            raise NoReproducer(f"in processes of their own the backends print the same ({seen})")
        return self._render(case, self._header(case, printed, verdict))

    def _start(self, loss) -> Reproducer:
        """Return a call that shows the difference, in the simplest way that does: forward, in inference mode.

        That of the culprit; or where it shows none alone, or failed before it had a name, any other one.
        """
        gradient = self.finding.quantity.startswith("gradient")
        drawn = False
        for cases in self._extract(loss):
            for way in _ways(gradient, self.finding.mode):
                self.backward, self.mode, self.weighting = way
                for case in cases:
                    if case.random and self.mode == "training" and self.finding.cause in _IN_VALUES:
                        drawn = True
                    elif (start := self.try_case(case)) is not None:
                        return start
        why = "; it draws random numbers, and a script draws others on each backend" if drawn else ""
        raise NoReproducer(f"no call alone shows the difference in a script{why}")

    def try_case(self, case: Reproducer) -> Reproducer | None:
        """Return a call with its weights filled in, if backends disagree on it in the same way; else None.

        The engine must say so, of the same backend and the same cause; and the script must show it.
        """
        run = Comparison(self.backends, self.workers, self.dtype, self.seed, self.time_limit, say_nothing)
        try:
            build = "keras_parity.reduction_stages:build"
            run.open(describe_source(build, {"case": case}, self.source.custom), {}, None)
            if case.weights is not None:
                self.workers.everywhere("keras_parity.stages:set_weights", list(case.weights), backends=run.active)
            weights, names = self.workers[run.active[0]].call("keras_parity.reduction_stages:describe_weights")
            case = replace(case, weights=weights, names=names)
            draw = Draw(self.finding.draw, self.finding.ordinary, list(case.tensors))
            run.compare_calls(iter([Pass(draw, self.mode == "training", self.backward)]))
        except (TooFewBackends, WorkerError):
            pass
        finally:
            run.close()
        for found in filter(self._is_same, run.ordered_findings()):
            before, self.shown = self.shown, found
            arguments = ("keras_parity.reduction_stages:run_script", self._render(case, "Draft."), self.dtype)
            printed = self.workers.everywhere(*arguments, backends=self.backends, time_limit=self.time_limit)
            failed = any(isinstance(answer, WorkerError) for answer in printed.values())
            if not failed and tells_apart(printed, found.backend, self.dtype, found.max_abs_error):
                return case
            self.shown = before
        return None

    def _render(self, case: Reproducer, header: str) -> str:
        shown = replace(self.shown, mode=self.mode)
        return render_script(case, shown, self.dtype, self.weighting, header)

    @property
    def _driver(self) -> str:
        """A backend that is not blamed."""
        return next(backend for backend in self.backends if backend != self.finding.backend)

    def _is_same(self, found: Finding) -> bool:
        if (found.backend, found.cause) != (self.finding.backend, self.finding.cause):
            return False
        if found.cause is Cause.ERROR:
            return _error_type(found) == _error_type(self.finding)
        return self.backward == found.quantity.startswith("gradient")

    def _extract(self, loss) -> list[list[Reproducer]]:
        """Return the calls of the culprit as they were made in the model; then the other ones; then whole models."""
        if self.finding.layer == "(reload)":
            raise NoReproducer("(reload) is no layer: a file is written on one backend and read on another")
        if self.finding.layer == "(loss)":
            return [self._at_the_driver(functools.partial(self._extract_loss, loss or "mean_squared_error", "losses"))]
        culprits, others = self._at_the_driver(self._extract_calls)
        models = [case for case in culprits + others if case.is_model]
        return [[c for c in culprits if not c.is_model], [c for c in others if not c.is_model], models]

    def _extract_loss(self, what, kind: str, driver: Worker, draw: Draw) -> list[Reproducer]:
        outputs = driver.call("keras_parity.stages:predict", draw.inputs)
        outputs = [output.astype(np.float32).astype(np.float64) for output in outputs]
        if self.finding.draw == CERTAIN:
            outputs = draw_certainties(outputs, self.seed) or outputs
        targets = draw_targets(self.finding.layer_type, outputs, self.seed, 0)
        return driver.call("keras_parity.reduction_stages:extract_loss", what, outputs, targets, kind)

    def _extract_calls(self, driver: Worker, draw: Draw) -> tuple[list[Reproducer], list[Reproducer]]:
        driver.call("keras_parity.stages:run_model", draw.inputs, self.finding.mode == "training", True)
        path = "" if self.finding.layer == WHOLE else self.finding.layer  # no call's, where steps differ
        return driver.call("keras_parity.reduction_stages:extract", path)

    def _at_the_driver(self, extract: Callable[[Worker, Draw], object]):
        """Return what `extract` gets from a backend's worker that holds the model, with the inputs of the finding."""
        driver = self.workers[self._driver]
        described = driver.call(
            "keras_parity.stages:open_case", self.source, self.dtype, self.seed, time_limit=self.time_limit
        )
        try:
            if described.error is not None or described.inputs is None:
                raise NoReproducer("the model cannot be built alone")
            values = described.initial
            if self.source.kind != "file":
                values = draw_weights(described.weights, values, described.trainable, self.seed)
            driver.call("keras_parity.stages:set_weights", values)
            draws = draw_inputs(described.inputs, self.seed, usual_batch_size(is_large(described)))
            draw = next((draw for draw in draws if draw.name == self.finding.draw), draws[0])
            return extract(driver, draw)
        finally:
            driver.call("keras_parity.stages:close_case")

    def _header(self, case: Reproducer, printed: dict[str, str], verdict: Verdict) -> str:
        finding = self.shown
        who = f"{finding.backend} is alone" if finding.backend else "no two backends agree"
        versions = ", ".join(f"{name} {version}" for name, version in verdict.environment.get("versions", {}).items())
        name = case.custom.name if case.custom else case.kind
        lines = "\n\n".join(printed.values())
        return (
            f"{name}: {who} on the {finding.quantity} ({finding.cause.value}).\n\n"
            f"Reduced by keras-parity from {_place(self.finding)} of {self.source.label}. Run it with "
            f"KERAS_BACKEND set to\n{', '.join(self.backends)}; with {versions}\nit printed:\n\n{lines}\n"
        )


def _ways(gradient: bool, mode: str) -> Iterator[tuple[bool, str, str]]:
    """Yield whether to compare gradients, the mode, and what contracts the output: the simplest first."""
    for backward in sorted({False, gradient}):
        for tried in sorted({"inference", mode if mode == "training" else "inference"}):
            for weighting in WEIGHTINGS if backward else WEIGHTINGS[:1]:
                yield backward, tried, weighting


def _place(finding: Finding) -> str:
    return finding.layer if finding.layer.startswith("(") else f"the layer {finding.layer}"


def _error_type(finding: Finding) -> str:
    return finding.message.partition("): ")[2].partition(":")[0]


def say_nothing(line: str) -> None:
    """Take a line on a stage and leave it."""
