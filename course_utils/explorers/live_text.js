// A line of text that screen readers announce when it changes. It also keeps plain keys, pressed
// on a control beside it, from being taken as shortcuts of the notebook ("b" would insert a cell);
// Shift+Enter and the like still reach the notebook, and Escape gives it the focus. And it gives the
// controls beside it the names that ipywidgets leaves out, also the one that makes radio buttons a
// group: arrow keys then stay in it, and Tab leaves it.
function nameControls(root) {
  const name = (element, role, text) => {
    element.setAttribute("role", role);
    if (text) element.setAttribute("aria-label", text);
  };
  for (const row of root.querySelectorAll(".widget-slider")) {
    const label = row.querySelector(".widget-label")?.textContent.trim();
    for (const handle of row.querySelectorAll("[role=slider]")) name(handle, "slider", label);
    for (const number of row.querySelectorAll(".widget-readout")) name(number, "textbox", label);
  }
  for (const label of root.querySelectorAll(".widget-text > .widget-label[title]:empty")) {
    label.parentElement.querySelector("input")?.setAttribute("aria-label", label.title); // tooltip
  }
  const question = root.querySelector(".widget-html-content")?.textContent.trim();
  if (question) name(root, "group", question);
  for (const box of root.querySelectorAll(".widget-radio-box")) {
    const label = box.parentElement.querySelector(".widget-label")?.textContent.trim();
    name(box, "radiogroup", label || question);
    const radios = [...box.querySelectorAll("input[type=radio]")];
    const group = radios.find((radio) => radio.name)?.name || `group-${Math.random()}`;
    for (const radio of radios) if (radio.name !== group) radio.name = group;
  }
  for (const field of root.querySelectorAll(".widget-text input:not([aria-label])")) {
    const label = field.closest(".widget-text").querySelector(".widget-label")?.textContent.trim();
    if (!label && question) field.setAttribute("aria-label", question);
  }
  for (const list of root.querySelectorAll(".widget-select select")) {
    list.setAttribute("aria-label", question);
  }
}

function render({ model, el }) {
  const line = document.createElement("div");
  line.className = "course-live";
  line.setAttribute("role", "status");
  el.appendChild(line);

  const show = () => { line.textContent = model.get("text"); };
  const guard = (event) => {
    const root = el.closest(".course-widget");
    if (!root || !root.contains(event.target)) return;
    const plain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey);
    event.target.toggleAttribute("data-lm-suppress-shortcuts", plain); // JupyterLab looks for it
    if (plain && event.key === "Escape") root.closest(".jp-Cell")?.focus({ preventScroll: true });
  };
  let root = null;
  const grown = new MutationObserver(() => nameControls(root)); // controls may come later
  const placed = () => { // the line is on the page, and in its box; it may be far below the screen
    if (root || !(root = el.closest(".course-widget"))) return;
    clearInterval(waiting);
    nameControls(root);
    grown.observe(root, { childList: true, subtree: true });
  };
  const waiting = setInterval(placed, 100);
  model.on("change:text", show);
  window.addEventListener("keydown", guard, { capture: true }); // before the notebook's own
  show();
  return () => {
    model.off("change:text", show);
    window.removeEventListener("keydown", guard, { capture: true });
    clearInterval(waiting);
    grown.disconnect();
  };
}

export default { render };
