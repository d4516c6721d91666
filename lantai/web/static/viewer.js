// Keys and buttons of the page viewer: left/right, + and -, R turns.
const view = document.querySelector("[data-view]");
const paper = view && view.querySelector(".paper");
const sizes = [50, 75, 100, 150, 200, 300];
let size = 2;
let turn = 0;

const acts = {
  larger() { size = Math.min(size + 1, sizes.length - 1); },
  smaller() { size = Math.max(size - 1, 0); },
  turn() { turn = (turn + 90) % 360; },
};

function act(name) {
  if (!paper || !view.querySelector("[data-picture]")) return;
  acts[name]();
  paper.classList.remove(...sizes.map((one) => `zoom-${one}`), "turn-90", "turn-180", "turn-270");
  if (sizes[size] !== 100) paper.classList.add(`zoom-${sizes[size]}`);
  if (turn) paper.classList.add(`turn-${turn}`);
}

if (view) {
  view.querySelectorAll("[data-act]").forEach((button) => button.addEventListener("click", () => act(button.dataset.act)));
  document.addEventListener("keydown", (event) => {
    if (/^(INPUT|TEXTAREA|SELECT|AUDIO|VIDEO)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") act("larger");
    else if (event.key === "-") act("smaller");
    else if (event.key === "r" || event.key === "R") act("turn");
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const link = view.querySelector(`[data-key="${event.key}"]`);
      if (link) window.location.assign(link.href);
    }
  });
}
