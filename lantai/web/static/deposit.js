// The deposit page with scripts: drop files and folders, see each with its state, send them one by one, try again when
// the line is lost. Without scripts the same form posts everything at once.
const form = document.querySelector("[data-deposit]");
const words = form.dataset;
const list = form.querySelector("[data-list]");
const queueBox = form.querySelector("[data-queue]");
const bar = form.querySelector("[data-bar]");
const barBox = form.querySelector("[data-progress]");
const barWords = form.querySelector("[data-bar-words]");
const sum = form.querySelector("[data-sum]");
const button = form.querySelector("[data-submit]");
const drop = form.querySelector("[data-drop]");
const queue = [];
const SHOWN = 500;
const TRIES = 8;
let sending = false;

function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  let amount = count;
  while (amount >= 999.95 && unit < units.length - 1) { amount /= 1000; unit += 1; }
  return unit === 0 ? `${amount} B` : `${amount.toFixed(1)} ${units[unit]}`;
}
const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
const total = () => queue.reduce((all, one) => all + one.file.size, 0);

function row(one) {
  const item = document.createElement("li");
  item.className = "queue__one";
  const thumb = document.createElement("span");
  thumb.className = "queue__thumb";
  thumb.textContent = (one.path.split(".").pop() || "").slice(0, 4).toUpperCase();
  const name = document.createElement("bdi");
  name.className = "queue__name";
  name.textContent = one.path;
  const state = document.createElement("span");
  state.className = "queue__state";
  state.textContent = `${bytes(one.file.size)} · ${words.wordsWaiting}`;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "button button--small";
  remove.textContent = words.wordsRemove;
  remove.addEventListener("click", () => {
    if (sending) return;
    queue.splice(queue.indexOf(one), 1);
    item.remove();
    show();
  });
  item.append(thumb, name, state, remove);
  one.state = state;
  one.remove = remove;
  return item;
}

function show() {
  queueBox.hidden = queue.length === 0;
  sum.textContent = fill(words.wordsChosen, { total: queue.length, bytes: bytes(total()) });
}

function add(file, path) {
  if (sending || queue.some((one) => one.path === path && one.file.size === file.size)) return;
  const one = { file, path, sent: 0, done: false, state: null, remove: null };
  queue.push(one);
  if (queue.length <= SHOWN) list.append(row(one));
}

form.querySelectorAll("input[type=file]").forEach((input) => {
  input.addEventListener("change", () => {
    Array.from(input.files).forEach((file, number) => {
      // Photographs straight from a camera all bear the same name.
      const plain = input.name === "camera" ? `${queue.length + 1}-${file.name}` : file.name;
      add(file, file.webkitRelativePath || plain);
    });
    input.value = "";
    show();
  });
});

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    add(file, entry.fullPath.replace(/^\//, ""));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await walk(one);
  }
}

["dragenter", "dragover"].forEach((name) => document.addEventListener(name, (event) => {
  event.preventDefault();
  drop.classList.add("drop--over");
}));
["dragleave", "drop"].forEach((name) => document.addEventListener(name, (event) => {
  event.preventDefault();
  if (name === "drop" || event.relatedTarget === null) drop.classList.remove("drop--over");
}));
document.addEventListener("drop", async (event) => {
  const entries = Array.from(event.dataTransfer.items || []).map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (entries.length) for (const entry of entries) await walk(entry);
  else Array.from(event.dataTransfer.files).forEach((file) => add(file, file.name));
  show();
});

const pause = (milliseconds) => new Promise((resolve) => window.setTimeout(resolve, milliseconds));

function put(address, body, onprogress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address);
    request.setRequestHeader("X-CSRF-Token", words.csrf);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => onprogress(event.loaded));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(new Error("line")));
    request.addEventListener("timeout", () => reject(new Error("line")));
    request.send(body);
  });
}

