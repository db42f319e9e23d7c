"""Comparing whole trainings: one system, every backend, one verdict.

    plan.py                 what is compared: the runs, in their order
    training_comparison.py  one comparison from its beginning to its report
    trainings.py            makes the runs, by training.run in processes of their own
    tasks.py                what a backend's worker is asked for
    in_worker.py            what a backend's worker does: the first steps, the predictions
    function.py             (1) do the backends compute the same function?
    steps.py                (2) do they take the same steps?
    destination.py          (3) do they arrive at the same accuracy?
    predictions.py          (4) do they predict the same classes?
    answers.py              an answer, and the verdict that four of them give
    details.py              what each answer was found from
    speed.py                how fast is each backend?
    baseline.py             what has got worse since an earlier report?
    report/                 what a report holds; the page, Markdown and JSON that show it

No module imports keras or a framework, but for `in_worker.py`, which only workers import.
"""
