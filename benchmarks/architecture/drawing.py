"""The drawing of the rooms and of who imports whom, as SVG."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from benchmarks.architecture.graph import Arrow
from benchmarks.architecture.layout import Layout, find_upward, lay_out, leave_out_implied, rank_by_use
from benchmarks.architecture.rooms import (
    ENGINE,
    EXCEPTIONS,
    GROUND_FLOOR,
    PROTOCOL,
    PUBLIC_API,
    SCRIPTS,
    WORKER,
    ZOO_ORDER,
)

WIDTH = 1000.0
MARGIN = 24.0
BOX_HEIGHT = 34.0
RANK_HEIGHT = 76.0
LETTER_WIDTH = 8.2  # of the font below at 14 pixels, its widest letters apart

STYLE = """\
text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1b1f24; text-anchor: middle }
.title { font-weight: 600; font-size: 15px; text-anchor: start; fill: #57606a }
.note { font-size: 12.5px; text-anchor: start; fill: #57606a }
rect { stroke-width: 1.2; rx: 6 }
.page { fill: #ffffff; stroke: none }
.field { rx: 10 }
.field.zoo { fill: #fff8e8; stroke: none } .field.parent { fill: #eef5fd; stroke: none }
.field.other { fill: #fdf0ef; stroke: none }
.zoo { fill: #ffe6ad; stroke: #a8791b } .parent { fill: #c9e1fb; stroke: #2f6db3 }
.other { fill: #f9cfcb; stroke: #b3433a } .shared { fill: #e3ddf5; stroke: #6d55a8 }
.ground { fill: #e7e9ec; stroke: #7a828c }
path { fill: none; stroke: #4b5560; stroke-width: 1.3 }
path.exception { stroke-dasharray: 4 4 }
path.against { stroke: #c62828; stroke-dasharray: 5 4; stroke-width: 1.6 }
.wall { stroke: #b3433a; stroke-width: 3; stroke-dasharray: 10 6 }
"""


def render_drawing(rooms: Iterable[str], arrows: Iterable[Arrow]) -> str:
    """Return the SVG text: the zoo above, the engine's parent side below it, then the process wall and the worker.

    An arrow that a longer way implies is left out, and so are those to the ground floor, which everyone may use. An
    arrow against the rules is dashed and red: into the worker from outside it, out of the worker to another room than
    the protocol, upwards in the zoo, from the engine to the zoo, or one that closes a circle.

    Args:
        rooms: Names as `project_room` gives them.
        arrows: Between them.
    """
    ground = sorted(room for room in rooms if room in GROUND_FLOOR)
    boxes = sorted(set(rooms) - {*ground, PROTOCOL, WORKER})
    arrows = {(tail, head) for tail, head in arrows if head not in ground and tail not in ground}
    exceptions = arrows & set(EXCEPTIONS)
    against = {arrow for arrow in arrows - exceptions if _breaks_a_rule(*arrow)}
    against |= find_upward(arrows - exceptions - against, [*boxes, PROTOCOL, WORKER])
    down = {arrow for arrow in leave_out_implied(arrows - exceptions - against) if WORKER not in arrow}

    widths = {box: _text_width(_label(box)) + 26 for box in boxes} | {PROTOCOL: WIDTH - 2 * MARGIN - 40}
    ranks = _rank(boxes, down)
    layout = _fit(lay_out(ranks, down, widths, WIDTH / 2), widths)
    return _Page(layout, ranks, widths, ground).render(exceptions, against)


def _breaks_a_rule(tail: str, head: str) -> bool:
    """Return whether an arrow is against the rules whatever the other arrows are."""
    if WORKER in (tail, head):
        return (tail, head) != (WORKER, PROTOCOL)
    if tail in ZOO_ORDER and head in ZOO_ORDER:
        return ZOO_ORDER.index(tail) > ZOO_ORDER.index(head)
    return tail.startswith(ENGINE) and not head.startswith(ENGINE)


def _rank(boxes: list[str], down: set[Arrow]) -> dict[str, int]:
    """Return the ranks: the protocol lowest, the engine's rooms above it, the zoo above the engine."""
    engine = [box for box in boxes if box.startswith(ENGINE)]
    zoo = [box for box in boxes if not box.startswith(ENGINE)]
    on_protocol = {(box, PROTOCOL) for box in engine}  # what uses nothing stands beside what uses the protocol alone
    inner = rank_by_use([*engine, PROTOCOL], on_protocol | {arrow for arrow in down if arrow[0] in engine})
    above = max(inner.values()) + 1
    outer = rank_by_use(zoo, {(tail, head) for tail, head in down if tail in zoo and head in zoo})
    return inner | {box: above + rank for box, rank in outer.items()}


def _label(box: str) -> str:
    if box == "scripts":
        return "   ·   ".join(f"{name}.py" for name in SCRIPTS)
    if box == PUBLIC_API:
        return "keras_parity: the public API"
    return box.removeprefix(f"{ENGINE}.")


def _text_width(text: str) -> float:
    return LETTER_WIDTH * len(text)


def _fit(layout: Layout, widths: dict[str, float]) -> Layout:
    """Return the layout squeezed between the margins, the rows' order kept."""
    boxes = [item for item in layout.x if isinstance(item, str) and item != PROTOCOL]
    left = min(layout.x[box] - widths[box] / 2 for box in boxes)
    right = max(layout.x[box] + widths[box] / 2 for box in boxes)
    inner = WIDTH - 2 * (MARGIN + 16)
    scale = min(1.0, inner / (right - left))
    shift = WIDTH / 2 - scale * (left + right) / 2
    x = {item: place * scale + shift for item, place in layout.x.items()} | {PROTOCOL: WIDTH / 2}
    return Layout(layout.ranks, x, layout.routes)


class _Page:
    """Draws one layout.

    Args:
        layout: Where boxes and bends stand.
        ranks: Each box's rank, from 0 below.
        widths: Each box's width.
        ground: The rooms of the ground floor.
    """

    def __init__(self, layout: Layout, ranks: dict[str, int], widths: dict[str, float], ground: list[str]):
        self._layout = layout
        self._ranks = ranks
        self._widths = widths
        self._ground = ground
        self._top = max(ranks.values())
        self._engine_top = max(rank for box, rank in ranks.items() if box.startswith(ENGINE))

    def render(self, exceptions: set[Arrow], against: set[Arrow]) -> str:
        """Return the whole SVG."""
        protocol = self._y(0)
        wall = protocol + BOX_HEIGHT / 2 + 22
        worker = wall + 46
        ground = worker + 78
        height = ground + BOX_HEIGHT / 2 + MARGIN + 44
        border = self._y(self._engine_top) - RANK_HEIGHT / 2 - 4
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
            'aria-label="The rooms of the code and who imports whom">',
            f"<style>\n{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0,0.6 L7,4 L0,7.4 z" style="fill:context-stroke;stroke:none"/></marker></defs>',
            _rect("page", 0, 0, WIDTH, height),
            _rect("field zoo", MARGIN, 14, WIDTH - 2 * MARGIN, border - 22),
            _rect("field parent", MARGIN, border, WIDTH - 2 * MARGIN, wall - border),
            _rect("field other", MARGIN, wall, WIDTH - 2 * MARGIN, worker + BOX_HEIGHT / 2 + 16 - wall),
            _text("title", MARGIN + 14, 36, "The zoo"),
            _text("title", MARGIN + 14, border + 22, "The engine"),
            _text("note", MARGIN + 14, border + 40, "the parent's side: no framework"),
            _text("title", MARGIN + 14, wall + 26, "The worker's process"),
            f'<path class="wall" d="M{MARGIN},{wall:.0f} H{WIDTH - MARGIN}"/>',
            _text("note", WIDTH - MARGIN - 120, wall + 20, "the process wall"),
        ]
        self._boxes = {
            WORKER: (WIDTH / 2, worker, 2 * BOX_HEIGHT + _text_width("worker")),
            **{box: (self._layout.x[box], self._y(rank), self._widths[box]) for box, rank in self._ranks.items()},
        }
        parts += [self._route(route) for route in self._layout.routes.values()]
        parts.append(_path("", [(WIDTH / 2, worker - BOX_HEIGHT / 2), (WIDTH / 2, protocol + BOX_HEIGHT / 2)]))
        parts += [self._bow("exception", tail, head) for tail, head in sorted(exceptions)]
        parts += [self._bow("against", tail, head) for tail, head in sorted(against)]
        parts += [self._box(box) for box in sorted(self._boxes)]
        parts.append(_rect("ground", MARGIN, ground - BOX_HEIGHT / 2, WIDTH - 2 * MARGIN, BOX_HEIGHT))
        names = "   ·   ".join(_label(room) for room in self._ground)
        parts.append(_text("", WIDTH / 2, ground + 5, f"the ground floor, which everyone may use:   {names}"))
        for line, text in enumerate(_caption(bool(exceptions), bool(against))):
            parts.append(_text("note", MARGIN, ground + BOX_HEIGHT / 2 + 24 + 18 * line, text))
        return "\n".join([*parts, "</svg>\n"])

    def _y(self, rank: int) -> float:
        """Return the middle of a rank; there is room for a title above the engine's."""
        return 62 + (self._top - rank) * RANK_HEIGHT + (30 if rank <= self._engine_top else 0)

    def _box(self, box: str) -> str:
        x, y, width = self._boxes[box]
        kind = {PROTOCOL: "shared", WORKER: "other"}.get(box, "parent" if box.startswith(ENGINE) else "zoo")
        label = "protocol: plain values, the only ones that cross the wall" if box == PROTOCOL else _label(box)
        return _rect(kind, x - width / 2, y - BOX_HEIGHT / 2, width, BOX_HEIGHT) + _text("", x, y + 5, label)

    def _route(self, route: list[object]) -> str:
        """Return an arrow along its bends; it leaves and enters where its neighbours to both sides leave it room."""
        tail, head = str(route[0]), str(route[-1])
        points = [(self._port(tail, route[1], 0), self._boxes[tail][1] + BOX_HEIGHT / 2)]
        for bend in route[1:-1]:
            assert isinstance(bend, tuple)
            y = self._y(bend[2])
            points += [(self._layout.x[bend], y - BOX_HEIGHT / 2), (self._layout.x[bend], y + BOX_HEIGHT / 2)]
        points.append((self._port(head, route[-2], -1), self._boxes[head][1] - BOX_HEIGHT / 2))
        return _path("", points)

    def _port(self, box: str, neighbour: object, end: int) -> float:
        """Return where on a box's lower (0) or upper (-1) edge its arrow to or from a neighbour stands."""
        x, _, width = self._boxes[box]
        if box == PROTOCOL:
            return self._layout.x[neighbour]
        places = [
            self._layout.x[route[1 if end == 0 else -2]] for route in self._layout.routes.values() if route[end] == box
        ]
        place = sorted(places).index(self._layout.x[neighbour])
        return x + (place + 1) / (len(places) + 1) * width * 0.8 - width * 0.4

    def _bow(self, kind: str, tail: str, head: str) -> str:
        """Return an arrow that the ranks do not lead: a bow from side to side."""
        (x, y, width), (to_x, to_y, to_width) = self._boxes[tail], self._boxes[head]
        side = 1 if to_x >= x else -1
        apart = abs(to_x - x) > (width + to_width) / 2
        start, end = x + side * width / 2, to_x + (-side if apart else side) * to_width / 2
        leave, arrive = start + 40 * side, end + (-40 if apart else 40) * side
        return (
            f'<path class="{kind}" marker-end="url(#head)" d="M{start:.0f},{y:.0f} '
            f'C{leave:.0f},{y:.0f} {arrive:.0f},{to_y:.0f} {end:.0f},{to_y:.0f}"/>'
        )


def _caption(has_exceptions: bool, has_against: bool) -> list[str]:
    """Return what the arrows mean, in lines."""
    dashed = ["Dashed: an exception, plain data."] * has_exceptions + ["Red: against the rules."] * has_against
    return [
        "An arrow leads from who imports to what is imported. An arrow that a longer way implies is left out.",
        *[" ".join(dashed)] * bool(dashed),
    ]


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"/>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(text)}</text>'


def _path(kind: str, points: list[tuple[float, float]]) -> str:
    """Return an arrow through points: straight down beside boxes, and a soft curve from each rank to the next."""
    (x, y), *rest = points
    line = f"M{x:.0f},{y:.0f}"
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        line += f" C{x:.0f},{middle:.0f} {to_x:.0f},{middle:.0f} {to_x:.0f},{to_y:.0f}"
        x, y = to_x, to_y
    return f'<path class="{kind}" marker-end="url(#head)" d="{line}"/>'
