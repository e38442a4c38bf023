// A line of text that screen readers announce when it changes. It also keeps plain keys, pressed
// on a control beside it, from being taken as shortcuts of the notebook ("b" would insert a cell);
// Shift+Enter and the like still reach the notebook.
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
  };
  model.on("change:text", show);
  window.addEventListener("keydown", guard, { capture: true }); // before the notebook's own
  show();
  return () => {
    model.off("change:text", show);
    window.removeEventListener("keydown", guard, { capture: true });
  };
}

export default { render };
