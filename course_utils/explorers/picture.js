// A picture that Python draws and the student points at: it shows the bytes it is given and sends
// back where the pointer pressed, and which key was pressed while the picture had the focus.
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", " ", "Enter", "Home", "End"];
const narrow = matchMedia("(max-width: 800px)"); // as in picture.css: a picture may be scrolled

function render({ model, el }) {
  const image = document.createElement("img");
  image.className = "course-picture";
  image.draggable = false;

  let shown = null;
  function draw() {
    const old = shown;
    shown = URL.createObjectURL(new Blob([model.get("content")], { type: model.get("mime") }));
    image.src = shown;
    if (old) URL.revokeObjectURL(old);
    image.dataset.frame = String(Number(image.dataset.frame || 0) + 1);
  }
  function describe() {
    image.alt = model.get("alt");
  }
  function steerable() {
    const on = model.get("steerable");
    image.tabIndex = on || narrow.matches ? 0 : -1; // arrow keys scroll it
    image.setAttribute("role", on ? "application" : "img");
    image.classList.toggle("steerable", on);
  }
  function send(phase, event) {
    const box = image.getBoundingClientRect();
    model.send({
      kind: "pointer",
      phase,
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.height,
    });
  }

  let pressed = false;
  let waiting = false;
  image.addEventListener("pointerdown", (event) => {
    if (!model.get("steerable") || event.button !== 0 || event.ctrlKey) return;
    pressed = true;
    image.setPointerCapture(event.pointerId);
    image.focus({ preventScroll: true });
    send("down", event);
  });
  image.addEventListener("pointermove", (event) => {
    if (!pressed || waiting) return;
    waiting = true; // one message a frame, so that a fast hand does not fill the queue
    requestAnimationFrame(() => { waiting = false; if (pressed) send("move", event); });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    image.addEventListener(end, (event) => { if (pressed) send("up", event); pressed = false; });
  }
  image.addEventListener("keydown", (event) => {
    if (!model.get("steerable") || !KEYS.includes(event.key)) return;
    if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    model.send({ kind: "key", key: event.key });
  });

  model.on("change:content", draw);
  model.on("change:alt", describe);
  model.on("change:steerable", steerable);
  draw();
  describe();
  steerable();
  el.appendChild(image);
  narrow.addEventListener("change", steerable);
  return () => {
    narrow.removeEventListener("change", steerable);
    model.off("change:content", draw);
    model.off("change:alt", describe);
    model.off("change:steerable", steerable);
    if (shown) URL.revokeObjectURL(shown);
  };
}

export default { render };
