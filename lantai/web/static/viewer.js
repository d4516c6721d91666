// Keys and buttons of the page viewer: left/right, + and -, R turns, F full width, G page number, / looks in the file,
// N and P go to the next and the previous page on which the words stand.
const view = document.querySelector("[data-view]");
const paper = view && view.querySelector(".paper");
const sizes = [50, 75, 100, 150, 200, 300];
const WIDE = "lantai-wide";
let size = 2;
let turn = 0;

const acts = {
  larger() { size = Math.min(size + 1, sizes.length - 1); },
  smaller() { size = Math.max(size - 1, 0); },
  turn() { turn = (turn + 90) % 360; },
  wide() {
    const reader = document.querySelector(".reader");
    if (reader) remember(reader.classList.toggle("reader--wide"));
  },
};

function remember(wide) {
  try {
    if (wide) window.sessionStorage.setItem(WIDE, "1");
    else window.sessionStorage.removeItem(WIDE);
  } catch (error) {
    // A browser that keeps nothing forgets the width at the next page.
  }
}

function wasWide() {
  try {
    return window.sessionStorage.getItem(WIDE) === "1";
  } catch (error) {
    return false;
  }
}

function act(name) {
  if (!paper || !view.querySelector("[data-picture]")) return;
  acts[name]();
  paper.classList.remove(...sizes.map((one) => `zoom-${one}`), "turn-90", "turn-180", "turn-270");
  if (sizes[size] !== 100) paper.classList.add(`zoom-${sizes[size]}`);
  if (turn) paper.classList.add(`turn-${turn}`);
}

function jump(event, selector) {
  const box = view.querySelector(selector);
  if (!box) return;
  event.preventDefault();
  event.stopPropagation();
  box.focus();
  box.select();
}

// The first place that is marked is brought into sight inside the page.
function showMark() {
  const mark = view.querySelector(".marks rect");
  if (!mark || !paper) return;
  const place = mark.getBoundingClientRect();
  const frame = paper.getBoundingClientRect();
  paper.scrollTop += place.top - frame.top - frame.height / 3;
  paper.scrollLeft += place.left - frame.left - frame.width / 3;
}

const keys = { "+": "larger", "=": "larger", "-": "smaller", r: "turn", f: "wide" };

if (view) {
  view.querySelectorAll("[data-act]").forEach((button) => button.addEventListener("click", () => act(button.dataset.act)));
  const picture = view.querySelector("[data-picture]");
  if (picture && wasWide()) act("wide");
  if (picture && picture.complete) showMark();
  else if (picture) picture.addEventListener("load", showMark);
  // Before the keys of every page: "/" looks in the file here.
  document.addEventListener("keydown", (event) => {
    if (/^(INPUT|TEXTAREA|SELECT|AUDIO|VIDEO)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (keys[key]) act(keys[key]);
    else if (key === "/") jump(event, "[data-find-in]");
    else if (key === "g") jump(event, "[data-leaf]");
    else if (["ArrowLeft", "ArrowRight", "n", "p"].includes(key)) {
      const link = view.querySelector(`[data-key="${key}"]`);
      if (link) window.location.assign(link.href);
    }
  }, true);
}

// An open page stops when it may not be read any more: asked every half minute, and when the window is looked at again.
const EVERY = 30000;
let asking = 0;

function stop(words) {
  window.clearInterval(asking);
  asking = 0;
  view.classList.add("view--ended");
  view.querySelectorAll("img, audio, video, iframe").forEach((one) => {
    if (one.pause) one.pause();
    one.removeAttribute("src");
  });
  view.querySelectorAll(".layer, .marks, .paper--text").forEach((one) => one.remove());
  const ended = view.querySelector("[data-ended]");
  if (ended) {
    ended.textContent = words;
    ended.hidden = false;
  }
}

async function ask() {
  let answer;
  try {
    answer = await window.fetch(view.dataset.still, { headers: { Accept: "application/json" }, cache: "no-store" });
  } catch (error) {
    return; // the line is down: the next page would not come either
  }
  const told = (answer.headers.get("content-type") || "").startsWith("application/json") ? await answer.json() : null;
  if (told && told.still === false) stop(told.sentence);
  else if (!told && (answer.redirected || answer.status === 401)) window.location.reload(); // signed out meanwhile
}

if (view && view.dataset.still) {
  asking = window.setInterval(() => { if (!document.hidden) ask(); }, EVERY);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && asking) ask(); });
  const ends = view.dataset.ends ? new Date(view.dataset.ends).getTime() - Date.now() : 0;
  if (ends > 0 && ends < 2 ** 31 - 1) window.setTimeout(ask, ends + 1500);
}
