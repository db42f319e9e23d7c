"""The bench's results as a Markdown document."""

from collections import defaultdict

from benchmarks.faults.bench import Result


def summarise(results: list[Result]) -> dict:
    """Return the counts that the targets are about."""
    planted = [result for result in results if result.trial.fault]
    clean = [result for result in results if not result.trial.fault]
    detected = [result for result in planted if result.detected]
    return {
        "faults": len({result.trial.fault for result in planted}),
        "kinds": len({result.kind for result in planted}),
        "architectures": len({result.trial.architecture for result in results}),
        "planted": len(planted),
        "without_effect": sum(result.effect is None for result in planted),
        "detected": len(detected),
        "blamed_right": sum(result.blamed_right for result in detected),
        "clean": len(clean),
        "false_alarms": sum(result.detected for result in clean),
        "keras_detours": sum(bool(result.keras_detours) for result in clean),
        "clean_inconclusive": sum(result.outcome == "inconclusive" for result in clean),
    }


def render_table(results: list[Result], environment: dict) -> str:
    """Return the document: the counts, what was missed, each kind of fault, the clean checks, each planted fault.

    Args:
        results: Of all checks.
        environment: What a verdict says it ran on; `command` is the bench's.
    """
    count = summarise(results)
    planted = [result for result in results if result.trial.fault]
    clean = [result for result in results if not result.trial.fault]
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    parts = [
        "# Planted faults",
        "",
        f"Written by `{environment['command']}` on {environment['date'][:10]}: {environment['processor']}, "
        f"{environment['cores']} cores, {versions}; {sum(result.seconds for result in results):,.0f} s of checks.",
        "",
        f"{count['faults']} faults of {count['kinds']} kinds, each in one backend's process at a time, over "
        f"{count['architectures']} architectures; a verdict is right when it names all layers that are wrong, on the "
        "right backend, and nothing else. Some faults are two at once, or come in the place of one that was "
        "accepted. A clean check has no fault; its seed draws weights, inputs and targets. That a planted fault "
        "changes something is seen without the engine, in one process: "
        f"{count['planted'] - count['without_effect']} of {count['planted']} do.",
        "",
        "| | of | share |",
        "| --- | ---: | ---: |",
        f"| faults detected | {count['detected']} of {count['planted']} | "
        f"{share(count['detected'], count['planted'])} |",
        f"| of these blamed on the right layers and backend | {count['blamed_right']} of {count['detected']} | "
        f"{share(count['blamed_right'], count['detected'])} |",
        f"| false alarms in clean checks | {count['false_alarms']} of {count['clean']} | "
        f"{share(count['false_alarms'], count['clean'])} |",
        f"| clean checks without an answer | {count['clean_inconclusive']} of {count['clean']} | "
        f"{share(count['clean_inconclusive'], count['clean'])} |",
        "",
        f"{count['keras_detours']} clean checks told of what Keras itself does otherwise, which is true, and counts "
        "neither as an alarm nor as blame: in float64 some layers compute in float32 outside TensorFlow; some raise on "
        "a backend that lacks a kernel for the dtype; the gradients of UnitNormalization and of the cosine are finite "
        "at zero [on TensorFlow alone](divergences/normalize_gradient_at_zero.py); in float16 Attention to masked "
        "inputs is NaN [on PyTorch](divergences/attention_in_float16_of_masked_inputs.py), and the gradient of a "
        "division infinite [on JAX](divergences/divide_gradient_in_float16.py).",
        "",
        *problems("Missed", [result for result in planted if not result.detected]),
        *problems("Blamed wrongly", [result for result in planted if result.detected and not result.blamed_right]),
        *problems("False alarms", [result for result in clean if result.detected]),
        *problems("Clean checks without an answer", [result for result in clean if result.outcome == "inconclusive"]),
    ]
    if planted:
        parts += ["## By kind", "", "| kind | planted | detected | blamed right |", "| --- | ---: | ---: | ---: |"]
        for kind, some in sorted(grouped(planted, lambda result: result.kind).items()):
            parts.append(f"| {kind} | {len(some)} | {total(some, 'detected')} | {total(some, 'blamed_right')} |")
        parts.append("")
    if clean:
        parts += [
            "## Clean checks",
            "",
            "| dtype | checks | agree | alarms | median s |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for dtype, some in sorted(grouped(clean, lambda result: result.trial.dtype).items()):
            seconds_each = sorted(result.seconds for result in some)
            agree = sum(not result.detected and result.outcome != "inconclusive" for result in some)
            parts.append(
                f"| {dtype} | {len(some)} | {agree} | {total(some, 'detected')} | {seconds_each[len(some) // 2]:.1f} |"
            )
        parts.append("")
    if planted:
        parts += [
            "## Each fault",
            "",
            "| fault | kind | architecture | backend | blamed | |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for result in planted:
            blamed = ", ".join(f"`{layer}`" for layer, _ in result.culprits)
            mark = "right" if result.blamed_right else "**wrong**" if result.detected else "**missed**"
            trial = result.trial
            parts.append(
                f"| {trial.fault} | {result.kind} | {trial.architecture} | {trial.backend} | {blamed} | {mark} |"
            )
    return "\n".join(parts).rstrip() + "\n"


def problems(title: str, results: list[Result]) -> list[str]:
    """Return a section that tells what went wrong, or nothing."""
    if not results:
        return []
    lines = [f"## {title}", ""]
    for result in results:
        trial = result.trial
        what = f"{trial.fault} in {trial.backend}'s {trial.architecture}" if trial.fault else trial.architecture
        wanted = f", expected {named(result.expected)}" if trial.fault else ""
        blamed = f"blames {named(result.culprits)}" if result.culprits else result.reason
        lines.append(f"- {what} ({trial.dtype}, seed {trial.seed}): {blamed}{wanted}")
    return [*lines, ""]


def named(culprits: list) -> str:
    """Return culprits as a reader sees them."""
    return ", ".join(f"`{layer}` on {backend or 'no one backend'}" for layer, backend in culprits)


def grouped(results: list[Result], key) -> dict[str, list[Result]]:
    """Return results by what `key` gives."""
    groups = defaultdict(list)
    for result in results:
        groups[key(result)].append(result)
    return groups


def total(results: list[Result], attribute: str) -> int:
    """Return of how many results a property is true."""
    return sum(getattr(result, attribute) for result in results)


def share(part: int, whole: int) -> str:
    """Return a percentage."""
    return f"{100 * part / whole:.1f} %" if whole else "–"
