"""What the page and the Markdown say in the same words."""

from comparing.answers import Answer
from comparing.report.content import Report, Spread
from keras_parity.report.wording import backend_title


def describe_number(answer: Answer) -> str:
    """Return an answer's number with its unit, as `1.2 times the band`; a dash where it has none."""
    number = answer.number
    if number is None:
        return "–" if answer.outcome != "disagree" else "no finite number"
    if answer.unit == "points":
        return f"{number:.2f} points"
    shown = f"{number:,.0f}" if number >= 100 else f"{number:.2g}" if number < 10 else f"{number:.0f}"
    return f"{shown} {answer.unit}"


def format_speed_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the rows of the speed table, a row per backend; none where nothing was timed."""
    heads = [
        "backend",
        "accuracy, median",
        "images/s, compiled",
        "start-up",
        "compile and first step",
        "an epoch",
        "peak memory",
        "runs",
    ]
    rows = []
    for backend, measured in report.speed.backends.items():
        accuracies = [
            100 * run.test_accuracy for run in report.runs if run.backend == backend and run.test_accuracy is not None
        ]
        rows.append(
            [
                backend_title(backend),
                describe_spread(Spread.of(accuracies), "{:.2f}", " %") if accuracies else "–",
                describe_spread(measured.images_per_second, "{:,.0f}"),
                describe_spread(measured.start_seconds, "{:.1f}", " s"),
                describe_spread(measured.compile_seconds, "{:.1f}", " s"),
                describe_spread(measured.epoch_seconds, "{:.1f}", " s"),
                f"{measured.peak_memory_mib.median:,.0f} MiB",
                str(measured.turns),
            ]
        )
    return heads, rows


def describe_spread(spread: Spread, form: str, unit: str = "") -> str:
    """Return a median with its least and greatest value, as `24.1 s (23.8–25.0)`; the median alone of one value."""
    median, least, greatest = (form.format(value) for value in (spread.median, spread.least, spread.greatest))
    return f"{median}{unit}" if least == greatest else f"{median}{unit} ({least}–{greatest})"


def describe_circumstances(report: Report) -> str:
    """Return seeds, machine, versions, date and command, in a sentence or two."""
    environment = report.environment
    versions = environment.versions
    named = ", ".join(f"{name} {versions[name]}" for name in ("keras", *report.backends) if versions.get(name))
    seeds = len(report.seeds)
    return (
        f"{seeds} seed{'' if seeds == 1 else 's'} a backend, {report.test_examples:,} test examples; "
        f"{environment.processor}, {environment.cores} cores; {named}; {report.date[:10]}; "
        f"written by: python {report.command}"
    )
