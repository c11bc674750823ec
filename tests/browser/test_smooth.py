"""Five hundred moving tracks: what a frame and a picture may cost, counted in work and never in wall time."""

import pytest

pytestmark = pytest.mark.browser

TRACKS = 500
#: A mark for the past, an ellipse, a vector, a symbol, a name: dots of a trail are counted apart.
DRAWS_PER_TRACK = 6
DOTS_PER_TRACK = 6

WATCH = """
(() => {
  const seen = { drawn: {}, foreign: 0, late: 0, posted: 0, changed: 0, parsed: 0 };
  window.__work = seen;
  const kinds = new WeakMap();
  const getContext = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, options) {
    const context = getContext.call(this, kind, options);
    if (kind === "2d" && context) {
      if (!kinds.has(this)) kinds.set(this, context.getContextAttributes().willReadFrequently);
      if (context.getContextAttributes().desynchronized) seen.late++;
    }
    return context;
  };
  const paints = CanvasRenderingContext2D.prototype;
  for (const name of ["drawImage", "fillText", "strokeText", "fillRect", "stroke", "fill"]) {
    const plain = paints[name];
    paints[name] = function (...given) {
      if (this.canvas.classList.contains("night")) seen.drawn[name] = (seen.drawn[name] ?? 0) + 1;
      // A canvas in main memory that draws one from the graphics processor is moved there, and all it is drawn on.
      const isForeign = given[0] instanceof HTMLCanvasElement && !kinds.get(given[0]);
      if (name === "drawImage" && kinds.get(this.canvas) && isForeign) seen.foreign++;
      return plain.apply(this, given);
    };
  }
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (...given) { seen.posted++; return post.apply(this, given); };
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver((list) => (seen.changed += list.length))
      .observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  });
})();
"""


@pytest.fixture
def watched(chromium, serve):
    """Return a function that opens a page whose canvas calls, worker messages and DOM changes are counted."""
    contexts = []

    def open_page(server):
        context = chromium.new_context(viewport={"width": 1280, "height": 720})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(server.url)
        return page

    yield open_page
    for context in contexts:
        context.close()


def work_between(page, until, pictures, frames):
    """Return the work done while at least so many pictures came and so many frames were drawn."""
    ask = "() => JSON.parse(JSON.stringify({ ...window.__araz, latencyMs: 0, ...window.__work }))"
    first = page.evaluate(ask)

    def is_enough():
        now = page.evaluate(ask)
        return now["pictures"] >= first["pictures"] + pictures and now["frames"] >= first["frames"] + frames

    until(page, is_enough, "the pictures and frames")
    last = page.evaluate(ask)
    work = {name: last[name] - first[name] for name in ("pictures", "frames", "posted", "changed", "foreign", "late")}
    work["drawn"] = {name: count - first["drawn"].get(name, 0) for name, count in last["drawn"].items()}
    return work


def test_a_frame_of_five_hundred_tracks_is_little_work(night_parts, serve, watched, running, until):
    crowd = serve(night_parts.Night(TRACKS, tick_s=0.1))
    page = watched(crowd)
    running(page)
    page.wait_for_timeout(3000)  # the map has come to rest
    work = work_between(page, until, 20, 20)
    frames = work["frames"] + 5  # the page tells its frames four times a second
    dots = work["drawn"].pop("fillRect", 0)
    assert sum(work["drawn"].values()) <= DRAWS_PER_TRACK * TRACKS * frames
    assert dots <= DOTS_PER_TRACK * TRACKS * frames
    assert work["drawn"]["drawImage"] > 0, "the calls are counted at all"


def test_pictures_do_not_reach_the_map_engine_nor_change_the_page(night_parts, serve, watched, running, until):
    work = {}
    for tracks in (6, TRACKS):
        server = serve(night_parts.Night(tracks, tick_s=0.1))
        page = watched(server)
        running(page)
        page.wait_for_timeout(3000)
        work[tracks] = work_between(page, until, 20, 5)
        assert work[tracks]["posted"] == 0, "no map source is cut into tiles again"
    # The clock, the ages and the health tell themselves once a second; what moves is no part of the document.
    assert work[TRACKS]["changed"] < 3 * work[6]["changed"] + TRACKS


def test_the_canvas_stays_where_it_was_put(night_parts, serve, watched, running):
    crowd = serve(night_parts.Night(TRACKS))
    page = watched(crowd)
    running(page)
    page.mouse.click(400, 300)
    page.wait_for_timeout(1000)
    work = page.evaluate("() => window.__work")
    is_main = "() => document.querySelector('canvas.night').getContext('2d').getContextAttributes().willReadFrequently"
    assert page.evaluate(is_main), "with an emulated graphics processor the canvas lies in main memory"
    assert work["foreign"] == 0, (
        "one image from the graphics processor moves the whole canvas there: ten times the cost"
    )
    assert work["late"] == 0, "a desynchronized canvas counts frames that the screen never shows"
