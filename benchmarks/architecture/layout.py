"""Where the boxes of a drawing stand: in ranks, each above what it uses, ordered so that few arrows cross."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.architecture.graph import Arrow, find_reachable

SWEEPS = 40
GAP = 26.0  # pixels between boxes of one rank
BEND_WIDTH = 14.0  # pixels that an arrow takes which passes a rank


@dataclass(frozen=True)
class Layout:
    """Places of boxes, and of the arrows between them.

    Attributes:
        ranks: The names of each rank, from left to right, from the top rank to the lowest; an arrow that passes a rank
            has a bend there, named by the arrow and the rank.
        x: The middle of each box or bend.
        routes: For each arrow the boxes and bends that it goes through, from tail to head.
    """

    ranks: list[list[object]]
    x: dict[object, float]
    routes: dict[Arrow, list[object]]


def find_upward(arrows: Iterable[Arrow], order: Sequence[str]) -> set[Arrow]:
    """Return the arrows to leave out so that no circle is left: those that lead back in a walk in the given order."""
    following: dict[str, list[str]] = {name: [] for name in order}
    for tail, head in sorted(arrows, key=lambda arrow: (order.index(arrow[0]), order.index(arrow[1]))):
        following[tail].append(head)
    upward: set[Arrow] = set()
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        for head in following[name]:
            if head in way:
                upward.add((name, head))
            elif head not in done:
                walk(head, (*way, head))
        done.add(name)

    for name in order:
        if name not in done:
            walk(name, (name,))
    return upward


def leave_out_implied(arrows: Iterable[Arrow]) -> set[Arrow]:
    """Return the arrows without a longer way from their tail to their head; there must be no circle."""
    arrows = set(arrows)
    reach = find_reachable(arrows)
    return {
        (tail, head)
        for tail, head in arrows
        if not any(head in reach.get(other, ()) for start, other in arrows if start == tail and other != head)
    }


def rank_by_use(names: Iterable[str], arrows: Iterable[Arrow]) -> dict[str, int]:
    """Return each name's rank from below: 0 for what uses nothing, else one above the highest that it uses."""
    uses: dict[str, list[str]] = {name: [] for name in names}
    for tail, head in arrows:
        uses[tail].append(head)
    ranks: dict[str, int] = {}

    def rank(name: str) -> int:
        if name not in ranks:
            ranks[name] = 1 + max((rank(head) for head in uses[name]), default=-1)
        return ranks[name]

    for name in uses:
        rank(name)
    return ranks


def lay_out(ranks: Mapping[str, int], arrows: Iterable[Arrow], widths: Mapping[str, float], middle: float) -> Layout:
    """Return where boxes and bends stand.

    Args:
        ranks: Each box's rank, from 0 below.
        arrows: Between boxes, each from a higher rank to a lower.
        widths: Each box's width in pixels.
        middle: The middle of the drawing, in pixels.
    """
    top = max(ranks.values())
    rows: list[list[object]] = [[] for _ in range(top + 1)]
    for name in sorted(ranks):
        rows[top - ranks[name]].append(name)
    routes: dict[Arrow, list[object]] = {}
    for tail, head in sorted(arrows):
        bends = [(tail, head, rank) for rank in range(ranks[tail] - 1, ranks[head], -1)]
        for bend in bends:
            rows[top - bend[2]].append(bend)
        routes[tail, head] = [tail, *bends, head]
    neighbours = _find_neighbours(routes.values())
    rows = _order(rows, neighbours)
    return Layout(rows, _place(rows, neighbours, widths, middle), routes)


def _find_neighbours(routes: Iterable[list[object]]) -> dict[str, dict[object, list[object]]]:
    """Return what is joined to each box or bend, in the rank above it and in the rank below."""
    neighbours: dict[str, dict[object, list[object]]] = {"above": {}, "below": {}}
    for route in routes:
        for upper, lower in itertools.pairwise(route):
            neighbours["below"].setdefault(upper, []).append(lower)
            neighbours["above"].setdefault(lower, []).append(upper)
    return neighbours


def _order(rows: list[list[object]], neighbours: dict[str, dict[object, list[object]]]) -> list[list[object]]:
    """Return each row in an order in which few arrows cross: sweeps down and up, each item at its neighbours' mean."""
    rows = [list(row) for row in rows]
    best, fewest = rows, _count_crossings(rows, neighbours["below"])
    for sweep in range(SWEEPS):
        side = "below" if sweep % 2 else "above"
        for row in reversed(rows) if sweep % 2 else rows:
            position = {item: index / len(other) for other in rows for index, item in enumerate(other)}
            means = {item: _mean([position[each] for each in neighbours[side].get(item, [item])]) for item in row}
            row.sort(key=lambda item: means[item])
        crossings = _count_crossings(rows, neighbours["below"])
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _count_crossings(rows: list[list[object]], below: dict[object, list[object]]) -> int:
    """Return how many pairs of arrows cross between neighbouring rows."""
    crossings = 0
    for upper, lower in itertools.pairwise(rows):
        position = {item: index for index, item in enumerate(lower)}
        ends = [sorted(position[each] for each in below.get(item, [])) for item in upper]
        for index, row_ends in enumerate(ends):
            crossings += sum(left > right for left in row_ends for later in ends[index + 1 :] for right in later)
    return crossings


def _place(
    rows: list[list[object]],
    neighbours: dict[str, dict[object, list[object]]],
    widths: Mapping[str, float],
    middle: float,
) -> dict[object, float]:
    """Return each item's middle: near its neighbours', in order and apart."""
    x: dict[object, float] = {}
    for row in rows:
        place = middle - sum(_width(item, widths) + GAP for item in row) / 2
        for item in row:
            x[item] = place + (_width(item, widths) + GAP) / 2
            place += _width(item, widths) + GAP
    for sweep in range(SWEEPS):
        sides = ("above", "below") if sweep < SWEEPS // 2 else ("above", "below", "both")
        for row in reversed(rows) if sweep % 2 else rows:
            side = sides[sweep % len(sides)]
            wanted = []
            for item in row:
                joined = [
                    each
                    for part in ("above", "below")
                    if side in (part, "both")
                    for each in neighbours[part].get(item, [])
                ]
                wanted.append(_mean([x[each] for each in joined]) if joined else x[item])
            for item, value in zip(row, _spread(row, wanted, widths), strict=True):
                x[item] = value
    return x


def _spread(row: list[object], wanted: list[float], widths: Mapping[str, float]) -> list[float]:
    """Return the places nearest to those wanted, by least squares, that keep the order and the gaps."""
    offsets = [0.0]
    for left, right in itertools.pairwise(row):
        offsets.append(offsets[-1] + (_width(left, widths) + _width(right, widths)) / 2 + GAP)
    groups: list[
        list[float]
    ] = []  # [mean, size]: neighbours that push each other stand at one mean, less their offsets
    for want, offset in zip(wanted, offsets, strict=True):
        groups.append([want - offset, 1])
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            mean, size = groups.pop()
            total = groups[-1][1] + size
            groups[-1] = [(groups[-1][0] * groups[-1][1] + mean * size) / total, total]
    means = [mean for mean, size in groups for _ in range(int(size))]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _width(item: object, widths: Mapping[str, float]) -> float:
    return widths[item] if isinstance(item, str) else BEND_WIDTH


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
