// Search while typing, after a pause, and keys through the hits (J and K, or the arrow keys from the box). The page asks
// for itself and takes over its part; the newest question wins, an older one is given up. Enter works as ever.
const PAUSE = 700;
const APART = 1500;
const form = document.querySelector("form[data-live]");
const box = form && form.querySelector("input[name=q]");
let waiting = 0;
let last = 0;
let asking = null;
let asked = box ? box.value.trim() : "";

async function ask() {
  const words = box.value.trim();
  if (words === asked || Array.from(words).length < 2) return;
  const wait = last + APART - Date.now();
  if (wait > 0) {
    waiting = window.setTimeout(ask, wait);
    return;
  }
  if (asking) asking.abort();
  asking = new AbortController();
  last = Date.now();
  const place = document.querySelector("[data-found]");
  const address = `${form.action.split("?")[0]}?${new URLSearchParams(new FormData(form))}`;
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin", signal: asking.signal });
    const told = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-found]");
    if (answer.ok && told && box.value.trim() === words) {
      asked = words;
      place.replaceWith(document.importNode(told, true));
      window.history.replaceState(null, "", address);
    }
  } catch (error) {
    // Given up for a newer question, or the line is lost: Enter asks again.
  }
  const shown = document.querySelector("[data-found]");
  if (shown) shown.removeAttribute("aria-busy");
}

if (box) {
  box.addEventListener("input", (event) => {
    window.clearTimeout(waiting);
    if (!event.isComposing) waiting = window.setTimeout(ask, PAUSE);
  });
  box.addEventListener("compositionend", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(ask, PAUSE);
  });
  form.addEventListener("submit", () => {
    window.clearTimeout(waiting);
    if (asking) asking.abort();
  });
}

function step(by) {
  const links = Array.from(document.querySelectorAll("[data-hits] .hit__title a:first-child"));
  if (!links.length) return false;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : -1) : at + by;
  if (next < 0) {
    box.focus();
    return true;
  }
  if (next >= links.length) return false;
  links[next].focus();
  links[next].scrollIntoView({ block: "nearest" });
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const writing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  const down = event.key === "ArrowDown" && (event.target === box || event.target.closest(".hit"));
  const up = event.key === "ArrowUp" && event.target.closest(".hit");
  const by = down || (!writing && event.key === "j") ? 1 : up || (!writing && event.key === "k") ? -1 : 0;
  if (by && step(by)) event.preventDefault();
});
