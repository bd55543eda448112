"""How fast the studio's page shows a large data set: two canvases of 100 000 points in a real browser.

    python benchmarks/studio_draw.py [--points 100000] [--candidates 15] [--browser PATH] [--phone]

Serves a corpus with one made-up data set, opens the page as an assessor does, and prints medians of several runs in
milliseconds: from asking for the picture to both plots on the screen, and from an answer to the next pair. Needs
Chromium and the package playwright.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import uvicorn
from playwright.sync_api import Page, sync_playwright

from corpus.app.links import invitation_link
from corpus.app.server import create_app
from corpus.entries import Entry
from corpus.protocols import Event
from corpus.sessions import Submission
from corpus.store import CorpusStore
from gamac_meta.types import Dataset, MeasureTable, PartitionSet

SECRET = "the secret of a benchmark, which ends with it"
RUNS = 5
SCREENS = {
    False: {"viewport": {"width": 1280, "height": 800}},
    True: {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "has_touch": True, "is_mobile": True},
}
LIMIT = 1000.0  # milliseconds

# a frame is on the screen when the next one begins
SHOWN = "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
LOAD = f"""async (id) => {{
    const {{ read }} = await import("/static/pictures.js");
    const {{ draw }} = await import("/static/canvas.js");
    const shown = {SHOWN};
    await shown();
    const begin = performance.now();
    const answer = await fetch(`/api/sessions/${{id}}/picture`, {{ cache: "no-store" }});
    const buffer = await answer.arrayBuffer();
    const fetched = performance.now();
    const picture = read(buffer);
    draw(document.getElementById("left-plot"), picture, 0);
    draw(document.getElementById("right-plot"), picture, 1);
    const drawn = performance.now();
    await shown();
    return [fetched - begin, drawn - fetched, performance.now() - begin];
}}"""
ANSWER = f"""async () => {{
    const shown = {SHOWN};
    const begin = performance.now();
    document.querySelector("[data-verdict=left]").click();
    const handled = performance.now();
    await shown();
    return [handled - begin, performance.now() - begin];
}}"""


def made_up(points: int, candidates: int) -> Entry:
    """Clouds of points, cut by each candidate into another number of stripes, a few points of noise."""
    rng = np.random.default_rng(0)
    clouds = rng.integers(12, size=points)
    X = rng.normal(size=(12, 2))[clouds] * 4 + rng.normal(size=(points, 2))
    angles = np.linspace(0, np.pi, candidates, endpoint=False)
    depth = X @ np.array([np.cos(angles), np.sin(angles)])
    labels = np.array(
        [np.searchsorted(np.quantile(row, np.arange(1, k + 2) / (k + 2)), row) for k, row in enumerate(depth.T)]
    )
    labels[:, rng.random(points) < 0.02] = -1
    table = MeasureTable(np.zeros((candidates, 1)), ("silhouette",), (True,), noise_share=np.zeros(candidates))
    return Entry(
        0,
        Dataset(X, "made-up"),
        clouds[None],
        "made-up",
        "made-up",
        "made-up",
        "random",
        PartitionSet(labels, ("stripes",) * candidates),
        table,
        np.arange(candidates),
    )


def measure(page: Page, link: str) -> dict[str, float]:
    """Medians in milliseconds."""
    with page.expect_response("**/api/sessions") as opened:
        page.goto(link)
    session = opened.value.json()["session"]["id"]
    page.click("#start")
    ready = "#compare[aria-busy=false]:not([hidden])"
    page.wait_for_selector(ready)
    loads = [page.evaluate(LOAD, session) for _ in range(RUNS)]
    answers = []
    for _ in range(RUNS):
        page.wait_for_selector(ready)
        answers.append(page.evaluate(ANSWER))
    fetch, draw, load = map(median, zip(*loads, strict=True))
    handled, answered = map(median, zip(*answers, strict=True))
    return {
        "fetched": fetch,
        "read and drawn, both plots": draw,
        "from asking to both on the screen": load,
        "an answer: stored here, next pair drawn": handled,
        "an answer: next pair on the screen": answered,
    }


def main() -> int:
    """Exit status 1 where loading and drawing takes a second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=15)
    parser.add_argument("--browser", default=shutil.which("chromium"), help="path of Chromium")
    parser.add_argument("--phone", action="store_true", help="390 x 844 at three pixels per CSS pixel")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with CorpusStore(Path(folder) / "corpus", create=True) as store:
            store.write(made_up(chosen.points, chosen.candidates))
        app = create_app(Path(folder) / "corpus", secret=SECRET, base_url=base_url)
        studio = app.state.studio
        invitation = studio.book.invite("benchmark", expires=datetime.now(UTC) + timedelta(hours=1))
        practice = studio.current(invitation)
        studio.book.append(practice.id, [Submission("skip-practice", Event(0, "decline", {}), None, None)])
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chosen.browser, args=["--no-sandbox", "--disable-dev-shm-usage"]
                )
                page = browser.new_context(**SCREENS[chosen.phone]).new_page()
                taken = measure(page, invitation_link(base_url, SECRET, invitation))
                browser.close()
        finally:
            server.should_exit = True
            thread.join()
    size = "x".join(map(str, SCREENS[chosen.phone]["viewport"].values()))
    print(f"{chosen.points} points, {chosen.candidates} candidates, screen {size}; medians of {RUNS} runs")
    for what, milliseconds in taken.items():
        print(f"{milliseconds:8.0f} ms  {what}")
    return int(taken["from asking to both on the screen"] >= LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
