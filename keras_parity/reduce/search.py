"""The search for the smallest call of a layer, an operation or a loss that shows a finding by itself."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np

from keras_parity.comparison import Check, Pass, Passes, open_check
from keras_parity.comparison.opening import make_draws, open_model
from keras_parity.comparison.training import flat_targets, targets_of_steps
from keras_parity.crew import Crew
from keras_parity.draws import CERTAIN, Draw
from keras_parity.errors import WorkerError, quote
from keras_parity.ledger import WHOLE
from keras_parity.participants import TooFewLeft
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.reducing import DescribeWeights, ExtractCalls, ExtractLoss, Reproducer, RunText
from keras_parity.protocol.tasks import Predict, RunModel, SetWeights
from keras_parity.reduce.case import shrink
from keras_parity.reduce.output import NoReproducer, run_script, tells_apart
from keras_parity.reduce.script import WEIGHTINGS, render_script, spell_target
from keras_parity.request import CheckRequest, make_request
from keras_parity.targets import draw_certainties
from keras_parity.verdict import Finding, Verdict

# Causes that random numbers would look like.
_IN_VALUES = (Cause.SEMANTIC, Cause.PRECISION, Cause.NAN)
_BUILD = "keras_parity.worker.reducing:build"
Found = TypeVar("Found")


@dataclass
class Reduction:
    """The work on one finding.

    Attributes:
        request: The check that found it.
        finding: The finding in the model.
        crew: The workers.
        say: Gets a line on each stage.
        mode: The mode that the calls are tried in.
        backward: Whether it is a gradient that differs.
        weighting: What the script contracts the output with for a gradient.
        shown: The finding in the call that was tried last with success; the one in the model before there is any.
    """

    request: CheckRequest
    finding: Finding
    crew: Crew
    say: Callable[[str], None]
    mode: str = "inference"
    backward: bool = False
    weighting: str = WEIGHTINGS[0]
    shown: Finding = field(init=False)

    def __post_init__(self) -> None:
        self.shown = self.finding

    def reduce(self, verdict: Verdict) -> str:
        """Return the script's text.

        Raises:
            NoReproducer: If there is none.
        """
        case = self.try_case(shrink(self._start(), self.try_case, self.finding.ordinary))
        if case is None:
            raise NoReproducer("the difference comes and goes")
        self.say(f"smallest call: {spell_target(case)} on {', '.join(str(t.shape) for t in case.tensors)}")
        draft = self._render(case, "Draft.")
        self.say(f"running the script on {', '.join(self.request.executions)}")
        run = functools.partial(run_script, draft, sys_path=self.request.source.sys_path)
        with ThreadPoolExecutor() as pool:  # each waits for a process of its own
            printed = dict(zip(self.request.executions, pool.map(run, self.request.executions), strict=True))
        if not tells_apart(printed, self.shown.execution, self.request.dtype, self.shown.max_abs_error):
            seen = "; ".join(quote(text, 60) for text in printed.values())
            raise NoReproducer(f"in processes of their own the backends print the same ({seen})")
        return self._render(case, self._header(case, printed, verdict))

    def _start(self) -> Reproducer:
        """Return a call that shows the difference, in the simplest way that does: forward, in inference mode.

        That of the culprit; or where it shows none alone, or failed before it had a name, any other one.
        """
        # An exception is told of the call that raised it, wherever in its pass that was.
        gradient = self.finding.quantity.kind is Kind.GRADIENT or self.finding.cause is Cause.ERROR
        drawn = False
        for cases in self._extract():
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
        with (
            open_check(self.request_for(case), self.crew, say_nothing) as check,
            contextlib.suppress(TooFewLeft, WorkerError),
        ):
            open_model(check, {})
            if case.weights is not None:
                check.participants.ask_all(SetWeights(list(case.weights)))
            weights = check.participants.ask(check.participants.active[0], DescribeWeights())
            case = replace(case, weights=weights.values, names=weights.names)
            draw = Draw(self.finding.draw, self.finding.ordinary, list(case.tensors))
            Passes(check).run(iter([Pass(draw, self.mode == "training", self.backward)]))
        for found in filter(self._is_same, check.ledger.findings):
            before, self.shown = self.shown, found
            printed = self.print_everywhere(self._render(case, "Draft."))
            if printed and tells_apart(printed, found.execution, self.request.dtype, found.max_abs_error):
                return case
            self.shown = before
        return None

    def request_for(self, case: Reproducer) -> CheckRequest:
        """Return the request for a check of one call."""
        request = self.request
        return make_request(
            _BUILD,
            request.executions,
            kwargs={"case": case},
            custom=request.custom,
            dtype=request.dtype,
            seed=request.seed,
            time_limit=request.time_limit,
        )

    def print_everywhere(self, text: str) -> dict[str, str]:
        """Return what a script prints in each execution's worker; nothing where one fails."""
        task = RunText(text, self.request.dtype)
        limit = self.request.time_limit
        answers = self.crew.everywhere(task, executions=self.request.executions, time_limit=limit)
        printed = {name: answer for name, answer in answers.items() if not isinstance(answer, WorkerError)}
        return printed if len(printed) == len(answers) else {}

    def _render(self, case: Reproducer, header: str) -> str:
        shown = replace(self.shown, mode=self.mode)
        return render_script(case, shown, self.request.dtype, self.weighting, header, backward=self.backward)

    @property
    def _driver(self) -> str:
        """A backend that is not blamed."""
        return next(backend for backend in self.request.executions if backend != self.finding.execution)

    def _is_same(self, found: Finding) -> bool:
        if (found.execution, found.cause) != (self.finding.execution, self.finding.cause):
            return False
        if found.cause is Cause.ERROR:
            return _error_type(found) == _error_type(self.finding)
        return self.backward == (found.quantity.kind is Kind.GRADIENT)

    def _extract(self) -> list[list[Reproducer]]:
        """Return the calls of the culprit as they were made in the model; then the other ones; then whole models."""
        if self.finding.layer == "(reload)":
            raise NoReproducer("(reload) is no layer: a file is written on one backend and read on another")
        if self.finding.layer == "(loss)":
            return [
                self.at_the_driver(
                    functools.partial(self._extract_loss, self.request.loss or "mean_squared_error", "losses")
                )
            ]
        culprits, others = self.at_the_driver(self._extract_calls)
        models = [case for case in culprits + others if case.is_model]
        return [[c for c in culprits if not c.is_model], [c for c in others if not c.is_model], models]

    def _extract_loss(
        self, what: object, kind: Literal["losses", "metrics"], check: Check, draw: Draw
    ) -> list[Reproducer]:
        driver = self.crew[self._driver]
        outputs = driver.ask(Predict(draw.inputs))
        outputs = [output.astype(np.float32).astype(np.float64) for output in outputs]
        if self.finding.draw == CERTAIN:
            outputs = draw_certainties(outputs, self.request.seed) or outputs
        targets = flat_targets(targets_of_steps(check, outputs)[0], check.outputs)
        return driver.ask(ExtractLoss(what, outputs, targets, kind))

    def _extract_calls(self, check: Check, draw: Draw) -> tuple[list[Reproducer], list[Reproducer]]:
        driver = self.crew[self._driver]
        driver.ask(RunModel(draw.inputs, self.finding.mode == "training", True))
        path = "" if self.finding.layer == WHOLE else self.finding.layer  # no call's, where steps differ
        found = driver.ask(ExtractCalls(path))
        return found.culprits, found.others

    def at_the_driver(self, extract: "Callable[[Check, Draw], Found]") -> "Found":
        """Return what `extract` gets while workers hold the model, with the inputs of the finding.

        Raises:
            NoReproducer: If the model cannot be built alone.
        """
        with open_check(self.request, self.crew, say_nothing) as check:
            try:
                open_model(check, {})
                draws = make_draws(check)
                draw = next((draw for draw in draws if draw.name == self.finding.draw), draws[0])
                return extract(check, draw)
            except TooFewLeft:
                raise NoReproducer("the model cannot be built alone") from None

    def _header(self, case: Reproducer, printed: dict[str, str], verdict: Verdict) -> str:
        finding = self.shown
        who = f"{finding.execution} is alone" if finding.execution else "no two backends agree"
        versions = ", ".join(f"{name} {version}" for name, version in verdict.environment.get("versions", {}).items())
        name = case.custom.name if case.custom else case.kind
        lines = "\n\n".join(printed.values())
        return (
            f"{name}: {who} on the {finding.quantity} ({finding.cause.value}).\n\n"
            f"Reduced by keras-parity from {_place(self.finding)} of {self.request.source.label}. Run it with "
            f"KERAS_BACKEND set to\n{', '.join(self.request.executions)}; with {versions}\nit printed:\n\n{lines}\n"
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
    return finding.detail.partition(":")[0]


def say_nothing(line: str) -> None:
    """Take a line on a stage and leave it."""
