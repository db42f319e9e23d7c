"""An answer to one of the four questions, and the verdict that they give together."""

from collections.abc import Sequence
from dataclasses import dataclass

from comparing.details import Details
from keras_parity.report.wording import backend_title, enumerate_names
from keras_parity.verdict import Outcome

NOT_ASKED = "not asked"
QUESTIONS = {
    "function": "Same function?",
    "steps": "Same steps?",
    "destination": "Same destination?",
    "predictions": "Same predictions?",
}


@dataclass(frozen=True)
class Answer:
    """What one question came to.

    Attributes:
        question: One of `QUESTIONS`.
        outcome: `agree`, `disagree`, `inconclusive`, or `NOT_ASKED` in a trial.
        number: The number that decided; None where there is none.
        unit: What the number counts.
        criterion: The rule that it was held against, as a sentence.
        reason: What was found, as a sentence.
        culprit: The backend that is alone; None where nobody or no single one is.
        more_seeds: How many more seeds a backend a decision takes; None where seeds are not what is missing.
        details: What the figures and tables show; None where there is no more to say.
    """

    question: str
    outcome: str
    number: float | None
    unit: str
    criterion: str
    reason: str
    culprit: str | None = None
    more_seeds: int | None = None
    details: Details | None = None

    @property
    def title(self) -> str:
        """The question, in words."""
        return QUESTIONS[self.question]


def not_asked(question: str, criterion: str) -> Answer:
    """Return the answer of a trial, whose runs are too short to be asked this question."""
    return Answer(question, NOT_ASKED, None, "", criterion, "Not asked in a trial of two steps.")


def unanswered(question: str, criterion: str, reason: str) -> Answer:
    """Return the answer where something was missing."""
    return Answer(question, Outcome.INCONCLUSIVE.value, None, "", criterion, reason)


def conclude(answers: Sequence[Answer], failures: dict[str, str]) -> Outcome:
    """Return the verdict: one disagreement is enough; without one, all must agree and every backend must have run.

    Args:
        answers: To all questions.
        failures: For each backend or run that failed, its last words.
    """
    outcomes = {answer.outcome for answer in answers}
    if Outcome.DISAGREE.value in outcomes:
        return Outcome.DISAGREE
    if failures or Outcome.INCONCLUSIVE.value in outcomes or Outcome.AGREE.value not in outcomes:
        return Outcome.INCONCLUSIVE
    return Outcome.AGREE


def verdict_sentence(
    model: str, backends: Sequence[str], answers: Sequence[Answer], outcome: Outcome, failures: dict[str, str]
) -> str:
    """Return the verdict in words that anyone understands."""
    everyone = enumerate_names([backend_title(backend) for backend in backends])
    if outcome is Outcome.AGREE:
        asked = [answer for answer in answers if answer.outcome != NOT_ASKED]
        if len(asked) < len(answers):
            return f"As far as a trial can tell, {everyone} agree on {model}: {_agreements(asked)}."
        return f"{everyone} agree on {model}: {_agreements(asked)}."
    if outcome is Outcome.DISAGREE:
        wrong = [answer for answer in answers if answer.outcome == outcome.value]
        culprits = {answer.culprit for answer in wrong}
        named = culprits.pop() if len(culprits) == 1 else None
        differing = enumerate_names([_DISAGREEMENTS[answer.question] for answer in wrong])
        if named is None:
            return f"{everyone} do not agree on {model}: they differ in {differing}."
        others = enumerate_names([backend_title(backend) for backend in backends if backend != named])
        return f"{backend_title(named)} differs from {others} on {model}, in {differing}."
    agreed = [answer for answer in answers if answer.outcome == Outcome.AGREE.value]
    so_far = f"So far they share {_agreements(agreed)}." if agreed else ""
    more = max((answer.more_seeds or 0 for answer in answers), default=0)
    if failures:
        words = f"It cannot be said whether {everyone} agree on {model}: {enumerate_names(list(failures))} failed."
    elif more:
        seeds = "seed" if more == 1 else "seeds"
        words = f"It cannot be said yet whether {everyone} agree on {model}: run {more} more {seeds} of each."
    else:
        words = f"It cannot be said whether {everyone} agree on {model}."
    return f"{words} {so_far}".strip()


_AGREEMENTS = {
    "function": "the same function",
    "steps": "the same steps",
    "destination": "the same accuracy",
    "predictions": "the same predictions",
}
_DISAGREEMENTS = {
    "function": "the function that the network computes",
    "steps": "the training steps",
    "destination": "the accuracy that training reaches",
    "predictions": "the images that are classified otherwise",
}


def _agreements(answers: Sequence[Answer]) -> str:
    return enumerate_names([_AGREEMENTS[answer.question] for answer in answers])
