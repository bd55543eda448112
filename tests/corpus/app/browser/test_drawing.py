"""What the canvases show: the same points at the same places, each in the look of its cluster."""

import json

import numpy as np
import pytest
from studio_browser import DESKTOP

pytestmark = pytest.mark.browser

SIDE = 300
DRAW = """async ([content, options]) => {
    const { read } = await import("/static/pictures.js");
    const { draw } = await import("/static/canvas.js");
    const buffer = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)).buffer;
    const picture = read(buffer);
    const canvases = [];
    for (let row = 0; row < picture.rows; row++) {
        const canvas = document.createElement("canvas");
        canvas.style.width = canvas.style.height = "300px";
        canvas.style.background = options.background ?? "rgb(255, 255, 255)";
        canvas.style.position = "fixed";
        document.body.append(canvas);
        draw(canvas, picture, row);
        canvases.push(canvas);
    }
    const pixels = canvases.map((canvas) =>
        [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]);
    canvases.forEach((canvas) => canvas.remove());
    return pixels;
}"""


def picture(points, rows):
    """The server's format."""
    from base64 import b64encode

    rows = np.asarray(rows)
    header = json.dumps({"n": len(points), "rows": len(rows), "colors": 1}).encode()
    header += b" " * (-(4 + len(header)) % 8)
    points = np.asarray(points, dtype="<f4")
    content = len(header).to_bytes(4, "little") + header + points.T.tobytes() + rows.astype("<i2").tobytes()
    return b64encode(content).decode()


@pytest.fixture
def drawn(newcomer):
    """Draw rows of labels: (rows, height, width, 3) colors."""
    _, work = newcomer(**DESKTOP)
    work.at("ready")

    def draw(points, rows, **options):
        pixels = work.page.evaluate(DRAW, [picture(points, rows), options])
        return np.array(pixels).reshape(len(rows), SIDE, SIDE, 4)[..., :3]

    return draw


CORNERS = [(0, 0), (1, 0), (0, 1), (1, 1)]


def at(image, corner):
    """The color in the middle of a corner's point."""
    column, line = (12 if corner[0] == 0 else SIDE - 13), (12 if corner[1] == 1 else SIDE - 13)
    return tuple(image[line, column])


def test_axes_point_right_and_up(drawn):
    image = drawn(CORNERS, [[0, 1, 2, 3]])[0]
    assert [at(image, corner) for corner in CORNERS] == [(0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)]


def test_points_are_at_the_same_places_whatever_their_groups(drawn):
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(300, 2))
    images = drawn(points, [rng.integers(0, 5, 300), rng.integers(0, 8, 300), np.zeros(300)])
    shown = (images != 255).any(axis=-1)
    assert (shown == shown[0]).all()


def test_noise_is_hollow_and_gray(drawn):
    image = drawn(CORNERS, [[-1, -1, 0, 0]])[0]
    column, line = 12, SIDE - 13
    assert tuple(image[line, column]) == (255, 255, 255)
    around = image[line - 6 : line + 7, column - 6 : column + 7].reshape(-1, 3)
    ring = around[(around < 200).all(axis=1)]
    assert len(ring) > 8
    assert (np.ptp(ring, axis=1) == 0).all()


def test_sequence_decides_which_point_is_on_top(drawn):
    points = [(0, 0), (0.5, 0.5), (0.5, 0.5), (1, 1)]
    images = drawn(points, [[0, 1, 2, 0], [0, 2, 1, 0]])
    assert [tuple(image[SIDE // 2, SIDE // 2]) for image in images] == [(0, 158, 115), (230, 159, 0)]


def test_a_line_and_a_single_place_can_be_drawn(drawn):
    assert (drawn([(0, 0.5), (1, 0.5)], [[0, 0]]) != 255).any()
    assert (drawn([(0.5, 0.5)] * 3, [[0, 0, 0]]) != 255).any()


@pytest.mark.parametrize("dark", [False, True])
def test_looks_differ(newcomer, dark):
    _, work = newcomer()
    looks = work.at("ready").page.evaluate(
        """async (dark) => {
            const { look } = await import("/static/palette.js");
            return Array.from({ length: 96 }, (_, number) => look(number, { dark, marked: false }));
        }""",
        dark,
    )
    assert len({(each["shape"], *each["fill"]) for each in looks}) == 96
    fills = np.array([each["fill"] for each in looks[:8]], dtype=float)
    apart = np.linalg.norm(fills[:, None] - fills, axis=-1)[np.triu_indices(8, 1)]
    assert apart.min() > 60  # orange and vermilion
    back = 20 if dark else 255
    assert np.abs(fills - back).max(axis=1).min() > 100


def test_a_hundred_thousand_points(drawn):
    rng = np.random.default_rng(1)
    points = rng.uniform(size=(100_000, 2))
    left, right = drawn(points, [np.where(points[:, 0] < 0.5, 0, 1), np.where(points[:, 1] < 0.5, 0, 1)])
    assert (left != 255).any(axis=-1).mean() > 0.5
    blue = left[..., 2] > left[..., 0]
    painted = (left != 255).any(axis=-1)
    columns = np.broadcast_to(np.arange(SIDE), (SIDE, SIDE))
    assert blue[painted & (columns < SIDE / 2 - 2)].all()
    assert not blue[painted & (columns > SIDE / 2 + 2)].any()
    assert (right != left).any()
