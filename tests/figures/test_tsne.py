"""The t-SNE map keeps groups together, comes out the same twice, and makes an animation whose axes stay put."""

import os

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from figures.tsne import embed, tsne_animation, tsne_map
from foundation.errors import UserError

LABELS = np.repeat([0, 1, 2], 20)


def features_of(distance: float) -> np.ndarray:
    """Return three groups of 20 points, float32 `(60, 16)`, their centres `distance` apart, in units of their width."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(60, 16)) + distance * np.eye(16)[LABELS] / np.sqrt(2)).astype(np.float32)


def share_of_own_neighbours(points: np.ndarray) -> float:
    """Return how many of the points have a nearest neighbour of their own group."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return (LABELS[distances.argmin(axis=1)] == LABELS).mean()


def frames_of(path) -> tuple[list[np.ndarray], list[int]]:
    """Return the pixels of each frame of a GIF, uint8 `(height, width, 3)`, and how long each is shown."""
    frames, durations = [], []
    with Image.open(path) as gif:
        for number in range(gif.n_frames):
            gif.seek(number)
            frames.append(np.asarray(gif.convert("RGB")))
            durations.append(gif.info["duration"])
    return frames, durations


def test_groups_come_apart_on_the_map_where_they_are_apart():
    """Far groups are told apart; the twin, groups without a distance, are not."""
    assert share_of_own_neighbours(embed(features_of(distance=20))) == 1.0
    assert share_of_own_neighbours(embed(features_of(distance=0))) < 0.7


def test_the_same_features_give_the_same_bits_with_any_number_of_threads():
    """A map can be made again, on another machine size too; another seed's start gives another."""
    features = features_of(distance=3)

    with threadpool_limits(1):
        first = embed(features)
    with threadpool_limits(2):
        second = embed(features)

    assert first.dtype == np.float32
    assert first.tobytes() == second.tobytes()
    assert embed(features, start=first).tobytes() != first.tobytes()


def test_a_started_map_stays_near_its_start():
    """Groups keep their places from frame to frame; those of an independent map need not."""
    first = embed(features_of(distance=10))
    turned = -first  # as good a map as the first

    followed = embed(features_of(distance=12), start=turned)

    moved = {
        name: np.mean([np.linalg.norm((followed - points)[k * 20 : k * 20 + 20].mean(axis=0)) for k in range(3)])
        for name, points in {"from the other": first, "from its start": turned}.items()
    }
    assert moved["from its start"] < 0.5 * moved["from the other"]


@pytest.mark.parametrize("n", [2, 3, 5, 40])
def test_few_points_get_a_smaller_perplexity(n):
    """Perplexity 30 needs more than 30 points; a --smoke run has fewer."""
    points = embed(features_of(distance=3)[:n])

    assert points.shape == (n, 2)
    assert np.isfinite(points).all()


def test_features_that_are_all_the_same_lie_in_one_place():
    """A dead network has a map, too; and the next frame may start from it."""
    points = embed(np.ones((60, 16)))

    assert not points.any()
    assert np.isfinite(embed(features_of(distance=3), start=points)).all()


@pytest.mark.parametrize("scale", [1e-30, 1e18])
def test_the_scale_of_the_features_does_not_matter(scale):
    """Squares of such numbers leave float32."""
    assert share_of_own_neighbours(embed(features_of(distance=20) * scale)) == 1.0


@pytest.mark.parametrize(
    ("features", "start", "message"),
    [
        (np.zeros((0, 5)), None, "at least 2"),
        (np.zeros((1, 5)), None, "at least 2"),
        (np.zeros((5, 1)), None, "at least 2"),
        (np.zeros((5, 4, 3)), None, "at least 2"),
        (np.full((5, 4), np.nan), None, "finite"),
        (np.eye(5), np.zeros((4, 2)), r"points must be \(5, 2\)"),
        (np.eye(5), np.full((5, 2), np.inf), "finite"),
    ],
)
def test_features_that_make_no_sense_are_refused(features, start, message):
    """A map of something else than was meant is never made."""
    with pytest.raises(ValueError, match=message):
        embed(features, start)


def test_each_point_is_plotted_at_its_place_as_its_digit():
    """The digit and its ground lie at the point; another label is another digit and another colour."""
    points = np.array([[0.0, 1.0], [2.0, -3.0]])

    (marks,) = tsne_map(points, np.array([7, 3]), "title").axes[0].collections
    (others,) = tsne_map(points, np.array([7, 4]), "title").axes[0].collections

    np.testing.assert_array_equal(marks.get_offsets(), points[[0, 0, 1, 1]])
    same_digit = [
        np.array_equal(a.vertices, b.vertices) for a, b in zip(marks.get_paths(), others.get_paths(), strict=True)
    ]
    same_colour = (marks.get_facecolor() == others.get_facecolor()).all(axis=1).tolist()
    assert same_digit == [True, True, True, False]  # ground, digit, ground, digit
    assert same_colour[:3] == [True, True, False]


@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        (np.zeros((0, 2)), np.zeros(0, int), "labels must be"),
        (np.zeros((3, 2)), np.zeros(4, int), r"points must be \(4, 2\)"),
        (np.zeros((3, 3)), np.zeros(3, int), r"points must be \(3, 2\)"),
        (np.full((3, 2), np.nan), np.zeros(3, int), "finite"),
        (np.zeros((3, 2)), np.full(3, -1), "negative"),
        (np.zeros((3, 2)), np.zeros(3), "integers"),
    ],
)
def test_points_that_make_no_sense_are_refused(points, labels, message):
    """A map of something else than was meant is never plotted."""
    with pytest.raises(ValueError, match=message):
        tsne_map(points, labels, "title")


def test_an_animation_has_a_frame_for_each_map_and_the_same_axes_in_all(tmp_path):
    """Equal maps are not merged, a longer caption does not move the axes, and the last frame stays longest."""
    points = np.random.default_rng(0).normal(size=(60, 2))
    path = tmp_path / "map.gif"

    tsne_animation([(points, LABELS, "a"), (points, LABELS, "a"), (9 * points, LABELS, "much longer " * 10)], path)

    frames, durations = frames_of(path)
    assert durations == [500, 500, 3000]
    # The ticks and labels left of the axes: the same pixels in all frames, which do differ elsewhere.
    assert all(np.array_equal(frame[100:, :70], frames[0][100:, :70]) for frame in frames)
    assert not np.array_equal(frames[2], frames[0])
    assert (frames[0][100:, :70] < 128).any()
    assert tuple(frames[0][1, 1]) == (255, 255, 255)  # white, not a palette's nearly white


def test_an_animation_that_cannot_be_written_leaves_nothing(tmp_path):
    """The error is the user's, in one line; the twin of the test above, which did write."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(UserError, match="cannot write"):
        tsne_animation([(np.eye(2), np.arange(2), "a")], tmp_path / "file" / "map.gif")

    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("frames", "name", "message"),
    [([], "map.gif", "no frame"), ([(np.eye(2), np.arange(2), "a")], "map.png", "map.png")],
)
def test_an_animation_that_makes_no_sense_is_refused(frames, name, message, tmp_path):
    """Nothing to plot, or a name that promises another format."""
    with pytest.raises(ValueError, match=message):
        tsne_animation(frames, tmp_path / name)
