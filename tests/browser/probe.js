// Runs inside the page: what only the page can see (frames, pixels, the notebook's model) or time.
window.course = (() => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const panel = () => window.jupyterapp?.shell.currentWidget;
  const kernel = () => panel()?.sessionContext?.session?.kernel;
  const frame = (image) => Number(image.dataset.frame || 0);
  const loaded = (image) => image.complete && image.naturalWidth > 0;

  // Call `test` every `each` milliseconds until it is true; false if `ms` have passed.
  async function until(test, ms, each = 5) {
    for (const end = performance.now() + ms; performance.now() < end; await pause(each)) {
      if (test()) return true;
    }
    return false;
  }

  const ready = () => Boolean(panel()?.context?.isReady && panel().sessionContext.isReady)
    && kernel()?.status === "idle";
  const model = () => panel().content.model.toJSON();

  // The IDs of the cells in their order; a cell by its ID, and how often it was run, without the
  // megabytes of the whole notebook.
  const cells = () => [...panel().content.model.cells];
  const ids = () => cells().map((cell) => cell.id);
  const cell = (id) => cells().find((cell) => cell.id === id);
  const count = (id) => cell(id).executionCount ?? null;

  // Where the notebook stands: a key meant for a widget must not move any of this.
  const place = () => ({
    active: panel().content.activeCellIndex,
    cells: panel().content.widgets.length,
    folded: document.querySelectorAll(".jp-collapsedHeader, .jp-mod-collapsed").length,
    mode: panel().content.mode,
  });

  // Run All; seconds to the first picture that was not there before, and to the end.
  async function runAll(limit) {
    const old = new Set(document.querySelectorAll(".jp-OutputArea img"));
    const begin = performance.now();
    const since = () => (performance.now() - begin) / 1000;
    let first = null, ended = false;
    const look = () => [...document.querySelectorAll(".jp-OutputArea img")]
      .some((image) => !old.has(image) && loaded(image));
    until(() => ended || look(), 1000 * limit, 50).then(() => { if (look()) first = since(); });
    const run = window.jupyterapp.commands.execute("notebook:run-all-cells");
    ended = Boolean(await Promise.race([run.then(() => true), pause(1000 * limit)]));
    return { ended, total: since(), first };
  }

  // Follow a link into the notebook: whether the heading with this number comes onto the screen.
  // JupyterLab guesses the height of cells that it has not drawn yet, so the first jump may end
  // beside it; another one then arrives.
  async function leads(fragment, number) {
    const there = () => [...panel().node.querySelectorAll(".jp-RenderedMarkdown h2")].some((it) => {
      const { top, bottom } = it.getBoundingClientRect();
      return it.textContent.startsWith(`${number} `) && top >= 0 && bottom <= innerHeight;
    });
    for (let jump = 0; jump < 3; jump++) {
      panel().setFragment(fragment);
      if (await until(there, 2500)) return true;
    }
    return false;
  }

  // Wait for widgets that are on their way; what still says so afterwards never arrives.
  const arrived = (limit) => until(() => !document.body.innerText.includes("Loading widget"), limit);

  // A number that changes when any pixel does (FNV-1a over the decoded picture).
  function pixels(image) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const words = new Uint32Array(
      context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    let hash = 2166136261;
    for (const word of words) hash = Math.imul(hash ^ word, 16777619);
    return hash >>> 0;
  }

  // What a picture shows, once no new frame has come for `quiet` ms.
  async function settled(image, quiet = 120, limit = 5000) {
    let last = -1, since = 0;
    await until(() => {
      if (frame(image) !== last) [last, since] = [frame(image), performance.now()];
      return loaded(image) && performance.now() - since > quiet && kernel()?.status === "idle";
    }, limit);
    await image.decode().catch(() => {});
    return { frame: frame(image), alt: image.alt, width: image.naturalWidth,
             pixels: loaded(image) ? pixels(image) : null };
  }

  // The same and where the notebook stands: before an action, and after it, which has `came` if
  // there is a new frame since the frame `old`.
  const rested = async (image, quiet) => ({ ...await settled(image, quiet), place: place() });
  async function followed(image, old, limit) {
    const came = await until(() => frame(image) > old && loaded(image), limit);
    const now = place();
    return { ...await settled(image), came, place: now };
  }

  // Whether an element's text becomes another one than `before`.
  const says = (element, before, limit) => until(() => element.innerText !== before, limit, 30);

  // Latency: from the keydown event's own time to the frame after the new picture has loaded.
  let armed = null;
  function arm(image) {
    const state = armed = { frame: frame(image), alt: image.alt, pressed: null, ms: null };
    const key = (event) => { state.pressed ??= event.timeStamp; };
    const load = () => {
      if (state.pressed === null || frame(image) <= state.frame) return;
      stop();
      requestAnimationFrame(() => { state.ms = performance.now() - state.pressed; });
    };
    const stop = () => {
      window.removeEventListener("keydown", key, { capture: true });
      image.removeEventListener("load", load);
    };
    window.addEventListener("keydown", key, { capture: true });
    image.addEventListener("load", load);
    state.stop = stop;
  }

  // The milliseconds; "same" if the text has changed and the kernel rests but no picture came.
  async function latency(image, limit) {
    const { pressed } = armed;
    const same = () => performance.now() - pressed > 400 && frame(image) === armed.frame
      && image.alt !== armed.alt && kernel()?.status === "idle";
    await until(() => armed.ms !== null || same(), limit);
    armed.stop();
    return armed.ms ?? (same() ? "same" : null);
  }

  // Centre and size of the orange mark that the keys move, in page pixels; null if there is none.
  function mark(image) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const xs = [], ys = [];
    for (let i = 0; i < data.length; i += 4) {
      const far = Math.abs(data[i] - 213) + Math.abs(data[i + 1] - 94) + Math.abs(data[i + 2]);
      if (far < 30) { xs.push((i / 4) % canvas.width); ys.push(Math.floor(i / 4 / canvas.width)); }
    }
    if (!xs.length) return null;
    const box = image.getBoundingClientRect(), scale = box.width / canvas.width;
    const [left, right] = [Math.min(...xs), Math.max(...xs) + 1];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys) + 1];
    return { x: box.left + scale * (left + right) / 2, y: box.top + scale * (top + bottom) / 2,
             size: scale * (right - left) };
  }

  return { ready, model, ids, cell: (id) => cell(id).toJSON(), count, place, runAll, leads, arrived,
    settled, rested, followed, says, arm, latency, mark };
})();
