// Household file: papers are ordered by dragging or with Alt and the arrow keys; the page in view turns with the arrow
// keys, the paper with J and K. Without this the buttons and links of the page do the same.
const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT|AUDIO|VIDEO)$/.test(element.tagName);

const form = document.querySelector("[data-arranging]");
if (form) {
  let moving = null;
  const papers = (stage) => Array.from(stage.querySelectorAll("[data-paper]"));
  const clear = () => form.querySelectorAll(".papers__one--above").forEach((one) => one.classList.remove("papers__one--above"));
  const send = (stage) => {
    form.querySelector("[data-order]").value = papers(stage).map((one) => one.dataset.paper).join(",");
    form.submit();
  };
  form.querySelectorAll("[data-paper]").forEach((paper) => {
    paper.draggable = true;
    paper.addEventListener("dragstart", (event) => {
      moving = paper;
      paper.classList.add("papers__one--moving");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", paper.dataset.paper);
    });
    paper.addEventListener("dragend", () => {
      paper.classList.remove("papers__one--moving");
      clear();
      moving = null;
    });
    paper.addEventListener("dragover", (event) => {
      if (!moving || moving === paper || moving.parentNode !== paper.parentNode) return;
      event.preventDefault();
      clear();
      paper.classList.add("papers__one--above");
    });
    paper.addEventListener("drop", (event) => {
      if (!moving || moving.parentNode !== paper.parentNode) return;
      event.preventDefault();
      const stage = paper.parentNode;
      const all = papers(stage);
      stage.insertBefore(moving, all.indexOf(moving) < all.indexOf(paper) ? paper.nextSibling : paper);
      send(stage);
    });
    paper.addEventListener("keydown", (event) => {
      if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
      const button = paper.querySelector(`button[value^="${event.key === "ArrowUp" ? "up" : "down"}:"]`);
      if (!button || button.disabled) return;
      event.preventDefault();
      button.click();
    });
  });
  // The paper that was moved keeps the focus.
  const target = window.location.hash.startsWith("#paper-") && document.getElementById(window.location.hash.slice(1));
  const link = target && target.querySelector("a");
  // The browser goes to the fragment when the page is whole, and takes the focus with it.
  if (link && document.readyState === "complete") link.focus();
  else if (link) window.addEventListener("load", () => window.setTimeout(() => link.focus(), 0));
}

const reading = document.querySelector("[data-reading]");
if (reading) {
  document.addEventListener("keydown", (event) => {
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!["ArrowLeft", "ArrowRight", "j", "k"].includes(key)) return;
    const link = reading.querySelector(`[data-key="${key}"]`);
    if (link) window.location.assign(link.href);
  });
  const here = document.querySelector(".papers__one--here");
  const list = document.querySelector(".household__contents");
  if (here && list && list.scrollHeight > list.clientHeight) list.scrollTop = here.offsetTop - list.clientHeight / 3;
}