const started = { at: 0 };
function progress() {
  const all = total();
  const sent = queue.reduce((sumSent, one) => sumSent + Math.min(one.sent, one.file.size), 0);
  const files = queue.filter((one) => one.done).length;
  bar.max = Math.max(all, 1);
  bar.value = sent;
  const seconds = (Date.now() - started.at) / 1000;
  const left = seconds > 3 && sent > 0 ? ` · ${fill(words.wordsLeft, { seconds: Math.ceil((all - sent) * seconds / sent) })}` : "";
  barWords.textContent = fill(words.wordsBar, { files, total: queue.length, sent: bytes(sent), bytes: bytes(all) }) + left;
}

function say(one, text, kind) {
  if (!one.state) return;
  one.state.textContent = `${bytes(one.file.size)} · ${text}`;
  one.state.className = `queue__state${kind ? ` queue__state--${kind}` : ""}`;
}

async function json(method, address, body) {
  const answer = await fetch(address, {
    method,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": words.csrf, Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const got = await answer.json();
  if (!answer.ok) throw new Error(got.detail || String(answer.status));
  return got;
}

async function send(one, submission) {
  const address = `/api/v1/submissions/${submission}/files?path=${encodeURIComponent(one.path)}`;
  for (let turn = 1; turn <= TRIES; turn += 1) {
    try {
      const answer = await put(address, one.file, (sent) => { one.sent = sent; progress(); });
      if (answer.status < 300) {
        one.done = true;
        one.sent = one.file.size;
        say(one, words.wordsSent, "sent");
        if (one.remove) one.remove.hidden = true;
        progress();
        return;
      }
      const problem = JSON.parse(answer.responseText);
      if (answer.status < 500) throw new Error(problem.detail);
    } catch (error) {
      if (error.message !== "line") { say(one, error.message, "failed"); throw error; }
    }
    one.sent = 0;
    say(one, words.wordsFailed, "failed");
    await pause(Math.min(1000 * 2 ** turn, 30000));
  }
  say(one, words.wordsGone, "failed");
  throw new Error(words.wordsGone);
}

function complain(text) {
  const hint = form.querySelector("[data-hint]");
  hint.textContent = text;
  hint.className = "field__error";
  hint.setAttribute("role", "alert");
  return hint;
}

// Signing in happens in a window of its own: what was chosen stays here.
function askToSignIn(text) {
  const link = document.createElement("a");
  link.href = "/sign-in";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = words.wordsSignIn;
  complain(`${text} `).append(link);
}

window.addEventListener("beforeunload", (event) => {
  if (sending) { event.preventDefault(); event.returnValue = ""; }
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (sending) return;
  if (!queue.length) { complain(words.wordsNone); return; }
  sending = true;
  button.disabled = true;
  barBox.hidden = false;
  started.at = Date.now();
  const value = (name) => form.elements[name].value.trim();
  try {
    // Whoever signed in again in another window goes on here with what she has chosen.
    const who = await fetch("/api/v1/session", { credentials: "same-origin", headers: { Accept: "application/json" } });
    const session = await who.json();
    if (who.status === 401) {
      sending = false;
      button.disabled = false;
      barBox.hidden = true;
      askToSignIn(session.detail);
      return;
    }
    if (!who.ok) throw new Error(session.detail);
    words.csrf = session.csrf_token;
    if (!form.dataset.submission) {
      const opened = await json("POST", "/api/v1/submissions", {
        title: value("title"), household_no: value("household_no"), programme: value("programme"),
        document_type: value("document_type"), one_record: form.elements.one_record.checked, idempotency_key: value("idempotency_key"), channel: "web",
      });
      form.dataset.submission = opened.id;
    }
    // One after the other keeps the order in which they were chosen.
    for (const one of queue) if (!one.done) await send(one, form.dataset.submission);
    await json("POST", `/api/v1/submissions/${form.dataset.submission}/complete`, {});
    sending = false;
    window.location.assign(`/submissions/${form.dataset.submission}`);
  } catch (error) {
    sending = false;
    button.disabled = false;
    complain(error.message);
  }
});
