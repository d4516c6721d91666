// Small comforts for every page; nothing here is needed to do the work.
document.documentElement.classList.add("scripted");

const typing = (element) => element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);

// "/" jumps to the search box, Escape closes what is open.
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const box = document.querySelector("#find-page, #find-large, [data-find]");
    if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  }
  if (event.key === "Escape") {
    document.querySelectorAll("details.me[open], details.confirm[open], details.choose[open]").forEach((one) => {
      one.open = false;
      one.querySelector("summary").focus();
    });
  }
});

// A menu closes when the click goes elsewhere.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.me[open], details.confirm[open], details.choose[open]").forEach((one) => {
    if (!one.contains(event.target)) one.open = false;
  });
});

// A form is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("data-deposit")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  window.setTimeout(() => shown("[data-line-slow]", true), 4000);
});

// The line: lost, back again, or slow; said in words that the page brought along.
const shown = (which, visible) => {
  const note = document.querySelector(which);
  if (note) note.hidden = !visible;
};
window.addEventListener("offline", () => shown("[data-line-lost]", true));
window.addEventListener("online", () => shown("[data-line-lost]", false));
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => form.removeAttribute("data-sent"));
  shown("[data-line-slow]", false);
});

// On a narrow screen the rooms scroll: the one that is open stays in sight.
const here = document.querySelector(".rooms [aria-current]");
if (here && here.offsetLeft + here.offsetWidth > window.innerWidth) here.closest(".rooms").scrollLeft = here.offsetLeft - 24;

// What went wrong gets the focus, so that it is read out and seen first.
const wrong = document.querySelector("[data-focus]");
if (wrong) wrong.focus();

// A part that changes while work goes on is fetched again until it stands still; then the page is loaded whole.
// Whoever is just leaving it for another page is not held back.
const moving = document.querySelector("[data-refresh]");
if (moving) {
  let leaving = 0;
  window.addEventListener("beforeunload", () => { leaving = Date.now(); });
  const before = moving.querySelector("[data-state]");
  const first = before && before.dataset.state;
  let wait = 700;
  const again = async () => {
    try {
      const answer = await fetch(moving.dataset.refresh, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.ok) {
        const words = await answer.text();
        const told = new DOMParser().parseFromString(words, "text/html");
        const state = told.querySelector("[data-state]");
        const changed = !state || state.dataset.state !== first;
        if (changed && Date.now() - leaving > 5000) { // a file that was fetched leaves the page where it is
          window.location.reload();
          return;
        }
        for (const part of told.querySelectorAll("[data-part]")) {
          const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
          if (old && old.innerHTML !== part.innerHTML) old.replaceWith(document.importNode(part, true));
        }
      }
    } catch (error) {
      // The line is lost for now: ask again later.
    }
    wait = Math.min(wait * 1.3, 5000);
    window.setTimeout(again, wait);
  };
  window.setTimeout(again, wait);
}

// A list with tick boxes: how many are chosen, all at once, from one to another with Shift.
document.querySelectorAll("[data-selection]").forEach((form) => {
  const boxes = Array.from(form.elements).filter((one) => one.type === "checkbox");
  const table = boxes.length ? boxes[0].closest("table") : null;
  const all = table && table.querySelector("[data-tick-all]");
  const shown = form.querySelector("[data-selected]");
  const acts = form.querySelectorAll(".selection__acts button, .selection__acts select");
  let last = null;
  const count = () => {
    const chosen = boxes.filter((one) => one.checked).length;
    if (shown) shown.textContent = String(chosen);
    form.classList.toggle("selection--some", chosen > 0);
    acts.forEach((one) => { one.disabled = chosen === 0; });
    boxes.forEach((one) => { const row = one.closest("tr"); if (row) row.classList.toggle("row--chosen", one.checked); });
    if (all) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  };
  boxes.forEach((box) => box.addEventListener("click", (event) => {
    if (event.shiftKey && last) {
      const ends = [boxes.indexOf(last), boxes.indexOf(box)].sort((one, two) => one - two);
      boxes.slice(ends[0], ends[1] + 1).forEach((one) => { one.checked = box.checked; });
    }
    last = box;
    count();
  }));
  if (all) {
    all.addEventListener("click", () => {
      boxes.forEach((one) => { one.checked = all.checked; });
      count();
    });
  }
  window.addEventListener("pageshow", count);
  count();
});

document.querySelectorAll("[data-print]").forEach((one) => one.addEventListener("click", () => window.print()));
